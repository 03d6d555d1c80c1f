/**
 * kubectl's and helm's everyday surface, each command once to the cluster itself and once through the gateway, in a
 * namespace of its own each: exit code and what is said must be the same.
 */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { kubectlBinaries } from '../cluster/kubectl.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { freePort } from '../machine/ports.ts';
import { OwnTools } from '../own-tools.ts';
import { TestPortal, type Visitor } from '../portal.ts';
import { testCluster } from '../use.ts';

type Side = { tools: OwnTools; namespace: string };
type Step = { program?: 'kubectl' | 'helm'; args: string[]; stdin?: string; env?: Record<string, string> };

let portal: TestPortal;
let person: Visitor;
let session: string;
let through: Side;
let direct: Side;

beforeAll(async () => {
  portal = await TestPortal.start();
  person = await portal.visitor([await portal.role({ clusterRoles: ['cluster-admin'] })]);
  const issued = await person.api<{ kubeconfig: string; credentials: { id: string }[] }>('POST', '/me/kubeconfigs', {});
  session = issued.credentials[0]!.id;
  const own = (await portal.id()).slice(0, 8);
  const side = async (name: string, kubeconfig: string): Promise<Side> => {
    const namespace = `${name}-${own}`;
    await kubectlAsAdmin('create', 'namespace', namespace);
    const tools = await OwnTools.with(kubeconfig);
    writeChart(tools.folder);
    await tools.kubectl('config', 'set-context', '--current', `--namespace=${namespace}`);
    return { tools, namespace };
  };
  through = await side('gateway', issued.kubeconfig);
  direct = await side('itself', readFileSync((await testCluster()).kubeconfig, 'utf8'));
});
afterAll(async () => {
  for (const side of [through, direct]) {
    if (!side) continue;
    side.tools[Symbol.dispose]();
    await kubectlAsAdmin('delete', 'namespace', side.namespace, '--wait=false');
  }
  await portal?.[Symbol.asyncDispose]();
});

/** A chart of one ConfigMap, as people have it lying in a folder. */
function writeChart(folder: string): void {
  const chart = join(folder, 'chart');
  mkdirSync(join(chart, 'templates'), { recursive: true });
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: chart\nversion: 1.0.0\n');
  writeFileSync(join(chart, 'values.yaml'), 'colour: blue\n');
  const template =
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  colour: {{ .Values.colour }}\n';
  writeFileSync(join(chart, 'templates', 'settings.yaml'), template);
  cpSync(join(chart, 'Chart.yaml'), join(folder, 'to-copy'));
}

const settings = (colour: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { colour } });
const container = {
  name: 'box',
  image: BUSYBOX_IMAGE,
  imagePullPolicy: 'Never',
  command: ['sh', '-c', 'echo started; while true; do echo hello | nc -l -p 8000 > /dev/null; done'],
};
const box = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'box' },
  spec: { terminationGracePeriodSeconds: 0, containers: [container] },
});
const deployment = JSON.stringify({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { terminationGracePeriodSeconds: 0, containers: [container] },
    },
  },
});
const bySpdy = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' };

