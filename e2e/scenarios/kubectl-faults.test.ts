/**
 * What fails behind the gateway and in the portal, provoked there, as each kubectl shows it. Held against
 * docs/errors/kubectl.md.
 */
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { startPostgres, stopPostgres } from '../../db/embedded/postgres.ts';
import { Authority, createAuthority } from '../../server/gateway/authority.ts';
import { TestGateway, type TestSession } from '../gateway.ts';
import { FULL } from '../kubectl-errors/document.ts';
import { calls, Measuring } from '../kubectl-errors/measuring.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig } from '../own-tools.ts';
import { TestPortal, type Visitor } from '../portal.ts';
import { proxiedCluster, type ProxiedCluster } from '../proxied-cluster.ts';

const stack = new AsyncDisposableStack();
let cluster: ProxiedCluster;
let portal: TestPortal;
let kubectl: Measuring;
let person: Visitor;
let kubeconfig: string;
let database: { stop(): Promise<void>; start(): Promise<unknown> };

beforeAll(async () => {
  const folder = join(process.env['SALLYPORT_TEST_PARTS']!, `faults-postgres-${process.pid}`);
  const { adminUrl } = await startPostgres(folder, { fsync: false });
  stack.defer(() => stopPostgres(folder, { remove: true }));
  const port = Number(new URL(adminUrl).port);
  database = {
    stop: () => stopPostgres(folder, { remove: false }),
    start: () => startPostgres(folder, { fsync: false, port }),
  };
  cluster = stack.use(await proxiedCluster());
  portal = stack.use(await TestPortal.start({ kubeconfig: cluster.kubeconfig(), databaseUrl: adminUrl }));
  kubectl = stack.use(await Measuring.in(`faults-${(await portal.id()).slice(0, 8)}`));
  person = await portal.visitor([await portal.role({ clusterRoles: ['cluster-admin'] })]);
  ({ kubeconfig } = await issueKubeconfig(person));
  await kubectl.warm(kubeconfig);
});
afterAll(() => stack.disposeAsync());

async function works(kubeconfig: string, what: string): Promise<void> {
  using tools = await kubectl.tools('1.36', kubeconfig);
  await until(async () => (await tools.kubectl('get', 'configmaps')).code === 0, { what });
}

describe('the cluster', () => {
  it('is away: whatever is asked', async () => {
    await cluster.proxy.leave();
    const sentence = /The cluster test cannot be reached: nothing listens at its address/;
    await kubectl.toldWhateverIsAsked(['cluster-unreachable', 503], sentence, kubeconfig);
    await cluster.proxy.comeBack();
  });

  it('does not prove who it is', async () => {
    const authority = await Authority.open(await createAuthority(new Date()), () => new Date());
    const { certificate: cert, key } = await authority.issueServingCertificate();
    await cluster.proxy.leave();
    const pretender = createServer({ cert, key }).listen(Number(new URL(cluster.proxy.address).port), '127.0.0.1');
    await once(pretender, 'listening');
    await kubectl.bothTold(['cluster-tls', 503], /The cluster test did not prove who it is/, kubeconfig);
    pretender.close();
    await once(pretender, 'close');
    await cluster.proxy.comeBack();
  });

  it('answers what no API server answers', async () => {
    const elsewhere = { status: 302, headers: { location: 'https://elsewhere.example/' } };
    cluster.proxy.watch({ instead: ({ path }) => (/^\/apis?(\?|$)|\/configmaps/.test(path) ? elsewhere : undefined) });
    await kubectl.bothTold(['redirect-refused', 502], /test answered with a redirect/, kubeconfig);
    const nonsense = { status: 201, headers: { 'content-type': 'application/json' }, body: '{}' };
    cluster.proxy.watch({ instead: ({ path }) => (/selfsubject/.test(path) ? nonsense : undefined) });
    const reviews = calls('`auth can-i`', '`auth can-i --list`');
    const sentence = /answered a question about your rights in no known form/;
    await kubectl.told(['review-unreadable', 502], sentence, kubeconfig, reviews);
    cluster.proxy.watch({});
  });

  it('lets the portal make no account', async () => {
    const { kubeconfig: another } = await issueKubeconfig(person);
    await kubectlAsAdmin('delete', 'clusterrolebinding', cluster.account);
    await kubectl.bothTold(['cluster-refused', 502], /is forbidden/, another);
    const subject = `--serviceaccount=default:${cluster.account}`;
    await kubectlAsAdmin('create', 'clusterrolebinding', cluster.account, '--clusterrole=cluster-admin', subject);
    await works(another, 'the account');
  });

  // After a minute and a half, twice: in the full round.
  it.runIf(FULL)(
    'hangs',
    async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      cluster.proxy.watch({ before: ({ path }) => (path.includes('/configmaps') ? promise : undefined) });
      const sentence = /The cluster test did not answer within 90 s/;
      await kubectl.told(['cluster-timeout', 504], sentence, kubeconfig, calls('`get`, a list'));
      resolve();
      cluster.proxy.watch({});
    },
    300_000,
  );
});

