/** How much one credential, one person and one session may ask for, and that the others do not feel it. */
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../machine/until.ts';
import { issueKubeconfig, OwnTools, tokenIn } from '../own-tools.ts';
import { TestPortal, type Visitor } from '../portal.ts';

/** Few enough that the slowest machine asks for more. */
const RATE = { SALLYPORT_API_RATE: '30', SALLYPORT_API_BURST: '60', SALLYPORT_API_QUEUE: '20' };
let portal: TestPortal;
let role: string;
// Fewer than a session may have under way at once, which is another limit with another answer.
const agent = new Agent({ keepAlive: true, maxSockets: 250, rejectUnauthorized: false });
beforeAll(async () => {
  portal = await TestPortal.start({ env: { SALLYPORT_SESSION_STREAMS: '2', ...RATE } });
  role = await portal.role();
});
afterAll(async () => {
  agent.destroy();
  await portal?.[Symbol.asyncDispose]();
});

type Answer = { status: number; retryAfter: string | undefined };
function call(token: string, path = '/version'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      agent,
      host: '127.0.0.1',
      port: new URL(portal.gatewayUrl).port,
      path: `/k8s/test${path}`,
      headers: { authorization: `Bearer ${token}` },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      answer.resume();
      answer.once('end', () => resolve({ status: answer.statusCode!, retryAfter: answer.headers['retry-after'] }));
    });
    outgoing.end();
  });
}

it('a flood of one credential is let through up to its burst and its queue, then told when to come again', async () => {
  const flooding = await issueKubeconfig(await portal.visitor([role]));
  const other = await issueKubeconfig(await portal.visitor([role]));
  expect(await call(flooding.token)).toMatchObject({ status: 200 });
  expect(await call(other.token)).toMatchObject({ status: 200 });
  const answers = await Promise.all(Array.from({ length: 400 }, () => call(flooding.token)));
  const passed = answers.filter(({ status }) => status === 200).length;
  const refused = answers.filter(({ status }) => status === 429);
  // Tokens come while the flood is answered.
  expect(passed).toBeGreaterThanOrEqual(79);
  expect(passed + refused.length).toBe(400);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.every(({ retryAfter }) => Number(retryAfter) >= 1)).toBe(true);
  // Nobody else pays for it, and it passes.
  expect(await call(other.token)).toMatchObject({ status: 200 });
  await until(async () => (await call(flooding.token)).status === 200, { what: 'another turn' });
  const rows = await until(
    async () => {
      const found = await portal.sql`
        select 1 from audit_events where session_id = ${flooding.id} and code = 'api.refused'`;
      return found.length > 0 ? found : undefined;
    },
    { what: 'the flood in the audit log' },
  );
  expect(rows.length).toBeLessThan(5);
});

it('a third stream is refused where two are allowed, and let in once one has ended', async () => {
  const person = await portal.visitor([role]);
  const { kubeconfig } = await issueKubeconfig(person);
  using tools = await OwnTools.with(kubeconfig);
  const watch = () => tools.start('kubectl', ['get', 'configmaps', '--all-namespaces', '--watch']);
  const [first, second] = [watch(), watch()];
  for (const one of [first, second])
    await until(async () => one.output().includes('kube-root-ca.crt'), { what: 'a watch' });
  const follow = () => call(tokenIn(kubeconfig), '/api/v1/configmaps?watch=true&timeoutSeconds=1');
  const running = async () => {
    const text = await (await fetch(`${portal.url}/metrics`)).text();
    return Number(/^sallyport_kubernetes_streams_running (\d+)$/m.exec(text)?.[1]);
  };
  await until(async () => (await running()) === 2, { what: 'both in the metrics' });
  expect(await follow()).toMatchObject({ status: 429 });
  first.child.kill();
  await first.ended;
  await until(async () => (await follow()).status === 200, { what: 'a place' });
  second.child.kill();
  await second.ended;
  await until(async () => (await running()) === 0, { what: 'the end of all' });
});

it('REST is bounded by person', async () => {
  const [flooding, other] = [await portal.visitor([role]), await portal.visitor([role])];
  const me = (person: Visitor) => fetch(`${portal.url}/api/v1/me`, { headers: { cookie: person.cookie } });
  const answers = await Promise.all(Array.from({ length: 400 }, () => me(flooding)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(200);
  expect(refused.length).toBeGreaterThan(0);
  expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await refused[0]!.json()).toMatchObject({ code: 'rate-limited' });
  expect((await me(other)).status).toBe(200);
});