const steps: Step[] = [
  // discovery and what needs no resource
  { args: ['version', '--output=json'] },
  { args: ['api-resources', '--output=name', '--sort-by=name'] },
  { args: ['api-versions'] },
  { args: ['explain', 'pod.spec.containers.image'] },
  { args: ['explain', 'deployments', '--output=plaintext-openapiv2'] },
  { args: ['get', '--raw', '/version'] },
  { args: ['get', '--raw', '/readyz?verbose'] },
  { args: ['auth', 'can-i', 'list', 'pods'] },
  // writing, in every way
  { args: ['apply', '-f', '-'], stdin: settings('blue') },
  { args: ['apply', '-f', '-'], stdin: settings('blue') },
  { args: ['apply', '--server-side', '--force-conflicts', '-f', '-'], stdin: settings('green') },
  { args: ['diff', '-f', '-'], stdin: settings('green') },
  { args: ['patch', 'configmap', 'settings', '--type=merge', '--patch={"data":{"size":"s"}}'] },
  { args: ['patch', 'configmap', 'settings', '--type=json', '--patch=[{"op":"remove","path":"/data/size"}]'] },
  { args: ['patch', 'configmap', 'settings', '--type=strategic', '--patch={"data":{"size":"m"}}'] },
  { args: ['label', 'configmap', 'settings', 'a=b'] },
  { args: ['annotate', 'configmap', 'settings', 'a=b'] },
  { args: ['create', 'configmap', 'second', '--from-literal=a=b', '--dry-run=server', '--output=name'] },
  { args: ['create', 'configmap', 'second', '--from-literal=a=b'] },
  { args: ['create', 'configmap', 'second', '--from-literal=a=b'] },
  { args: ['create', 'secret', 'generic', 'hidden', '--from-literal=password=s3cret'] },
  { args: ['get', 'secret', 'hidden', '--output=jsonpath={.data}'] },
  { args: ['replace', '-f', '-'], stdin: settings('red') },
  // reading, in every shape
  { args: ['get', 'configmap', 'settings', '--output=jsonpath={.data}'] },
  { args: ['get', 'configmaps', '--output=name', '--chunk-size=1'] },
  { args: ['get', 'configmaps', '--no-headers', '--output=custom-columns=N:.metadata.name'] },
  { args: ['get', 'configmaps', '--selector=a=b', '--output=name'] },
  { args: ['get', 'configmaps', '--field-selector=metadata.name=second', '--output=name'] },
  { args: ['get', 'nodes', '--output=name'] },
  { args: ['describe', 'configmap', 'second'] },
  // errors of the cluster's own
  { args: ['get', 'nothing-of-this-kind'] },
  { args: ['get', 'configmap', 'not-there'] },
  { args: ['apply', '-f', '-'], stdin: '{"apiVersion":"v1","kind":"ConfigMap"}' },
  { args: ['delete', 'configmap', 'not-there'] },
  { args: ['get', 'pods', '--token=x'] },
  // pods and their streams
  { args: ['apply', '-f', '-'], stdin: box },
  { args: ['wait', '--for=condition=Ready', 'pod/box', '--timeout=60s'] },
  { args: ['logs', 'box'] },
  { args: ['exec', 'box', '--', 'echo', 'hello'] },
  { args: ['exec', 'box', '--', 'sh', '-c', 'echo to-stderr >&2; exit 7'] },
  { args: ['exec', '-i', 'box', '--', 'cat'], stdin: 'typed' },
  { args: ['exec', 'box', '--', 'sh', '-c', 'head -c 3000000 /dev/zero | tr "\\\\0" x | md5sum'] },
  { args: ['exec', 'box', '--', 'echo', 'by SPDY'], env: bySpdy },
  { args: ['exec', '-i', 'box', '--', 'cat'], stdin: 'typed by SPDY', env: bySpdy },
  { args: ['exec', 'box', '--', 'not-a-program'] },
  { args: ['cp', 'to-copy', 'box:/tmp/copied'] },
  { args: ['cp', 'box:/tmp/copied', 'came-back'] },
  { args: ['exec', 'box', '--', 'cat', '/tmp/copied'] },
  { args: ['get', 'pod', 'box', '--output=jsonpath={.status.phase}'] },
  // workloads
  { args: ['apply', '-f', '-'], stdin: deployment },
  { args: ['wait', '--for=condition=Available', 'deployment/web', '--timeout=60s'] },
  { args: ['rollout', 'status', 'deployment/web'] },
  { args: ['scale', 'deployment/web', '--replicas=0'] },
  { args: ['rollout', 'restart', 'deployment/web'] },
  { args: ['rollout', 'history', 'deployment/web'] },
  { args: ['set', 'env', 'deployment/web', 'A=b'] },
  { args: ['expose', 'deployment/web', '--port=80'] },
  { args: ['autoscale', 'deployment/web', '--max=2'] },
  { args: ['delete', 'hpa', 'web'] },
  // helm
  { program: 'helm', args: ['install', 'one', 'chart', '--output=json', '--dry-run=server', '--hide-notes'] },
  { program: 'helm', args: ['install', 'one', 'chart'] },
  { program: 'helm', args: ['upgrade', 'one', 'chart', '--set', 'colour=red'] },
  { program: 'helm', args: ['get', 'values', 'one'] },
  { args: ['get', 'configmap', 'one', '--output=jsonpath={.data}'] },
  { program: 'helm', args: ['rollback', 'one', '1'] },
  { program: 'helm', args: ['upgrade', '--install', 'two', 'chart', '--wait'] },
  { program: 'helm', args: ['list', '--short'] },
  { program: 'helm', args: ['uninstall', 'one'] },
  { program: 'helm', args: ['status', 'one'] },
  // the end
  { args: ['delete', 'pod', 'box', '--now'] },
  { args: ['delete', 'deployment,service', 'web', '--cascade=foreground'] },
  { args: ['delete', 'configmaps', '--selector=a=b'] },
];

/** What differs between any two runs: names of the place, times, ages, numbers that the cluster draws. */
function said(text: string, { namespace, tools }: Side): string {
  return (
    text
      .replaceAll(namespace, '<namespace>')
      .replaceAll(tools.folder, '<folder>')
      .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)/g, '<time>')
      .replaceAll(/\b[0-9a-f]{64}\b/g, '<container>')
      // tar's own word on cp: kubectl shows it or not, by which of its streams ends first.
      .replaceAll(/^tar: removing leading '\/' from member names\n/gm, '')
      .replaceAll(/^LAST DEPLOYED: .*$/gm, '<time>')
      .replaceAll(/(resourceVersion|generation): "?\d+"?/g, '$1: <number>')
      .replaceAll(/\/LIVE-\d+|\/MERGED-\d+/g, '<diff>')
  );
}

