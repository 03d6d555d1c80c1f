/** Signed links in a real browser: shown, redeemed, used by an operator's own web application, and by nobody else. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { IssuedLink, Link } from '../../server/http/schemas.ts';
import { openBrowser, type TestBrowser } from '../browser.ts';
import { startBrowsing, type Browsing } from '../browsing.ts';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { CLUSTER, type Visitor } from '../portal.ts';
import { tellFailures } from '../tell-failures.ts';

/** As a VNC page does: a WebSocket to the API, here of an exec, by the channel protocol (v5.channel.k8s.io). */
const APP = `<!doctype html><html lang="en"><title>Console</title><h1>Console</h1><p id="state">connecting</p><pre id="out"></pre>
<script>
const path = new URLSearchParams(location.search).get('path');
const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + path, 'v5.channel.k8s.io');
socket.binaryType = 'arraybuffer';
const state = document.getElementById('state');
socket.onopen = () => { state.textContent = 'open'; };
socket.onclose = () => { state.textContent += ', closed'; };
socket.onmessage = ({ data }) => {
  const bytes = new Uint8Array(data);
  if (bytes[0] === 1) document.getElementById('out').textContent += new TextDecoder().decode(bytes.subarray(1));
};
</script></html>`;

const folder = mkdtempSync(join(tmpdir(), 'sallyport-link-app-'));
writeFileSync(join(folder, 'console.html'), APP);
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Links</title><h1>Links</h1>');
writeFileSync(join(folder, '.secret'), 'not for anybody');
mkdirSync(join(folder, '.git'));
writeFileSync(join(folder, '.git', 'config'), 'not for anybody');
symlinkSync('/etc/hostname', join(folder, 'out'));

