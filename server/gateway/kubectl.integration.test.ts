/**
 * What people do every day, with the real kubectl and helm through the gateway to the real cluster. Long, since its last
 * test compares the cluster's audit log with ours for all that the others have done.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectlBinaries } from '../../e2e/cluster/kubectl.ts';
import { TestGateway, type TestSession } from '../../e2e/gateway.ts';
import { testCluster } from '../../e2e/use.ts';

let gateway: TestGateway;
let session: TestSession;
let bin: string;
let folder: string;
const namespace = `gateway-kubectl-${process.pid}`;

type Result = { code: number; stdout: string; stderr: string };

type Environment = Record<string, string>;

function environment(more: Environment): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    KUBECONFIG: session.kubeconfig,
    ...more,
  };
}

function run(program: string, args: string[], options: { env?: Environment; input?: string } = {}): Promise<Result> {
  return new Promise((resolve) => {
    const child = execFile(
      join(bin, program),
      args,
      { env: environment(options.env ?? {}), maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
    child.stdin?.end(options.input ?? '');
  });
}

async function kubectl(args: string[], options: Parameters<typeof run>[2] = {}): Promise<string> {
  const result = await run('kubectl', ['-n', namespace, ...args], options);
  expect(result.code, `kubectl ${args.join(' ')}\n${result.stderr}`).toBe(0);
  return result.stdout;
}

/** Resolves with everything printed so far as soon as it matches; the program goes on printing. */
function until(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  child.stdout!.on('data', (chunk) => {
    text += String(chunk);
    if (pattern.test(text)) resolve(text);
  });
  child.stdout!.once('end', () => reject(new Error(`the program ended before it printed ${pattern}: ${text}`)));
  return promise;
}

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      { name: 'web', image: 'sallyport.test/httpd:1', imagePullPolicy: 'Never', ports: [{ containerPort: 8080 }] },
    ],
  },
};
const shell = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'shell' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'sh',
        image: 'sallyport.test/busybox:1',
        imagePullPolicy: 'Never',
        stdin: true,
        command: ['sh', '-c', 'i=0; while true; do echo tick $i; i=$((i+1)); sleep 0.2; done & exec cat'],
      },
    ],
  },
};

beforeAll(async () => {
  bin = await kubectlBinaries();
  folder = await mkdtemp(join(tmpdir(), 'sallyport-kubectl-'));
  gateway = await TestGateway.start();
  session = await gateway.session();
  await run('kubectl', ['create', 'namespace', namespace]);
  await kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=30s']);
  await kubectl(['apply', '-f', '-'], { input: `${JSON.stringify(pod)}\n---\n${JSON.stringify(shell)}` });
  await kubectl(['wait', '--for=condition=Ready', 'pod/web', 'pod/shell', '--timeout=60s']);
});