/** Each step once at either side, and what both said. */
async function compare(sides: readonly Side[], these: readonly Step[]): Promise<void> {
  for (const { program = 'kubectl', args, stdin, env } of these) {
    const options = { ...(stdin === undefined ? {} : { stdin }), ...(env ? { env } : {}) };
    const [ours, theirs] = await Promise.all(
      sides.map(async (side) => {
        const { code, stdout, stderr } = await side.tools.start(program, args, options).ended;
        return { code, stdout: said(stdout, side), stderr: said(stderr, side) };
      }),
    );
    if (args.includes('--token=x')) {
      // Neither knows that token; the sentences are each one's own, and kubectl shows neither.
      expect(ours!.code, args.join(' ')).toBe(1);
      continue;
    }
    expect(ours, `${program} ${args.join(' ')}`).toEqual(theirs);
  }
}

it('every command ends and says the same through the gateway as to the cluster itself', async () => {
  await compare([through, direct], steps);
}, 300_000);

// The programs are downloaded for it: in the full round.
it.runIf(process.env['SALLYPORT_ROUNDS'] === 'full')(
  'so does each of kubectl 1.33 and of Helm 3',
  async () => {
    const binaries = await kubectlBinaries('1.33');
    await using stack = new AsyncDisposableStack();
    const older = async (side: Side): Promise<Side> => {
      const namespace = `${side.namespace}-older`;
      await kubectlAsAdmin('create', 'namespace', namespace);
      stack.defer(async () => void (await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false')));
      const kubeconfig = readFileSync(join(side.tools.folder, 'kubeconfig'), 'utf8');
      const tools = stack.use(await OwnTools.with(kubeconfig, binaries));
      writeChart(tools.folder);
      await tools.kubectl('config', 'set-context', '--current', `--namespace=${namespace}`);
      return { tools, namespace };
    };
    const sides = [await older(through), await older(direct)];
    expect((await sides[0]!.tools.start('helm', ['version', '--short']).ended).stdout).toMatch(/^v3\./);
    await compare(sides, steps);
  },
  300_000,
);

it('streams that stay: a watch sees what comes, a port-forward carries both ways, logs follow', async () => {
  const { tools, namespace } = through;
  const watch = tools.start('kubectl', ['get', 'configmaps', '--watch', '--output=name']);
  await until(async () => watch.output().includes('kube-root-ca.crt'), { what: 'the beginning of the watch' });
  await kubectlAsAdmin('create', 'configmap', 'came-later', `--namespace=${namespace}`);
  await until(async () => watch.output().includes('came-later'), { what: 'what the watch sees' });
  watch.child.kill();
  await watch.ended;
  expect(await tools.start('kubectl', ['apply', '-f', '-'], { stdin: box }).ended).toMatchObject({ code: 0 });
  expect(await tools.kubectl('wait', '--for=condition=Ready', 'pod/box', '--timeout=60s')).toMatchObject({ code: 0 });
  const logs = tools.start('kubectl', ['logs', '--follow', 'box']);
  await until(async () => logs.output().includes('started'), { what: 'the followed log' });
  logs.child.kill();
  for (const websockets of ['true', 'false']) {
    const port = await freePort();
    const forward = tools.start('kubectl', ['port-forward', 'pod/box', `${port}:8000`], {
      env: { KUBECTL_PORT_FORWARD_WEBSOCKETS: websockets },
    });
    await until(async () => forward.output().includes('Forwarding from'), { what: 'the port-forward' });
    expect(await heard(port)).toBe('hello\n');
    forward.child.kill();
    await forward.ended;
  }
  await logs.ended;
});

it('all of it is in the audit log: whose, in which session, and nothing of the secret', async () => {
  type Call = { actor: string; verb: string; resource: string; subresource: string; upgraded: boolean };
  const wanted = ['patch configmaps', 'create pods', 'list nodes', 'delete pods', 'create secrets', 'create pods/exec'];
  const seen = async () => {
    const calls = await portal.sql<Call[]>`
      select actor, detail->>'verb' as verb, detail->>'resource' as resource, detail->>'subresource' as subresource
      from audit_events where session_id = ${session} and code = 'api.finished' and actor <> 'portal'`;
    expect(new Set(calls.map(({ actor }) => actor))).toEqual(new Set([person.email]));
    const names = calls.map(
      ({ verb, resource, subresource }) => `${verb} ${resource}${subresource ? `/${subresource}` : ''}`,
    );
    return wanted.every((name) => names.includes(name) || (name.endsWith('/exec') && names.includes('get pods/exec')));
  };
  await until(seen, { what: 'the calls in the audit log' });
  const told = await portal.sql`
    select 1 from audit_events where detail::text like '%s3cret%' or detail::text like '%czNjcmV0%'`;
  expect(told).toHaveLength(0);
});

/** What is said at a port of this machine. */
async function heard(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.endsWith('\n')) socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
  });
}