describe('the portal', () => {
  it('cannot record what its role wants recorded', async () => {
    const name = `strict-${(await portal.id()).slice(0, 8)}`;
    const times = { idleMs: 900_000, detachedMs: 300_000, hardCapMs: 3_600_000, maxSessions: 3 };
    const reach = { clusterRoles: ['cluster-admin'], namespaces: [], groups: [name] };
    const role = { description: '', portal: 'member', ...reach, ...times, recordStreams: 'required' };
    await portal.admin('PUT', `/roles/${name}`, role);
    const strict = await issueKubeconfig(await portal.visitor([name]));
    // Nothing has been recorded yet: a file stands where the folder would be made.
    const folder = join(portal.dataDir, 'recordings');
    writeFileSync(folder, '');
    const execs = calls('`exec`, WebSocket', '`exec`, SPDY');
    await kubectl.told(['recording-failed', 503], /The recording cannot be written/, strict.kubeconfig, execs);
    rmSync(folder);
  });

  it('has a fault of its own', async () => {
    // Looked up at a credential's first call.
    const { kubeconfig: another } = await issueKubeconfig(person);
    await portal.sql`alter table access_sessions rename to aside`;
    await kubectl.bothTold(['internal', 500], /Something went wrong in the portal/, another);
    await portal.sql`alter table aside rename to access_sessions`;
    await works(another, 'the table');
  });

  it('does not reach its database', async () => {
    await database.stop();
    await kubectl.bothTold(['database-unavailable', 503], /The portal's database does not answer/, kubeconfig);
    await database.start();
    await works(kubeconfig, 'the database');
  });
});

/** Room for what the calls before leave in the journal. */
const JOURNAL_BYTES = 64 * 1024;

describe('from a shell', () => {
  let gateway: TestGateway;
  let session: TestSession;
  let own: string;
  beforeAll(async () => {
    gateway = stack.use(await TestGateway.start({ journalBound: JOURNAL_BYTES }));
    session = await gateway.session();
    own = readFileSync(session.kubeconfig, 'utf8');
    await kubectl.warm(own);
  });

  it('with a credential that is another’s, or old', async () => {
    const other = await gateway.session();
    const foreign = `--token=${other.token}`;
    await kubectl.bothTold(['credential-foreign', 401], /This credential belongs to another session/, own, foreign);
    const { id: sessionId, serviceAccount } = session;
    const { token } = await gateway.tokens.mint({ sessionId, namespace: gateway.namespace, serviceAccount }, 1);
    await kubectl.bothTold(['token-expired', 401], /This credential has expired/, own, `--token=${token}`);
  });

  it('while the audit log has no room', async () => {
    gateway.database.away = true;
    const filler = { at: new Date(), code: 'sign-out' as const, actorId: null, actor: 'x' };
    await gateway.audit.record({ ...filler, detail: { filler: 'x'.repeat(JOURNAL_BYTES) } });
    const sentence = /The audit log cannot be written/;
    await kubectl.told(['audit-unavailable', 503], sentence, own, calls('`create`', '`delete`', '`exec`, WebSocket'));
    gateway.database.away = false;
  });

  it('after its session’s end', async () => {
    await gateway.end(session.id);
    await kubectl.bothTold(['session-ended', 401], /This session has ended/, own);
  });
});

it('docs/errors/kubectl.md has all of it', () => kubectl.holds('What fails, by code'));
