/** Two portals of one installation: one database, one engine, one cluster, and a data directory each. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import Docker from 'dockerode';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../machine/until.ts';
import { CloseCode } from '../../protocol/frames.ts';
import { leftovers, nothing } from '../leftovers.ts';
import { OwnTools } from '../own-tools.ts';
import type { LinkKey, User } from '../../server/http/schemas.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';

let here: TestPortal;
let there: TestPortal;
beforeAll(async () => {
  here = await TestPortal.start({ warmPool: 1 });
  there = await TestPortal.start({ beside: here, warmPool: 1 });
});
afterAll(async () => {
  await there?.[Symbol.asyncDispose]();
  await here?.[Symbol.asyncDispose]();
});

/** Containers of the installation by the replica that made them. */
async function containers(): Promise<{ id: string; replica: string }[]> {
  const docker = new Docker({ socketPath: here.docker });
  const filters = { label: [`sallyport.portal=${await here.id()}`] };
  const found = await docker.listContainers({ all: true, filters });
  return found.map(({ Id, Labels }) => ({ id: Id, replica: Labels['sallyport.replica']! }));
}

const status = async (portal: TestPortal, person: Visitor): Promise<number> =>
  (await fetch(`${portal.url}/api/v1/me`, { headers: { cookie: person.cookie } })).status;

it('signing out at one replica is felt at the other: at its next request, and in its terminals within a second', async () => {
  const person = await here.visitor([await here.role()]);
  const other = there.same(person);
  const { id, terminal } = await other.whole();
  expect(await status(there, person)).toBe(200);
  const began = performance.now();
  const out = await fetch(`${here.url}/api/v1/sign-out`, {
    method: 'POST',
    headers: { cookie: person.cookie, origin: here.url },
  });
  expect(out.headers.get('x-sallyport-unconfirmed-replicas')).toBeNull();
  // The very next request: nothing is waited for.
  expect(await status(there, person)).toBe(401);
  expect(await terminal.close()).toMatchObject({ code: expect.toBeOneOf([CloseCode.signedOut, CloseCode.ended]) });
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(await here.ended(id)).toMatchObject({ endReason: 'signed-out', cleanupPending: false });
});

it('a session that another replica holds is shown and ended by each, and typed into at its own', async () => {
  const person = await here.visitor([await here.role()]);
  const { id, terminal } = await there.same(person).whole();
  expect(await person.api('GET', `/sessions/${id}`)).toMatchObject({ state: 'active' });
  await expect(person.api('POST', `/sessions/${id}/ticket`)).rejects.toMatchObject({ code: 'session-elsewhere' });
  expect(await here.admin('POST', `/sessions/${id}/end`)).toMatchObject({ state: 'ended', endReason: 'revoked' });
  await terminal.close();
  expect((await leftovers(here)).containers).not.toContain(id);
  expect((await leftovers(here)).cluster).toEqual([]);
});

it('a kubeconfig works at every replica, and one revoked at one is refused by the other at its next call', async () => {
  const person = await here.visitor([await here.role({ clusterRoles: ['view'] })]);
  type Issued = { kubeconfig: string; credentials: { id: string }[] };
  const { kubeconfig, credentials } = await person.api<Issued>('POST', '/me/kubeconfigs', {});
  const { id } = credentials[0]!;
  using atHere = await OwnTools.with(kubeconfig);
  using atThere = await OwnTools.with(kubeconfig.replaceAll(here.gatewayUrl, there.gatewayUrl));
  for (const tools of [atHere, atThere, atHere])
    expect(await tools.kubectl('get', 'configmaps')).toMatchObject({ code: 0 });
  const watch = atThere.start('kubectl', ['get', 'configmaps', '--all-namespaces', '--watch']);
  await until(async () => watch.output().includes('kube-root-ca.crt'), { what: 'the watch' });
  await person.api('DELETE', `/me/kubeconfigs/${id}`);
  const began = performance.now();
  expect(await atThere.kubectl('get', 'configmaps')).toMatchObject({ code: 1 });
  await watch.ended;
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(await here.ended(id)).toMatchObject({ endReason: 'ended-by-person', cleanupPending: false });
  expect((await leftovers(here)).cluster).toEqual([]);
});

