/** Links that an operator's own program signs, by a key that is registered for a service user: what they open, and attacks. */
import { createHmac, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LinkKey, User } from '../../server/http/schemas.ts';
import { createAuthority } from '../../server/gateway/authority.ts';
import { openBrowser } from '../browser.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();

let portal: TestPortal;
let namespace: string;
let owner: Visitor;
let robot: User;
let key: LinkKey;
let wideKey: LinkKey;
beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `keys-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  await kubectlAsAdmin('create', 'configmap', 'open', '-n', namespace, '--from-literal=a=b');
  const role = await portal.role({ clusterRoles: ['edit'] });
  owner = await portal.visitor([role]);
  robot = await portal.admin('POST', '/service-users', { name: 'signer', groups: [role], owner: owner.id });
  key = await add({ name: 'narrow', publicKey: pem(ec.publicKey) });
  wideKey = await add({
    name: 'wide',
    publicKey: pem(rsa.publicKey),
    paths: ['/**'],
    verbs: ['get', 'list', 'create', 'watch'],
    longestMs: 24 * 3_600_000,
  });
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

const maps = () => `/api/v1/namespaces/${namespace}/configmaps`;

function add(wish: object): Promise<LinkKey> {
  const limits = { cluster: CLUSTER, paths: [`${maps()}/**`], verbs: ['get'], longestMs: 2 * 3_600_000, uses: 5 };
  return portal.admin('POST', `/service-users/${robot.id}/link-keys`, { ...limits, uses: null, ...wish });
}

type Signing = { by?: LinkKey; with?: KeyObject; alg?: string; header?: object };
/** As an operator's program does it. */
function sign(claims: JWTPayload = {}, { by = key, with: secret = ec.privateKey, alg, header = {} }: Signing = {}) {
  const base = { jti: randomUUID(), paths: [`${maps()}/open`], aud: by.audience };
  return new SignJWT({ iat: Math.floor(Date.now() / 1000), ...base, ...claims })
    .setProtectedHeader({ alg: alg ?? by.algorithm, kid: by.id, ...header })
    .sign(secret, { crit: { more: true } });
}
const signWide = (claims: JWTPayload = {}) => sign(claims, { by: wideKey, with: rsa.privateKey });

