/**
 * What the portal refuses, provoked at the gateway, as each kubectl shows it. Held against docs/errors/kubectl.md, as are
 * kubectl-faults.test.ts, for what fails, and kubectl-error-shapes.test.ts, for what nothing provokes within reason.
 */
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority, createAuthority } from '../../server/gateway/authority.ts';
import { READ, SPDY } from '../kubectl-errors/calls.ts';
import { holds, MEASURED, Met } from '../kubectl-errors/document.ts';
import { lastWords } from '../kubectl-errors/shown.ts';
import { calls, Measuring, typed, withFlag, type Asked } from '../kubectl-errors/measuring.ts';
import { until } from '../machine/until.ts';
import { editedKubeconfig, type Issued, issueKubeconfig } from '../own-tools.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';

/** As many at once as a session may have. */
const STREAMS = 6;

const stack = new AsyncDisposableStack();
let portal: TestPortal;
let kubectl: Measuring;
let person: Visitor;
/** Of an all-powerful role. */
let good: Issued;
/** What nothing but time makes of it. */
let expiring: Issued;

beforeAll(async () => {
  portal = stack.use(await TestPortal.start({ env: { SALLYPORT_SESSION_STREAMS: `${STREAMS}` } }));
  kubectl = stack.use(await Measuring.in(`errors-${(await portal.id()).slice(0, 8)}`));
  person = await portal.visitor([await portal.role({ clusterRoles: ['cluster-admin'], maxSessions: 20 })]);
  good = await issueKubeconfig(person);
  expiring = await issueKubeconfig(await portal.visitor([await portal.role({ hardCapMs: 1_000 })]));
  await kubectl.warm(good.kubeconfig);
});
afterAll(() => stack.disposeAsync());

/** A kubeconfig in a role that gives all of the cluster, but for what its policy refuses. */
async function under(policy: object): Promise<string> {
  const name = `p-${randomBytes(4).toString('hex')}`;
  const times = { idleMs: 900_000, detachedMs: 300_000, hardCapMs: 3_600_000, maxSessions: 3 };
  const reach = { clusterRoles: ['cluster-admin'], namespaces: [], groups: [name] };
  await portal.admin('PUT', `/roles/${name}`, { description: '', portal: 'member', ...reach, ...times, ...policy });
  return (await issueKubeconfig(await portal.visitor([name]))).kubeconfig;
}