it('a key for links that is removed at one replica is refused by the other at its next call', async () => {
  const role = await here.role({ clusterRoles: ['view'] });
  const owner = await here.visitor([role]);
  const robot = await here.admin<User>('POST', '/service-users', { name: 'signer', groups: [role], owner: owner.id });
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const limits = { name: 'board', cluster: CLUSTER, paths: ['/**'], verbs: ['get'] };
  const keys = `/service-users/${robot.id}/link-keys`;
  const key = await here.admin<LinkKey>('POST', keys, { ...limits, publicKey: pem });
  const sign = (jti: string) =>
    new SignJWT({ jti, paths: ['/**'], iat: Math.floor(Date.now() / 1000), aud: key.audience })
      .setProtectedHeader({ alg: 'ES256', kid: key.id })
      .sign(privateKey);
  const call = async (portal: TestPortal, token: string) => {
    const asked = request(`${portal.gatewayUrl}/k8s/${CLUSTER}/api/v1/namespaces/default`, {
      headers: { authorization: `Bearer ${token}` },
      rejectUnauthorized: false,
      agent: false,
    }).end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  };
  // Made at both at once, it is one link.
  const token = await sign('one');
  expect(await Promise.all([here, there, here, there].map((portal) => call(portal, token)))).toEqual(
    Array.from({ length: 4 }, () => 200),
  );
  const made = await here.sql`select 1 from links where key_id = ${key.id}`;
  expect(made).toHaveLength(1);
  const later = await sign('two');
  await here.admin('DELETE', `${keys}/${key.id}`);
  expect(await call(there, token)).toBe(401);
  expect(await call(there, later)).toBe(401);
  expect(await call(here, token)).toBe(401);
});

it('a replica that lives and does not hear is named, after a second', async () => {
  const person = await here.visitor([await here.role()]);
  const began = performance.now();
  let answer: Response;
  {
    using _ = there.freeze();
    answer = await fetch(`${here.url}/api/v1/users/${person.id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${here.adminToken}`, 'content-type': 'application/json' },
      body: '{"disabled":true}',
    });
  }
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-sallyport-unconfirmed-replicas')).toBe('1');
  expect(performance.now() - began).toBeLessThan(2_000);
  expect(await status(there, person)).toBe(401);
});

it('warm sandboxes of a replica that lives are its own; what one that was killed has left is removed by the other', async () => {
  const warm = await until(async () => ((await containers()).length === 2 ? containers() : undefined), {
    within: 30_000,
    what: 'a warm sandbox of each',
  });
  expect(new Set(warm.map(({ replica }) => replica)).size).toBe(2);
  // Each start is followed by a round of the reaper.
  await here.restart();
  const [mine] = await here.sql<{ id: string }[]>`select id from replicas order by started_at desc limit 1`;
  const theirs = warm.find(({ replica }) => replica !== mine!.id)!;
  await until(async () => (await containers()).some(({ id, replica }) => replica === mine!.id && id !== theirs.id), {
    within: 30_000,
    what: 'a new warm sandbox',
  });
  expect((await containers()).map(({ id }) => id)).toContain(theirs.id);

  const person = await here.visitor([await here.role()]);
  const { id } = await there.same(person).whole();
  await there.kill();
  // As if its lease, and the time that a session waits for its page, had run out.
  await here.sql`update replicas set seen_at = now() - interval '1 hour' where id <> ${mine!.id}`;
  await here.restart();
  await until(async () => (await containers()).every(({ replica }) => replica === mine!.id), {
    within: 30_000,
    what: 'the end of the dead one’s',
  });
  expect(await here.ended(id)).toMatchObject({ endReason: 'detached', cleanupPending: false });
  expect((await leftovers(here)).cluster).toEqual(nothing.cluster);
  await there.up();
});