afterAll(async () => {
  await gateway.admin.json({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` });
  await gateway[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  expect(gateway.faults).toEqual([]);
});

describe('reading and writing', () => {
  test('get, describe, explain, api-resources, auth whoami', async () => {
    expect(await kubectl(['get', 'pods'])).toMatch(/web\s+1\/1\s+Running/);
    expect(await kubectl(['get', 'pods', '-o', 'yaml'])).toContain('kind: Pod');
    expect(await kubectl(['describe', 'pod', 'web'])).toContain('sallyport.test/httpd:1');
    expect(await kubectl(['explain', 'pod.spec'])).toContain('containers');
    expect(await kubectl(['api-resources'])).toContain('deployments');
    expect(await kubectl(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).toBe(
      `system:serviceaccount:${gateway.namespace}:${session.serviceAccount}`,
    );
  });

  test('apply on both sides, patch, scale, label, delete', async () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { a: '1' } };
    expect(await kubectl(['apply', '-f', '-'], { input: JSON.stringify(map) })).toContain('created');
    map.data.a = '2';
    expect(await kubectl(['apply', '-f', '-'], { input: JSON.stringify(map) })).toContain('configured');
    expect(
      await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { input: JSON.stringify(map) }),
    ).toContain('serverside-applied');
    expect(await kubectl(['patch', 'configmap', 'settings', '-p', '{"data":{"a":"3"}}'])).toContain('patched');
    expect(await kubectl(['get', 'configmap', 'settings', '-o', 'jsonpath={.data.a}'])).toBe('3');
    await kubectl(['label', 'configmap', 'settings', 'x=y']);
    expect(await kubectl(['delete', 'configmap', '-l', 'x=y'])).toContain('deleted');
  });

  test('secrets, created and applied; the value is in no audit event', async () => {
    await kubectl(['create', 'secret', 'generic', 'password', '--from-literal=p=correct-horse-battery']);
    expect(await kubectl(['get', 'secret', 'password', '-o', 'jsonpath={.data.p}'])).toBe(
      Buffer.from('correct-horse-battery').toString('base64'),
    );
    await gateway.audit.flush();
    const text = JSON.stringify(gateway.rows);
    expect(text).toContain('"resource":"secrets"');
    expect(text).not.toContain('correct-horse');
    expect(text).not.toContain(Buffer.from('correct-horse-battery').toString('base64'));
    expect(text).not.toContain(session.token);
  });

  test('a watch shows a change as it happens', async () => {
    const child = spawn(join(bin, 'kubectl'), ['-n', namespace, 'get', 'configmaps', '-w', '-o', 'name'], {
      env: environment({}),
    });
    const seen = until(child, /configmap\/watched/);
    await kubectl(['create', 'configmap', 'watched']);
    await seen;
    child.kill();
    await once(child, 'exit');
  });
});

describe.each([
  ['WebSocket', 'true'],
  ['SPDY', 'false'],
])('streams over %s', (_, websockets) => {
  const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: websockets, KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets };

  test('exec: output, input, exit code', async () => {
    expect(await kubectl(['exec', 'web', '--', 'echo', 'hello there'], { env })).toBe('hello there\n');
    expect(await kubectl(['exec', '-i', 'web', '--', 'cat'], { env, input: 'sent in\n' })).toBe('sent in\n');
    const result = await run('kubectl', ['-n', namespace, 'exec', 'web', '--', 'sh', '-c', 'exit 42'], { env });
    expect(result.code).toBe(42);
  });

  test('20 MiB in and out of an exec arrive whole', async () => {
    const input = randomBytes(10 * 1024 * 1024).toString('hex');
    const out = await kubectl(['exec', '-i', 'web', '--', 'cat'], { env, input });
    expect(out.length).toBe(input.length);
    expect(out === input).toBe(true);
  });

  test('exec -it in a terminal', async () => {
    const command = `kubectl -n ${namespace} exec -it web -- sh -c "tty; echo in-a-terminal"`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      env: environment(env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    expect(await until(child, /in-a-terminal/)).toContain('/dev/pts/');
    child.kill();
  });

  test('attach', async () => {
    const child = spawn(join(bin, 'kubectl'), ['-n', namespace, 'attach', 'shell'], { env: environment(env) });
    await until(child, /tick \d+[\s\S]*tick \d+/);
    child.kill();
    await once(child, 'exit');
  });

  test('cp in and out', async () => {
    const file = join(folder, `in-${websockets}`);
    await writeFile(file, 'contents of a file');
    await kubectl(['cp', file, 'web:/tmp/copied'], { env });
    await kubectl(['cp', 'web:/tmp/copied', join(folder, `out-${websockets}`)], { env });
    expect(await readFile(join(folder, `out-${websockets}`), 'utf8')).toBe('contents of a file');
  });

  test('port-forward and a request through it', async () => {
    const child = spawn(join(bin, 'kubectl'), ['-n', namespace, 'port-forward', 'pod/web', ':8080'], {
      env: environment(env),
    });
    const port = /127\.0\.0\.1:(\d+) ->/.exec(await until(child, /127\.0\.0\.1:\d+ ->/))![1];
    const text = await new Promise<string>((resolve, reject) => {
      get(`http://127.0.0.1:${port}/`, async (response) => {
        let body = '';
        for await (const chunk of response) body += String(chunk);
        resolve(body);
      }).on('error', reject);
    });
    expect(text).toContain('Hello from a pod');
    child.kill();
    await once(child, 'exit');
  });
});

describe('logs', () => {
  test('logs -f follows', async () => {
    const child = spawn(join(bin, 'kubectl'), ['-n', namespace, 'logs', '-f', 'shell'], { env: environment({}) });
    await until(child, /tick 1\b[\s\S]*tick 3\b/);
    child.kill();
    await once(child, 'exit');
  });
});

