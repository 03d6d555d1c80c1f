/** Exec, attach and port-forward of people's own tools are recordings of their session. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stream } from '../../server/http/schemas.ts';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { type Issued, issueKubeconfig, OwnTools } from '../own-tools.ts';
import { CLUSTER, TestPortal } from '../portal.ts';

let portal: TestPortal;
let namespace: string;
let issued: Issued;
let tools: OwnTools;
beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `exec-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  const run = ['run', 'web', `--image=${BUSYBOX_IMAGE}`, '--image-pull-policy=Never', '--restart=Never'];
  const serve = 'while true; do echo up | nc -l -p 8080; done & read line; echo "got $line"; sleep 3600';
  await kubectlAsAdmin(...run, '-n', namespace, '--stdin', '--attach=false', '--', 'sh', '-c', serve);
  await kubectlAsAdmin('wait', '--for=condition=Ready', 'pod/web', '-n', namespace, '--timeout=60s');
  const person = await portal.visitor([await portal.role({ clusterRoles: ['cluster-admin'] })]);
  issued = await issueKubeconfig(person);
  tools = await OwnTools.with(issued.kubeconfig);
});
afterAll(async () => {
  tools?.[Symbol.dispose]();
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

const kubectl = (args: string[], input: { stdin?: string; env?: Record<string, string> } = {}) =>
  tools.start('kubectl', ['-n', namespace, ...args], input);

const streams = async (session = issued.id): Promise<Stream[]> =>
  (await portal.admin<{ items: Stream[] }>('GET', `/sessions/${session}/streams`)).items;
/** The newest that fits, once it has ended. */
const ended = (fits: (stream: Stream) => boolean) =>
  until(async () => (await streams()).find((stream) => stream.endedAt !== null && fits(stream)), {
    what: 'the stream in the list',
  });
const runs = (text: string) => (stream: Stream) => stream.command.join(' ').includes(text);

async function recording(stream: string, form: '' | '.cast' = ''): Promise<Response> {
  return fetch(`${portal.url}/api/v1/sessions/${issued.id}/streams/${stream}/recording${form}`, {
    headers: { authorization: `Bearer ${portal.adminToken}` },
  });
}
type CastEvent = [interval: number, code: string, data: string];
async function cast(stream: string): Promise<CastEvent[]> {
  const lines = (await (await recording(stream, '.cast')).text()).trim().split('\n').slice(1);
  return lines.map((line) => JSON.parse(line) as CastEvent);
}
const shown = (events: CastEvent[], code: string): string =>
  events
    .filter(([, one]) => one === code)
    .map(([, , data]) => data)
    .join('');