/** As curl with the token, the path as it is written. */
function call(
  token: string,
  path = `${maps()}/open`,
  method = 'GET',
  cluster = CLUSTER,
): Promise<{ status: number; code?: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(portal.gatewayUrl);
    const headers = { authorization: `Bearer ${token}` };
    const to = { hostname, port, path: `/k8s/${cluster}${path}`, method, headers };
    const outgoing = request({ ...to, rejectUnauthorized: false, agent: false }, async (answer) => {
      await text(answer).catch(reject);
      const code = answer.headers['x-sallyport-error-code'];
      resolve({ status: answer.statusCode!, ...(code ? { code: String(code) } : {}) });
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('a link that a registered key signed', () => {
  it('opens what it says, in the service user’s name, and is listed, counted and revoked as any other', async () => {
    const token = await sign({ uses: 2, name: 'the board' });
    expect(await call(token)).toEqual({ status: 200 });
    expect(await call(token, '/version')).toMatchObject({ code: 'link-refused' });
    expect(await call(token)).toEqual({ status: 200 });
    expect(await call(token)).toMatchObject({ code: 'link-used-up' });
    const [link] = await portal.sql<{ id: string; uses: number; actor: string }[]>`
      select l.session_id as id, l.uses, u.email as actor from links l join access_sessions s on s.id = l.session_id
      join users u on u.id = s.user_id where l.name = 'the board'`;
    expect(link).toMatchObject({ uses: 2, actor: 'service:signer' });
    const told = await until(
      async () => {
        const rows = await portal.sql<{ code: string; actor: string }[]>`
          select code, actor from audit_events where session_id = ${link!.id} and actor <> 'portal'`;
        return rows.some(({ code }) => code === 'api.finished') && rows;
      },
      { what: 'its use on record' },
    );
    expect(told.map(({ code }) => code)).toContain('link.issued');
    expect(new Set(told.map(({ actor }) => actor))).toEqual(new Set(['service:signer']));
    const free = await sign();
    expect(await call(free)).toEqual({ status: 200 });
    const [{ id } = { id: '' }] = await portal.sql<{ id: string }[]>`
      select session_id as id from links where key_id = ${key.id} and name = 'by a key'`;
    await portal.admin('POST', `/sessions/${id}/end`);
    expect(await call(free)).toMatchObject({ status: 401, code: 'credential-revoked' });
    // Ended never returns, whatever is signed once more.
    expect(await call(free)).toMatchObject({ status: 401, code: 'credential-revoked' });
  });

  it('is made once, by however many first uses at once', async () => {
    const token = await sign({ jti: 'at-once', uses: 20 });
    const answers = await Promise.all(Array.from({ length: 12 }, () => call(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(12);
    const [row] = await portal.sql`select uses from links where key_id = ${key.id} and uses_max = 20`;
    expect(row).toEqual({ uses: 12 });
  });

  it('opens nothing past the key, past its role, before its time or after', async () => {
    expect(await call(await sign({ paths: ['/**'] }))).toEqual({ status: 200 });
    expect(await call(await sign({ paths: ['/**'] }), `/api/v1/namespaces/${namespace}/secrets/x`)).toMatchObject({
      code: 'link-past-limits',
    });
    expect(await call(await sign({ verbs: ['get', 'delete'] }))).toMatchObject({ code: 'link-past-limits' });
    const now = Math.floor(Date.now() / 1000);
    expect(await call(await sign({ exp: now + 3 * 3_600 }))).toMatchObject({ code: 'link-past-limits' });
    expect(await call(await sign({ cluster: 'another' }))).toMatchObject({ code: 'link-past-limits' });
    // The cluster's own no: the role may edit, and no more.
    const role = await signWide({ paths: ['/**'], verbs: ['list'] });
    expect(await call(role, '/apis/rbac.authorization.k8s.io/v1/clusterroles')).toEqual({ status: 403 });
    expect(await call(await sign({ nbf: now + 600 }))).toMatchObject({ code: 'link-early' });
    expect(await call(await sign({ iat: now - 7_000, exp: now - 1 }))).toMatchObject({ code: 'link-expired' });
    expect(await call(await sign({ iat: now + 600 }))).toMatchObject({ code: 'token-invalid' });
  });

  it('opens nothing beside the key’s patterns, however path or pattern is written', async () => {
    const one = await add({ name: 'one-part', publicKey: pem(ec.publicKey), paths: [`${maps()}/*`] });
    const token = await sign({ paths: ['/**'] }, { by: one });
    expect(await call(token)).toEqual({ status: 200 });
    for (const [path, code] of [
      [`/api/v1/namespaces/${namespace}/secrets/x`, 'link-past-limits'],
      [`${maps()}/open/status`, 'link-past-limits'],
      [`/api/v1/namespaces/${namespace}x/configmaps/open`, 'link-past-limits'],
      [`/api/v1/namespaces/${namespace.toUpperCase()}/configmaps/open`, 'link-past-limits'],
      // Dot segments, raw, encoded and encoded twice (CVE-2021-41773's kin): read once, and what was decided on is sent.
      [`${maps()}/../secrets/x`, 'bad-path'],
      [`${maps()}/%2e%2e/secrets/x`, 'bad-path'],
      [`${maps()}/..%2fsecrets%2fx`, 'bad-path'],
      [`${maps()}//open`, 'bad-path'],
      [`${maps()}/%252e%252e%252fsecrets`, 'bad-path'],
    ] as const)
      expect({ path, ...(await call(token, path)) }).toMatchObject({ path, code });
    // A pattern is text to be matched: dots of its own lead nowhere.
    const dotted = await sign({ paths: [`${maps()}/../secrets/**`, `${maps()}/%2e%2e/**`] }, { by: one });
    expect(await call(dotted, `/api/v1/namespaces/${namespace}/secrets/x`)).toMatchObject({ code: 'link-refused' });
    expect(await call(token, `${maps()}/open`, 'GET', 'another')).toMatchObject({
      status: 403,
      code: 'cluster-mismatch',
    });
    await portal.admin('DELETE', `/service-users/${robot.id}/link-keys/${one.id}`);
  });

  it('is never more than its service user is when it is used', async () => {
    const role = await portal.role({ clusterRoles: ['view'] });
    const user = await portal.admin<User>('POST', '/service-users', {
      name: 'viewer',
      groups: [role],
      owner: owner.id,
    });
    const wish = { name: 'viewing', publicKey: pem(ec.publicKey), cluster: CLUSTER, verbs: ['get', 'delete', 'list'] };
    const paths = ['/**'];
    const by = await portal.admin<LinkKey>('POST', `/service-users/${user.id}/link-keys`, { ...wish, paths });
    const token = await sign({ paths, verbs: ['get', 'delete', 'list'] }, { by });
    expect(await call(token)).toEqual({ status: 200 });
    expect(await call(token, `${maps()}/open`, 'DELETE')).toEqual({ status: 403 });
    await portal.admin('PATCH', `/users/${user.id}`, { groups: [] });
    await until(async () => (await call(token)).code === 'credential-revoked', { what: 'the end of its link' });
    // Nor is one made any more.
    expect((await call(await sign({ paths }, { by }))).status).toBe(403);
  });

  it('is the one that its id stands for: other claims under it widen nothing', async () => {
    const jti = randomUUID();
    expect(await call(await sign({ jti, uses: 1 }))).toEqual({ status: 200 });
    expect(await call(await sign({ jti, uses: 100 }))).toMatchObject({ code: 'token-invalid' });
    expect(await call(await sign({ jti, paths: ['/**'] }))).toMatchObject({ code: 'token-invalid' });
    // Of another key it is another link.
    expect(await call(await signWide({ jti }))).toEqual({ status: 200 });
  });

  it('opens in a browser, by an address that needs nothing of it known', async () => {
    await using browser = await openBrowser();
    const page = await (await browser.person()).newPage();
    const token = await sign({ name: 'the page', landing: `/k8s/${CLUSTER}${maps()}/open` });
    const { host } = new URL(portal.url);
    await page.goto(`http://link.${host}/.sallyport/link?token=${token}`);
    await page.getByRole('heading', { name: 'the page' }).waitFor();
    expect(new URL(page.url()).hostname).toMatch(/^link-[0-9a-f]{32}\.localhost$/);
    await page.getByText('service:signer').first().waitFor();
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText(/"a": ?"b"/).waitFor();
  });

  it('may be for one person, who signs in to open it; as a token it is nobody’s', async () => {
    const visitor = await portal.visitor([await portal.role()]);
    const token = await sign({ recipient: visitor.email, uses: 1, landing: `/k8s/${CLUSTER}${maps()}/open` });
    expect(await call(token)).toMatchObject({ status: 403, code: 'link-personal' });
    expect(await call(await sign({ recipient: 'nobody@example.com' }))).toMatchObject({ code: 'recipient-unknown' });
    await using browser = await openBrowser();
    const stranger = await portal.visitor([await portal.role()]);
    const open = async (person: Visitor) => {
      const context = await browser.person();
      const [name, value] = person.cookie.split('=') as [string, string];
      await context.addCookies([{ name, value, url: portal.url.replace('http:', 'https:') }]);
      const page = await context.newPage();
      await page.goto(`http://link.${new URL(portal.url).host}/.sallyport/link?token=${token}`);
      await page.getByText(`It is for ${visitor.email}`).waitFor();
      await page.getByRole('button', { name: 'Open' }).click();
      return page;
    };
    await (await open(stranger)).getByText(/for whom this link is not/).waitFor();
    await (await open(visitor)).getByText(/"a": ?"b"/).waitFor();
  });
});

describe('what no registered key signed', () => {
  const claims = () => ({
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    paths: [`${maps()}/open`],
    aud: key.audience,
  });
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it.each([
    ['no algorithm (CVE-2015-9235)', () => `${encode({ alg: 'none', kid: key.id })}.${encode(claims())}.`],
    ['an empty algorithm', () => `${encode({ alg: '', kid: key.id })}.${encode(claims())}.`],
    ['a missing algorithm', () => `${encode({ kid: key.id })}.${encode(claims())}.`],
    [
      'HS256 with the public key as its secret (CVE-2016-10555)',
      () => {
        const head = `${encode({ alg: 'HS256', kid: wideKey.id })}.${encode(claims())}`;
        return `${head}.${createHmac('sha256', pem(rsa.publicKey)).update(head).digest('base64url')}`;
      },
    ],
    ['RS256 under the id of a P-256 key (RFC 8725, 3.1)', () => sign({}, { with: rsa.privateKey, alg: 'RS256' })],
    [
      'PS256 with the right key (its algorithm is RS256)',
      () => sign({}, { by: wideKey, with: rsa.privateKey, alg: 'PS256' }),
    ],
    ['another key', () => sign({}, { with: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey })],
    [
      'a key that it brings along (CVE-2018-0114)',
      () => {
        const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        return sign({}, { with: own.privateKey, header: { jwk: own.publicKey.export({ format: 'jwk' }) } });
      },
    ],
    [
      'a key that it points to (RFC 8725, 3.10)',
      () => {
        const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
        return sign(
          {},
          { with: own.privateKey, header: { jku: 'http://127.0.0.1:9/keys', x5u: 'http://127.0.0.1:9/x' } },
        );
      },
    ],
    ['an id of a file (kid injection)', () => sign({}, { header: { kid: '../../../../dev/null' } })],
    ['an id of SQL (kid injection)', () => sign({}, { header: { kid: `${key.id}' or '1'='1` } })],
    ['an id that nobody has', () => sign({}, { header: { kid: randomUUID() } })],
    ['a header that has to be understood (RFC 7515, 4.1.11)', () => sign({}, { header: { crit: ['more'], more: 1 } })],
    ['the audience of another portal', () => sign({ aud: `sallyport-link:${randomUUID()}` })],
    ['no audience', () => sign({ aud: undefined as unknown as string })],
    ['the audience of kubeconfigs', () => sign({ aud: 'sallyport-kubeconfig' })],
    ['another user (a claim that nobody reads)', () => sign({ sub: owner.id })],
    ['a claim that nobody reads', () => sign({ namespace: 'default' })],
    ['more than a token', async () => sign({ name: 'x'.repeat(100), landing: `/${'x'.repeat(9_000)}` })],
    [
      'claims that were changed',
      async () => (await sign()).replace(/\.[^.]+\./, `.${encode({ ...claims(), paths: ['/**'] })}.`),
    ],
  ])('%s', async (_, forge) => {
    expect(await call(await forge())).toMatchObject({ status: 401, code: 'token-invalid' });
  });
});

describe('a key', () => {
  it.each([
    ['a private one', () => ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['one of P-384', () => pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey)],
    ['a short one of RSA', () => pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)],
    ['one of Ed25519', () => pem(generateKeyPairSync('ed25519').publicKey)],
    ['a certificate, whose time nobody would look at', async () => (await createAuthority(new Date())).certificate],
    ['a certificate of nobody', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['one of RSA by itself (PKCS #1)', () => rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['a private one as JSON', () => JSON.stringify(ec.privateKey.export({ format: 'jwk' }))],
    ['nothing', () => 'x'],
  ])('is refused where it is %s', async (_, publicKey) => {
    await expect(add({ name: 'wrong', publicKey: await publicKey() })).rejects.toMatchObject({
      code: 'link-key-invalid',
    });
  });

  it('is for administrators to add and remove; its owner sees it, nobody else', async () => {
    const at = `/service-users/${robot.id}/link-keys`;
    const wish = { name: 'mine', publicKey: pem(ec.publicKey), cluster: CLUSTER, paths: ['/**'] };
    await expect(owner.api('POST', at, wish)).rejects.toMatchObject({ code: 'forbidden' });
    await expect(owner.api('DELETE', `${at}/${key.id}`)).rejects.toMatchObject({ code: 'forbidden' });
    const { items } = await owner.api<{ items: LinkKey[] }>('GET', at);
    expect(items.map(({ name }) => name)).toEqual(['narrow', 'wide']);
    const stranger = await portal.visitor([await portal.role()]);
    await expect(stranger.api('GET', at)).rejects.toMatchObject({ status: 404 });
    await expect(portal.admin('POST', at, { ...wish, name: 'narrow' })).rejects.toMatchObject({
      code: 'link-key-exists',
    });
    await expect(portal.admin('POST', at, { ...wish, cluster: 'nowhere' })).rejects.toMatchObject({
      code: 'cluster-unknown',
    });
  });

  it('that is removed takes its links along: the next call is refused, streams end, none is made any more', async () => {
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const short = await add({ name: 'short', publicKey: pem(own.publicKey), verbs: ['get', 'watch'], paths: ['/**'] });
    const token = await sign({ verbs: ['get', 'watch'], paths: ['/**'] }, { by: short, with: own.privateKey });
    const later = await sign({}, { by: short, with: own.privateKey });
    expect(await call(token)).toEqual({ status: 200 });
    const watch = call(token, `${maps()}?watch=true`).catch(() => 'cut');
    await until(
      async () => {
        const rows =
          await portal.sql`select 1 from audit_events where code = 'api.started' and detail->>'verb' = 'watch'`;
        return rows.length > 0;
      },
      { what: 'the watch' },
    );
    const began = performance.now();
    await portal.admin('DELETE', `/service-users/${robot.id}/link-keys/${short.id}`);
    await watch;
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await call(token)).toMatchObject({ status: 401 });
    expect(await call(later)).toMatchObject({ status: 401, code: 'token-invalid' });
    await expect(portal.admin('DELETE', `/service-users/${robot.id}/link-keys/${short.id}`)).rejects.toMatchObject({
      code: 'link-key-not-found',
    });
  });

  it('that was removed by a portal that died over it takes its links along as well', async () => {
    const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const gone = await add({ name: 'gone', publicKey: pem(own.publicKey) });
    const token = await sign({}, { by: gone, with: own.privateKey });
    expect(await call(token)).toEqual({ status: 200 });
    // Its row was changed, and nobody came to end what it had signed.
    await portal.sql`update link_keys set removed_at = now() where id = ${gone.id}`;
    await portal.restart();
    expect(await call(token)).toMatchObject({ status: 401 });
    const [session] = await portal.sql<{ id: string }[]>`select session_id as id from links where key_id = ${gone.id}`;
    // Whatever is told next, what it signed is ended with.
    await portal.admin('PATCH', `/users/${owner.id}`, { disabled: false });
    expect(await portal.ended(session!.id)).toMatchObject({ endReason: 'revoked' });
  });

  it('is of no use once its service user is disabled', async () => {
    const token = await sign();
    expect(await call(token)).toEqual({ status: 200 });
    await portal.admin('PATCH', `/users/${robot.id}`, { disabled: true });
    await until(async () => (await call(token)).code === 'credential-revoked', { what: 'the end of its links' });
    expect(await call(await sign())).toMatchObject({ status: 401, code: 'token-invalid' });
  });
});