const list = calls('`get`, a list');
const first = calls('the first call of all');
const waysIn = READ.filter(({ name }) => /^`(exec|attach|port-forward|cp)\b/.test(name));
const intoPods = 'every way into a pod';

describe('the credential', () => {
  it('is revoked: whatever is asked', async () => {
    const { kubeconfig, id } = await issueKubeconfig(person);
    await person.api('DELETE', `/me/kubeconfigs/${id}`);
    const sentence = /This kubeconfig is not valid any more\. You revoked it\. Download a new one/;
    await kubectl.toldWhateverIsAsked(['credential-revoked', 401], sentence, kubeconfig);
  });

  it('is over, or of no portal', async () => {
    const expired = /This kubeconfig has expired\. Download a new one/;
    using tools = await kubectl.tools('1.36', expiring.kubeconfig);
    await until(async () => expired.test((await tools.kubectl('get', 'configmaps')).stderr), { what: 'its end' });
    await kubectl.bothTold(['credential-expired', 401], expired, expiring.kubeconfig);
    await kubectl.bothTold(['token-invalid', 401], /credential of this portal's/, good.kubeconfig, '--token=x.y.z');
  });

  it('is none of a portal’s, or a certificate of others, or one too many', async () => {
    const missing = /This call carries no credential of the portal/;
    const named = editedKubeconfig(good.kubeconfig, { user: { username: 'ann', password: 'secret' } });
    await kubectl.bothTold(['credential-missing', 401], missing, named);
    const authority = await Authority.open(await createAuthority(new Date()), () => new Date());
    const { certificate, key } = await authority.issueServingCertificate();
    const user = { 'client-certificate-data': btoa(certificate), 'client-key-data': btoa(key) };
    const refused = /This client certificate is none of this portal's\. Download/;
    await kubectl.bothTold(['certificate-refused', 401], refused, editedKubeconfig(good.kubeconfig, { user }));
    const { kubeconfig } = await issueKubeconfig(person, { credential: 'certificate' });
    const differ = /a client certificate and another credential/;
    await kubectl.bothTold(['credentials-differ', 401], differ, kubeconfig, `--token=${good.token}`);
  });

  it('is for somewhere else', async () => {
    const at = (path: string) => editedKubeconfig(good.kubeconfig, { server: `${portal.gatewayUrl}${path}` });
    const elsewhere = /This credential is for the cluster "test", and for no other/;
    await kubectl.told(['cluster-mismatch', 403], elsewhere, at('/k8s/elsewhere'), first);
    await kubectl.told(['not-found', 404], /clusters are at \/k8s\/<cluster>/, at('/kubernetes'), first);
  });

  it('is a link, which opens less', async () => {
    const link = async (wish: object) => {
      const paths = [`/api/v1/namespaces/${kubectl.namespace}/configmaps`];
      const made = { name: 'a script', cluster: CLUSTER, paths, verbs: ['list'], ...wish };
      return `--token=${(await person.api<{ token: string }>('POST', '/links', made)).token}`;
    };
    await kubectl.bothTold(['link-refused', 403], /link/, good.kubeconfig, await link({ paths: ['/metrics'] }));
    const notBefore = new Date(Date.now() + 3_600_000).toISOString();
    await kubectl.told(['link-early', 403], /link/, good.kubeconfig, withFlag(await link({ notBefore }), list));
    const spent = withFlag(await link({ uses: 1 }), list);
    using tools = await kubectl.tools('1.36', good.kubeconfig);
    expect(await tools.kubectl(kubectl.knowing('1.36'), ...spent[0]!.args)).toMatchObject({ code: 0 });
    await kubectl.told(['link-used-up', 403], /has been used as often as it may be/, good.kubeconfig, spent);
  });
});

describe('the request', () => {
  it('names somebody else, is too long, or leads elsewhere', async () => {
    await kubectl.bothTold(['impersonation-refused', 403], /Acting as somebody else/, good.kubeconfig, '--as=ann');
    const long = `--token=${'x'.repeat(70_000)}`;
    await kubectl.bothTold(
      ['headers-too-large', 431],
      /The headers are longer than 65536 bytes/,
      good.kubeconfig,
      long,
    );
    const twice = typed('get --raw /api/v1/namespaces/a%252fb/pods');
    await kubectl.told(['bad-path', 400], /encoded twice/, good.kubeconfig, [twice]);
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'large' } };
    const stdin = JSON.stringify({ ...secret, stringData: { a: 'x'.repeat(3 * 1024 * 1024) } });
    const create = typed('create --validate=false -f -', { stdin, name: '`create -f` of a Secret' });
    await kubectl.told(['body-too-large', 413], /Kubernetes takes no request of more than/, good.kubeconfig, [create]);
    const raw = `create --raw /api/v1/namespaces/${kubectl.namespace}/secrets -f -`;
    const yaml = typed(raw, { stdin: 'kind: Secret', name: '`create --raw` of a Secret in YAML' });
    await kubectl.told(
      ['secret-body-unreadable', 415],
      /Secrets are accepted as JSON only|send JSON/,
      good.kubeconfig,
      [yaml],
    );
  });

  it('is for what the portal opens to nobody, or not by itself', async () => {
    const refused = (code: string, sentence: RegExp, asked: Asked) =>
      kubectl.told([code, 403], sentence, good.kubeconfig, [asked]);
    await refused('token-minting-refused', /Making service-account tokens is refused/, typed('create token default'));
    const node = typed('get --raw /api/v1/nodes/node-1/proxy/pods', { name: '`get --raw` of a node’s proxy' });
    await refused('node-proxy-refused', /node's kubelet/, node);
    const legacy = /Paths of the form \/api\/v1\/proxy\/… are refused/;
    await refused('legacy-proxy-refused', legacy, typed('get --raw /api/v1/proxy/namespaces'));
    const accounts = `sallyport-${(await portal.id()).slice(0, 8)}`;
    const there = typed(`create configmap x --namespace=${accounts}`, { name: '`create` in the portal’s namespace' });
    await refused('portal-namespace-refused', /holds the accounts of everybody's sessions/, there);
    const spec = { signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'], request: btoa('x') };
    const kind = 'CertificateSigningRequest';
    const stdin = JSON.stringify({ apiVersion: 'certificates.k8s.io/v1', kind, metadata: { name: 'x' }, spec });
    const signing = typed('create --validate=false -f -', { stdin, name: `\`create -f\` of a ${kind}` });
    await refused('certificate-signing-refused', /signing certificates of the cluster is refused/, signing);
  });
});

describe('the role', () => {
  it('is read-only, or keeps what is secret', async () => {
    const viewer = await under({ readOnly: true, secrets: 'none' });
    const writes = calls('`create`', '`apply --server-side`', '`delete`');
    await kubectl.told(['role-read-only', 403], /is read-only/, viewer, writes);
    await kubectl.told(['role-read-only', 403], /is read-only/, viewer, calls('`exec`, WebSocket', '`cp` to a pod'));
    await kubectl.told(['role-secrets-refused', 403], /sees no Secrets/, viewer, [typed('get secrets')]);
  });

  it('does not open a way, a verb, a path', async () => {
    const shut = await under({ connect: [] });
    await kubectl.told(['role-connect-refused', 403], /does not open/, shut, waysIn, intoPods);
    const rule = (verb: string, resource: string) => ({ verbs: [verb], apiGroups: [''], resources: [resource] });
    const denied = await under({ deny: [rule('watch', 'configmaps'), rule('get', 'pods/log')] });
    const [watches, logs] = [calls('`get -w`', '`wait`'), calls('`logs`', '`logs -f`')];
    await kubectl.told(['role-rule-refused', 403], /refuses to watch configmaps/, denied, watches);
    await kubectl.told(['role-rule-refused', 403], /refuses to get pods\/log/, denied, logs);
    const narrow = await under({ paths: [{ methods: ['GET'], path: '/healthz' }] });
    const path = calls('`get --raw`, another path');
    await kubectl.told(['role-path-refused', 403], /does not open GET \/readyz/, narrow, path);
  });
});