describe('helm', () => {
  test('install, upgrade, rollback, history, uninstall', async () => {
    const chart = join(folder, 'chart');
    await mkdir(join(chart, 'templates'), { recursive: true });
    await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: demo\nversion: 1.0.0\n');
    await writeFile(join(chart, 'values.yaml'), 'greeting: one\n');
    await writeFile(
      join(chart, 'templates', 'config.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  greeting: {{ .Values.greeting }}\n',
    );
    const helm = async (...args: string[]) => {
      const result = await run('helm', ['-n', namespace, ...args]);
      expect(result.code, result.stderr).toBe(0);
      return result.stdout;
    };
    const greeting = () => kubectl(['get', 'configmap', 'rel', '-o', 'jsonpath={.data.greeting}']);
    await helm('install', 'rel', chart, '--wait');
    expect(await greeting()).toBe('one');
    await helm('upgrade', 'rel', chart, '--set', 'greeting=two');
    expect(await greeting()).toBe('two');
    await helm('rollback', 'rel', '1');
    expect(await greeting()).toBe('one');
    expect(await helm('history', 'rel')).toContain('Rollback to 1');
    await helm('uninstall', 'rel');
  });
});

describe('refusals that people see', () => {
  test.each([
    [['--as=system:admin', 'get', 'pods'], /Acting as somebody else/],
    [['create', 'token', 'default'], /service-account tokens is refused/],
    [['get', '--raw', '/api/v1/nodes/node-1/proxy/pods'], /node's kubelet/],
  ])('kubectl %j', async (args, sentence) => {
    const result = await run('kubectl', ['-n', namespace, ...args]);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(sentence);
  });

  test('a token Secret, in JSON and server-side', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/service-account-token',
      metadata: { name: 'minted', annotations: { 'kubernetes.io/service-account.name': 'default' } },
    };
    for (const flags of [[], ['--server-side']]) {
      const args = ['-n', namespace, 'apply', ...flags, '-f', '-'];
      const result = await run('kubectl', args, { input: JSON.stringify(secret) });
      expect(result.stderr).toContain('would outlive this session');
    }
    expect(await kubectl(['get', 'secrets', '-o', 'name'])).not.toContain('minted');
  });

  test('changes in the namespace of the accounts', async () => {
    const result = await run('kubectl', ['-n', gateway.namespace, 'create', 'configmap', 'x']);
    expect(result.stderr).toContain("accounts of everybody's sessions");
  });
});

test("the cluster's audit log agrees with ours, call for call", async () => {
  const { auditLog } = await testCluster();
  const seen = async () => {
    const user = `system:serviceaccount:${gateway.namespace}:${session.serviceAccount}`;
    const events = new Map<string, { verb: string; code: number | undefined; path: string }>();
    for (const line of (await readFile(auditLog, 'utf8')).split('\n')) {
      if (!line.includes(user)) continue;
      const event = JSON.parse(line) as {
        auditID: string;
        verb: string;
        stage: string;
        requestURI: string;
        user: { username: string };
        responseStatus?: { code: number };
      };
      if (event.user.username === user && event.stage === 'ResponseComplete')
        events.set(event.auditID, { verb: event.verb, code: event.responseStatus?.code, path: event.requestURI });
    }
    return events;
  };
  // Programs that were killed have left connections that close now.
  await expect.poll(() => gateway.calls.count, { timeout: 20_000 }).toBe(0);
  const finished = async () => {
    await gateway.audit.flush();
    const rows = gateway.rows.filter((row) => row.code === 'api.finished');
    return new Map(rows.map((row) => [row.auditId!, row.detail] as const));
  };
  let [ours, theirs] = [await finished(), await seen()];
  // A call is no longer under way a moment before its end is on record; streams that were cut at our end are complete
  // for the cluster a moment later.
  const differing = async () => {
    [ours, theirs] = [await finished(), await seen()];
    const missing = [...ours].filter(([id]) => !theirs.has(id)).map(([, detail]) => detail);
    return { missing, unknown: [...theirs].filter(([id]) => !ours.has(id)) };
  };
  await expect.poll(differing, { timeout: 20_000 }).toEqual({ missing: [], unknown: [] });
  expect(ours.size).toBeGreaterThan(100);
  for (const [id, detail] of ours) {
    const event = theirs.get(id);
    expect(event, JSON.stringify(detail)).toBeDefined();
    expect(event!.verb).toBe(detail['verb']);
    // Who left before the answer began got none that could agree.
    if (detail['reason'] === 'client-gone' && detail['responseBytes'] === 0) continue;
    if (detail['status'] !== 101) expect(event!.code, JSON.stringify([detail, event])).toBe(detail['status']);
  }
});