let browsing: Browsing;
tellFailures(() => browsing);
let strangers: TestBrowser;
let namespace: string;
let maker: Visitor;
beforeAll(async () => {
  browsing = await startBrowsing({ SALLYPORT_LINK_APP_DIR: folder });
  strangers = await openBrowser();
  const { portal } = browsing;
  namespace = `links-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  await kubectlAsAdmin('create', 'configmap', 'open', '-n', namespace, '--from-literal=a=b');
  const run = ['run', 'web', `--image=${BUSYBOX_IMAGE}`, '--image-pull-policy=Never', '--restart=Never'];
  await kubectlAsAdmin(...run, '-n', namespace, '--command', '--', 'sleep', '100000');
  await kubectlAsAdmin('wait', '--for=condition=Ready', 'pod/web', '-n', namespace, '--timeout=60s');
  maker = await portal.visitor([await portal.role({ clusterRoles: ['admin'] })]);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await strangers?.[Symbol.asyncDispose]();
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await browsing?.[Symbol.asyncDispose]();
});

const maps = () => `/api/v1/namespaces/${namespace}/configmaps`;
const make = (wish: object): Promise<IssuedLink> =>
  maker.api('POST', '/links', { name: 'the console of web', cluster: CLUSTER, ...wish });
const uses = async (id: string) =>
  (await maker.api<{ items: Link[] }>('GET', '/links')).items.find((link) => link.id === id)?.uses;

it('whoever holds one sees what it opens, opens it once, and works in the operator’s application', async () => {
  const exec = `/api/v1/namespaces/${namespace}/pods/web/exec`;
  const query = 'command=sh&command=-c&command=echo+from+the+pod%3B+sleep+100&stdout=true&stderr=true';
  const link = await make({
    paths: [exec],
    verbs: ['connect'],
    uses: 1,
    landing: `/console.html?path=${encodeURIComponent(`/k8s/${CLUSTER}${exec}?${query}`)}`,
  });
  expect(link.url).toMatch(/^http:\/\/link-[0-9a-f]{32}\.localhost:\d+\/\.sallyport\/link\?token=/);
  const page = await (await strangers.person()).newPage();
  await page.goto(link.url!);
  // A chat draws its preview, as often as it likes.
  await page.reload();
  await page.getByRole('heading', { name: 'the console of web' }).waitFor();
  await page.getByText(maker.email).first().waitFor();
  await page.getByText(exec).waitFor();
  expect(await uses(link.id)).toBe(0);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByText('from the pod').waitFor();
  expect(new URL(page.url()).pathname).toBe('/console.html');
  expect(page.url()).not.toContain(link.token);
  expect(await uses(link.id)).toBe(1);
  // Opened here already, it leads on; anywhere else it is used up.
  await page.goto(link.url!);
  await page.getByText('from the pod').waitFor();
  const late = await (await strangers.person()).newPage();
  await late.goto(link.url!);
  await late.getByText('This link has been used as often as it may be.').waitFor();
  // No cookie but its own, which no script sees and no other address gets.
  const cookies = await page.context().cookies();
  expect(cookies.map(({ name, httpOnly, secure }) => ({ name, httpOnly, secure }))).toEqual([
    { name: '__Host-sallyport-entry', httpOnly: true, secure: true },
  ]);
  expect(await page.evaluate(() => document.cookie)).toBe('');
  // Revoked: what runs ends, the next request is refused.
  await page.goto(link.url!);
  await page.getByText('from the pod').waitFor();
  await maker.api('DELETE', `/links/${link.id}`);
  await page.getByText('open, closed').waitFor({ timeout: 3_000 });
  await page.reload();
  await page.getByText(/connecting, closed/).waitFor();
  await until(
    async () => {
      const rows = await browsing.portal.sql`
        select 1 from audit_events where session_id = ${link.id} and code = 'link.redeemed'`;
      return rows.length === 1;
    },
    { what: 'it on record, once' },
  );
});

it('a redeemed one opens exactly what it names, to pages of its own address only', async () => {
  const link = await make({ paths: [`${maps()}/**`], verbs: ['get', 'patch'] });
  const page = await (await strangers.person()).newPage();
  await page.goto(link.url!);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  const get = (path: string, method = 'GET') =>
    page.evaluate(
      async ([at, how]) => {
        const answer = await fetch(at!, { method: how! });
        return { status: answer.status, code: answer.headers.get('x-sallyport-error-code') };
      },
      [`/k8s/${CLUSTER}${path}`, method],
    );
  expect(await get(`${maps()}/open`)).toEqual({ status: 200, code: null });
  for (const path of [maps(), '/version', '/api', `/api/v1/namespaces/${namespace}/secrets/x`])
    expect({ path, ...(await get(path)) }).toEqual({ path, status: 403, code: 'link-refused' });
  expect(await get(`${maps()}/open`, 'DELETE')).toEqual({ status: 403, code: 'link-refused' });
  // Another cluster, the portal's own routes, the operator's hidden files and what lies outside of the folder.
  for (const path of ['/k8s/another/api', '/api/v1/me', '/metrics', '/.git/config', '/.secret', '/out', '/%2e%2e/out'])
    expect({ path, status: await page.evaluate(async (at) => (await fetch(at)).status, path) }).toEqual({
      path,
      status: path.startsWith('/k8s/') ? 403 : 404,
    });
  // Another link's address, in the same browser: its cookie is not there.
  const other = await make({ paths: [`${maps()}/**`] });
  const origin = new URL(other.url!).origin;
  await page.goto(`${origin}/k8s/${CLUSTER}${maps()}/open`);
  await page.getByText('This browser was not let in at this address').waitFor();
  // A link's token at another link's address.
  await page.goto(`${origin}/.sallyport/link?token=${link.token}`);
  await page.getByText('This is another link’s address').waitFor();
  // A page elsewhere neither reads nor writes with this browser's cookie.
  await page.goto(`${origin}/`);
  const across = await page.evaluate(
    (at) =>
      fetch(at, { credentials: 'include' }).then(
        ({ status }) => `${status}`,
        () => 'refused',
      ),
    `${new URL(link.url!).origin}/k8s/${CLUSTER}${maps()}/open`,
  );
  expect(across).toBe('refused');
});

it('one that names somebody is theirs alone: they sign in, whoever else holds it does not get in', async () => {
  const provider = browsing;
  const admin = await provider.signedIn('admin');
  const { email } = (await (await admin.request.get(`${browsing.portal.url}/api/v1/me`)).json()) as { email: string };
  const link = await make({
    paths: [`${maps()}/open`, maps()],
    verbs: ['get', 'watch'],
    recipient: email,
    uses: 1,
    landing: `/k8s/${CLUSTER}${maps()}/open`,
  });
  expect(link.recipient).toBe(email);
  // As a token it is nobody's.
  const bearer = await admin.request.get(`${link.address}${maps()}/open`, {
    headers: { authorization: `Bearer ${link.token}` },
    ignoreHTTPSErrors: true,
  });
  expect(bearer.headers()['x-sallyport-error-code']).toBe('link-personal');
  const other = await provider.signedIn('developer');
  await other.goto(link.url!);
  await other.getByText(`It is for ${email}`).waitFor();
  await other.getByRole('button', { name: 'Open' }).click();
  await other.getByText(/for whom this link is not/).waitFor();
  // Somebody who is not signed in is asked to.
  const nobody = await (await strangers.person()).newPage();
  await nobody.goto(link.url!);
  await nobody.getByRole('button', { name: 'Open' }).click();
  await nobody.getByRole('button', { name: /^Sign in with/ }).waitFor();
  expect(await uses(link.id)).toBe(0);
  await admin.goto(link.url!);
  await admin.getByRole('button', { name: 'Open' }).click();
  await admin.getByText(/"a": ?"b"/).waitFor();
  expect(await uses(link.id)).toBe(1);
  const event = await until(
    async () => {
      const [row] = await browsing.portal.sql<{ actor: string }[]>`
        select actor from audit_events where session_id = ${link.id} and code = 'link.redeemed'`;
      return row;
    },
    { what: 'it on record' },
  );
  expect(event).toEqual({ actor: email });
  // It is over with their sign-in, and what runs too.
  const watching = await admin.context().newPage();
  await watching.goto(admin.url());
  const watch = watching.evaluate(async (at) => {
    const reader = (await fetch(at)).body!.getReader();
    document.title = 'watching';
    for (;;) if ((await reader.read().catch(() => ({ done: true }))).done) return performance.now();
  }, `/k8s/${CLUSTER}${maps()}?watch=true`);
  await watching.waitForFunction(() => document.title === 'watching');
  const at = admin.url();
  await admin.goto(`${browsing.portal.url}/account`);
  await admin.getByRole('button', { name: 'Sign out' }).click();
  await admin.waitForURL(({ pathname }) => pathname !== '/account');
  expect(await watch).toBeGreaterThan(0);
  await admin.goto(at);
  await admin.getByText('This browser was not let in at this address').waitFor();
  // A name that nobody here has.
  await expect(make({ paths: ['/version'], recipient: 'nobody@example.com' })).rejects.toMatchObject({
    code: 'recipient-unknown',
  });
});