describe('too much', () => {
  it('of streams: each that would be one more', async () => {
    const { kubeconfig } = await issueKubeconfig(person);
    using tools = await kubectl.tools('1.36', kubeconfig);
    const open = Array.from({ length: STREAMS }, () => tools.start('kubectl', ['get', 'configmaps', '--watch']));
    for (const one of open) await until(async () => one.output().includes('one'), { what: 'a watch' });
    const of = ['too-many-streams', 429] as const;
    const sentence = /has 6 streams open, the most it may/;
    const streams = [...calls('`get -w`', '`logs`', '`logs -f`'), ...waysIn];
    await kubectl.told(of, sentence, kubeconfig, streams, 'every stream');
    await kubectl.told(of, sentence, kubeconfig, calls('`wait`'));
    for (const one of open) one.child.kill();
    await Promise.all(open.map((one) => one.ended));
  });

  it('of calls a second: kubectl comes again by itself, and nobody sees anything', async () => {
    for (const version of MEASURED) {
      const { kubeconfig, token } = await issueKubeconfig(person);
      using tools = await kubectl.tools(version, kubeconfig);
      await using _ = await flood(token);
      const outcome = await tools.kubectl(kubectl.knowing(version), 'get', 'configmaps');
      expect(outcome).toMatchObject({ code: 0, stderr: '' });
    }
  });
});

/** Far more calls of that credential than it may make; resolves when the first is refused. */
async function flood(token: string): Promise<AsyncDisposable> {
  const refused = Promise.withResolvers<void>();
  const agent = new Agent({ keepAlive: true, maxSockets: 100, rejectUnauthorized: false });
  const asked = Array.from({ length: 500 }, async () => {
    const url = `${portal.gatewayUrl}/k8s/${CLUSTER}/version`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const headers = { authorization: `Bearer ${token}` };
    const outgoing = request(url, { headers, agent }, (answer) => {
      if (answer.statusCode === 429) refused.resolve();
      answer.resume().once('end', resolve);
    });
    outgoing.once('error', reject).end();
    return promise;
  });
  const all = Promise.all(asked);
  await Promise.race([refused.promise, all]);
  return {
    async [Symbol.asyncDispose]() {
      await all;
      agent.destroy();
    },
  };
}

it('docs/errors/kubectl.md has all of it', () => kubectl.holds('What is refused, by code'));

/** Streams, as they stay, and what kubectl says once they do. */
const streams: (Asked & { up: RegExp })[] = [
  { ...calls('`get -w`')[0]!, up: /^one /m },
  { name: '`logs -f`', args: ['logs', '--follow', 'web'], up: /^up$/m },
  { name: '`exec`, WebSocket', args: ['exec', 'web', '--', 'sh', '-c', 'echo up; sleep 600'], up: /^up$/m },
  { name: '`exec`, SPDY', args: ['exec', 'web', '--', 'sh', '-c', 'echo up; sleep 600'], env: SPDY, up: /^up$/m },
  { ...calls('`port-forward`, WebSocket')[0]!, up: /^Forwarding from/m },
  { ...calls('`port-forward`, SPDY')[0]!, up: /^Forwarding from/m },
];

it('what is cut under way ends at once, each in its own words, and docs/errors/kubectl.md has them', async () => {
  const met = new Met();
  for (const version of MEASURED) {
    const { kubeconfig, id } = await issueKubeconfig(person);
    using tools = await kubectl.tools(version, kubeconfig);
    const running = streams.map(({ args, env = {} }) => tools.start('kubectl', args, { env }));
    for (const [at, one] of running.entries())
      await until(async () => streams[at]!.up.test(one.output()), { what: streams[at]!.name });
    const began = performance.now();
    await person.api('DELETE', `/me/kubeconfigs/${id}`);
    for (const [at, { ended }] of running.entries()) {
      const { code, stderr } = await ended;
      met.add(version, streams[at]!.name, code === 0 ? 'nothing, and the exit code is 0' : lastWords(stderr));
    }
    expect(performance.now() - began).toBeLessThan(3_000);
  }
  holds('What is cut under way', ['call', 'kubectl’s own words'], met.rows);
});
