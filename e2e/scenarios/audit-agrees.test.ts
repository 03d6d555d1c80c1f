/**
 * The cluster's own audit log against ours, call by call, under mixed requests of several people's tools while the
 * portal is killed again and again. Samples here; ten thousand requests in the full round.
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { issueKubeconfig } from '../own-tools.ts';
import { TestPortal } from '../portal.ts';
import { testCluster } from '../use.ts';

const FULL = process.env['SALLYPORT_ROUNDS'] === 'full';
const REQUESTS = FULL ? 10_000 : 400;
const KILLS = FULL ? 20 : 2;
const PEOPLE = 3;
const AT_ONCE = 12;

type Tool = { token: string; session: string };
type Call = { verb: string; status: number | null };
type AuditLine = {
  auditID: string;
  verb: string;
  user: { username: string };
  responseStatus?: { code: number };
};

let portal: TestPortal;
let namespace: string;
const tools: Tool[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE, rejectUnauthorized: false });

beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `agrees-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  const role = await portal.role({ clusterRoles: ['edit'] });
  for (let at = 0; at < PEOPLE; at++) {
    const person = await portal.visitor([role]);
    const { token, id: session } = await issueKubeconfig(person);
    tools.push({ token, session });
  }
});
afterAll(async () => {
  agent.destroy();
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

/** The answer's Audit-ID and status; null where the connection broke. */
function call(at: number): Promise<{ auditId: string; status: number } | null> {
  const { token } = tools[at % PEOPLE]!;
  const maps = `/api/v1/namespaces/${namespace}/configmaps`;
  const map = (name: string) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
  const kinds: [string, string, string?, string?][] = [
    ['GET', maps],
    ['POST', maps, map(`m-${at}`)],
    ['GET', `${maps}/m-${at - 1}`],
    ['PATCH', `${maps}/m-${at - 2}`, '{"data":{"a":"b"}}', 'application/merge-patch+json'],
    ['DELETE', `${maps}/m-${at - 3}`],
    ['GET', `${maps}/never-there`],
    // Kubernetes says no to that one.
    ['GET', '/api/v1/nodes'],
    ['POST', `${maps}?dryRun=All`, map(`dry-${at}`)],
    ['GET', '/version'],
  ];
  const [method, path, body, type = 'application/json'] = kinds[at % kinds.length]!;
  return new Promise((resolve) => {
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port: new URL(portal.gatewayUrl).port,
      method,
      path: `/k8s/test${path}`,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
      },
    });
    outgoing.once('error', () => resolve(null));
    outgoing.once('response', (answer) => {
      const [auditId, status] = [String(answer.headers['audit-id'] ?? ''), answer.statusCode!];
      answer.once('close', () => resolve(auditId ? { auditId, status } : null));
      answer.on('error', () => {});
      answer.resume();
    });
    outgoing.end(body);
  });
}

/** By Audit-ID: what the cluster saw of these sessions' accounts, and how it answered. */
function cluster(log: string, accounts: Set<string>): Map<string, Call> {
  const seen = new Map<string, Call>();
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    if (!line.includes('system:serviceaccount:sallyport-') || !line.includes('"ResponseComplete"')) continue;
    const { auditID, verb, user, responseStatus } = JSON.parse(line) as AuditLine;
    if (accounts.has(user.username.split(':')[3]!)) seen.set(auditID, { verb, status: responseStatus?.code ?? null });
  }
  return seen;
}

async function ours(): Promise<Map<string, Call & { code: string }>> {
  const rows = await portal.sql<{ auditId: string; code: string; verb: string; status: number | null }[]>`
    select audit_id as "auditId", code, detail->>'verb' as verb, (detail->>'status')::int as status
    from audit_events where session_id in ${portal.sql(tools.map(({ session }) => session))} and audit_id is not null
    order by code desc`;
  // A call that was seen at its beginning and at its end is told of by its end.
  return new Map(rows.map(({ auditId, ...call }) => [auditId, call]));
}

it(`agrees under ${REQUESTS} requests and ${KILLS} kills`, { timeout: FULL ? 900_000 : 120_000 }, async () => {
  const answered = new Map<string, number>();
  let next = 0;
  let killing: Promise<void> = Promise.resolve();
  const worker = async (): Promise<void> => {
    while (next < REQUESTS) {
      const at = next++;
      if (at > 0 && at % Math.floor(REQUESTS / (KILLS + 1)) === 0 && at < REQUESTS - 1)
        killing = portal.kill().then(() => portal.up());
      const answer = await call(at);
      if (answer) answered.set(answer.auditId, answer.status);
      else await killing;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await killing;
  expect(answered.size).toBeGreaterThan(REQUESTS / 2);

  const rows = await portal.sql<{ account: string }[]>`
    select service_account as account from access_sessions where id in ${portal.sql(tools.map(({ session }) => session))}`;
  const accounts = new Set(rows.map(({ account }) => account));
  const { auditLog } = await testCluster();
  // Both logs are complete once what is missing here has come: the journal is copied, the cluster writes as it answers.
  await until(
    async () => {
      const [theirs, mine] = [cluster(auditLog, accounts), await ours()];
      return [...theirs.keys(), ...answered.keys()].every((id) => mine.has(id));
    },
    { within: 60_000, what: 'our record of every call that the cluster saw or a person had an answer to' },
  );
  const [theirs, mine] = [cluster(auditLog, accounts), await ours()];
  expect(theirs.size).toBeGreaterThan(REQUESTS / 2);
  // Every call that a person was answered is on record at both, with that answer.
  for (const [id, status] of answered) {
    if (status >= 500) continue; // the portal's own, while it starts
    expect(theirs.get(id)?.status, id).toBe(status);
    const own = mine.get(id)!;
    // One whose end was lost with the portal is seen as unfinished, never as something else.
    expect(own.code === 'api.finished' ? own.status : status, id).toBe(status);
  }
  for (const [id, { verb, status }] of theirs) {
    const own = mine.get(id)!;
    expect(own.verb, id).toBe(verb);
    if (own.code === 'api.finished' && own.status !== null && own.status < 500 && own.status !== 499)
      expect(own.status, id).toBe(status);
  }
  // Nothing is said to have been done that was not: a finished success is in the cluster's log.
  for (const [id, { code, status }] of mine)
    if (code === 'api.finished' && status !== null && status < 400) expect(theirs.has(id), id).toBe(true);
});