const transports = [
  ['WebSocket', {}],
  ['SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }],
] as const;

describe.each(transports)('over %s', (name, env) => {
  it('an exec has its channels apart, its input, its end', async () => {
    const script = `cat; echo bad >&2; echo ${name}-done; exit 7`;
    const { code, stdout } = await kubectl(['exec', '-i', 'web', '--', 'sh', '-c', script], {
      stdin: 'typed in\n',
      env,
    }).ended;
    expect({ code, stdout }).toEqual({ code: 7, stdout: `typed in\n${name}-done\n` });
    const stream = await ended(runs(`${name}-done`));
    expect(stream).toMatchObject({
      kind: 'exec',
      pod: 'web',
      namespace,
      tty: false,
      stdin: true,
      recorded: true,
      unrecorded: null,
      exitCode: 7,
      bytes: { stdin: 9, stdout: stdout.length, stderr: 4 },
    });
    const events = await cast(stream.id);
    expect(shown(events, 'i')).toBe('typed in\n');
    expect(shown(events, 'o').replaceAll('bad\r\n', '')).toBe(stdout.replaceAll('\n', '\r\n'));
    expect(shown(events, 'o')).toContain('bad\r\n');
    expect(shown(events, 'm')).toContain('exit 7');
    expect(shown(events, 'm')).toContain('exec web');
  });

  it('much of it is in the recording byte for byte, in and out', async () => {
    const text = randomBytes(4 * 1024 * 1024).toString('hex');
    const script = `cat; : ${name}-much`;
    const { code, stdout } = await kubectl(['exec', '-i', 'web', '--', 'sh', '-c', script], { stdin: text, env }).ended;
    expect(code).toBe(0);
    expect(stdout === text).toBe(true);
    const stream = await ended(runs(`${name}-much`));
    expect(stream.bytes).toMatchObject({ stdin: text.length, stdout: text.length });
    const events = await cast(stream.id);
    expect(shown(events, 'i') === text).toBe(true);
    expect(shown(events, 'o') === text).toBe(true);
  });

  it('a port-forward has its connections, and no byte of them', async () => {
    const forward = kubectl(['port-forward', 'web', ':8080'], { env });
    const port = await until(async () => /127\.0\.0\.1:(\d+)/.exec(forward.output())?.[1], { what: 'the port' });
    const text = await new Promise<string>((resolve, reject) => {
      const socket = createConnection(Number(port), '127.0.0.1');
      let all = '';
      socket
        .on('data', (chunk) => (all += chunk))
        .on('end', () => resolve(all))
        .on('error', reject);
    });
    expect(text).toBe('up\n');
    const before = (await streams()).filter(({ kind, endedAt }) => kind === 'port-forward' && endedAt !== null).length;
    forward.child.kill('SIGINT');
    await forward.ended;
    const found = await until(
      async () => {
        const all = (await streams()).filter(({ kind, endedAt }) => kind === 'port-forward' && endedAt !== null);
        return all.length > before && all[0];
      },
      { what: 'the port-forward' },
    );
    expect(found).toMatchObject({ recorded: false, bytes: { connections: 1 } });
    expect(found.connections).toMatchObject([{ port: '8080', down: 3 }]);
    expect((await recording(found.id)).status).toBe(404);
  });
});

it('a terminal’s size, and what is typed, are in the recording; what a prompt asks for in secret is not', async () => {
  const shell = tools.inTerminal('kubectl', ['-n', namespace, 'exec', '-it', 'web', '--', 'sh']);
  await until(async () => shell.output().includes('#') || shell.output().includes('$'), { what: 'the prompt' });
  shell.type("stty -echo; printf 'Pass'; printf 'word: '; read secret; stty echo; echo done\n");
  await until(async () => shell.output().includes('Password: '), { what: 'its prompt' });
  shell.type('hunter2-horse\n');
  await until(async () => /done\r?\n/.test(shell.output()), { what: 'what follows' });
  shell.type('exit\n');
  await shell.ended;
  const stream = await ended(({ tty }) => tty);
  const events = await cast(stream.id);
  expect(shown(events, 'r')).toContain('80x24');
  expect(shown(events, 'i')).toContain('read secret');
  expect(JSON.stringify(events)).not.toContain('hunter2-horse');
  expect(shown(events, 'm')).toContain('secret input');
  const found = await portal.admin<{ items: { line: string }[] }>(
    'GET',
    `/sessions/${issued.id}/streams/${stream.id}/recording/search?q=done`,
  );
  expect(found.items.length).toBeGreaterThan(0);
});

it('cp and attach are there, too', async () => {
  await writeFile(join(tools.folder, 'file'), 'x'.repeat(100_000));
  expect(await kubectl(['cp', 'file', `${namespace}/web:/tmp/file`]).ended).toMatchObject({ code: 0 });
  const copied = await ended(runs('tar'));
  expect(copied.bytes['stdin']).toBeGreaterThan(100_000);
  const attached = kubectl(['attach', '-i', 'web'], { stdin: 'hello\n' });
  await until(async () => attached.output().includes('got hello'), { what: 'the attached output' });
  attached.child.kill('SIGINT');
  await attached.ended;
  const stream = await ended(({ kind }) => kind === 'attach');
  expect(shown(await cast(stream.id), 'o')).toContain('got hello');
});

it('one that a killed portal left has no end, and what it showed until then', async () => {
  const running = kubectl(['exec', 'web', '--', 'sh', '-c', 'echo until-the-kill; sleep 600']);
  await until(async () => running.output().includes('until-the-kill'), { what: 'its output' });
  await portal.kill();
  await running.ended;
  await portal.up();
  const stream = await until(async () => (await streams()).find(runs('until-the-kill')), { what: 'the stream' });
  expect(stream).toMatchObject({ endedAt: null, recorded: true, exitCode: null });
  expect(shown(await cast(stream.id), 'o')).toContain('until-the-kill');
});

it('is for auditors; its person sees that it is there', async () => {
  const person = await portal.visitor([await portal.role()]);
  const [stream] = await streams();
  await expect(person.api('GET', `/sessions/${issued.id}/streams`)).rejects.toMatchObject({
    code: 'session-not-found',
  });
  const own = await issueKubeconfig(person);
  expect(await person.api('GET', `/sessions/${own.id}/streams`)).toMatchObject({ items: [] });
  await expect(person.api('GET', `/sessions/${own.id}/streams/${stream!.id}/recording`)).rejects.toMatchObject({
    code: 'forbidden',
  });
  // By way of another session it is not to be had, by nobody.
  await expect(portal.admin('GET', `/sessions/${own.id}/streams/${stream!.id}/recording`)).rejects.toMatchObject({
    code: 'stream-not-found',
  });
});

describe('where a role requires recordings', () => {
  let strict: Issued;
  beforeAll(async () => {
    const name = `p-${randomBytes(4).toString('hex')}`;
    const times = { idleMs: 900_000, detachedMs: 300_000, hardCapMs: 3_600_000, maxSessions: 3 };
    const reach = { clusterRoles: ['cluster-admin'], namespaces: [], groups: [name] };
    const role = { description: '', portal: 'member', ...reach, ...times, recordStreams: 'required' };
    await portal.admin('PUT', `/roles/${name}`, role);
    strict = await issueKubeconfig(await portal.visitor([name]));
  });

  it('kubectl works as ever, and what is longer than the bound is recorded whole', async () => {
    using own = await OwnTools.with(strict.kubeconfig);
    const exec = await own.kubectl('-n', namespace, 'exec', 'web', '--', 'echo', 'strict');
    expect(exec).toMatchObject({ code: 0, stdout: 'strict\n' });
    const all = await until(
      async () => {
        const items = await streams(strict.id);
        return items.length > 0 && items[0]!.endedAt !== null && items;
      },
      { what: 'the stream' },
    );
    expect(all[0]).toMatchObject({ recorded: true, unrecorded: null });
  });

  // A form that is not read, one of tomorrow, and none.
  it.each(['base64.channel.k8s.io', 'v9.channel.k8s.io', ''])(
    'a client that offers "%s" is refused before the cluster is asked',
    async (subprotocol) => {
      const path = `/k8s/${CLUSTER}/api/v1/namespaces/${namespace}/pods/web/exec?command=id&stdout=true`;
      const answer = await upgrade(path, strict.token, subprotocol ? { 'sec-websocket-protocol': subprotocol } : {});
      expect(answer).toMatchObject({ status: 403, code: 'recording-required' });
    },
  );

  it('frames that cannot be read end the stream', async () => {
    const path = `/k8s/${CLUSTER}/api/v1/namespaces/${namespace}/pods/web/exec?command=cat&stdin=true&stdout=true`;
    const offered = { 'sec-websocket-protocol': 'v5.channel.k8s.io', 'sec-websocket-extensions': 'permessage-deflate' };
    const answer = await upgrade(path, strict.token, offered);
    // The extension was not passed on, so that the cluster could not choose it.
    expect(answer).toMatchObject({ status: 101, extensions: undefined });
    const gone = new Promise<void>((resolve) => answer.socket!.once('close', () => resolve()));
    answer.socket!.write(Buffer.from([0xc2, 0x80, 0, 0, 0, 0]));
    await gone;
  });
});

type Upgraded = { status: number; code?: string; extensions?: string; socket?: Duplex };
function upgrade(path: string, token: string, headers: Record<string, string>): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${portal.gatewayUrl}${path}`, {
      rejectUnauthorized: false,
      headers: {
        authorization: `Bearer ${token}`,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        ...headers,
      },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode!, code: answer.headers['x-sallyport-error-code'] as string });
    });
    outgoing.once('upgrade', (answer, socket) => {
      socket.on('error', () => {});
      socket.resume();
      resolve({ status: 101, extensions: answer.headers['sec-websocket-extensions'] as string, socket });
    });
    outgoing.end();
  });
}
