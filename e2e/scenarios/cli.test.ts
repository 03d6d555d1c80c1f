/** The command line, installed, against a real portal: both ways to sign in, kubectl by its plugin, and every end. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowsing, type Browsing } from '../browsing.ts';
import { CommandLine, type Talking } from '../command-line.ts';
import { until } from '../machine/until.ts';
import { CLUSTER } from '../portal.ts';
import { tellFailures } from '../tell-failures.ts';

let browsing: Browsing;
tellFailures(() => browsing);
let page: Page;
let cli: CommandLine;
beforeAll(async () => {
  browsing = await startBrowsing();
  page = await browsing.signedIn('admin');
  cli = await CommandLine.install();
});
afterAll(async () => {
  cli?.[Symbol.dispose]();
  await browsing?.[Symbol.asyncDispose]();
});

const shots = process.env['SALLYPORT_TEST_SHOTS'];
/** For people to look at, wide and narrow, where they ask for it. */
async function look(name: string): Promise<void> {
  if (!shots) return;
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ] as const) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: join(shots, `${name}-${width}.png`), animations: 'disabled' });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}

function found(talking: Talking, pattern: RegExp): Promise<string> {
  return until(async () => pattern.exec(talking.said())?.[0], { what: () => `${pattern} in: ${talking.said()}` });
}

const login = (...args: string[]) => cli.start('login', '--portal', browsing.portal.url, ...args);

async function signInByBrowser(): Promise<void> {
  const talking = login();
  await page.goto(await found(talking, /http\S+\/authorize\?\S+/));
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  expect(await talking.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Signed in at') });
}

const issued = async (): Promise<{ id: string }[]> =>
  browsing.portal.sql`select id from access_sessions where channel = 'kubeconfig' order by opened_at`;
const cached = () =>
  readdirSync(cli.state, { recursive: true, encoding: 'utf8' })
    .filter((name) => /credential-.*\.json$/.test(name))
    .map((name) => join(cli.state, name));

it('nobody is signed in to begin with, and each command says so', async () => {
  for (const args of [['whoami'], ['kube', 'ls']])
    expect(await cli.run(...args, '--portal', browsing.portal.url)).toMatchObject({
      code: 1,
      stderr: `sallyport: You are not signed in at ${browsing.portal.url}, or not any more. Run: sallyport login --portal ${browsing.portal.url}\n`,
    });
});

it('by the browser: who is not signed in there comes back to the question, and a no reaches the terminal', async () => {
  const talking = login();
  const address = await found(talking, /http\S+\/authorize\?\S+/);
  expect(address).not.toMatch(/sp_|token/);
  const signedOut = await browsing.signedIn('developer');
  // Signed out of the portal, not of the provider.
  await signedOut.context().clearCookies({ domain: new URL(browsing.portal.url).hostname });
  await signedOut.goto(address);
  await signedOut.getByRole('button', { name: /^Sign in with/ }).click();
  await signedOut.getByRole('heading', { name: /^Allow the CLI on/ }).waitFor();
  await signedOut.getByText('Only go on if you started this yourself').waitFor();
  await signedOut.getByRole('button', { name: 'Deny' }).click();
  expect(await talking.ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The sign-in was denied in the browser.'),
  });
  await signedOut.context().close();
});

it('by the browser: a yes signs in this machine, in files for its person alone', async () => {
  const talking = login();
  await page.goto(await found(talking, /http\S+\/authorize\?\S+/));
  await page.getByRole('heading', { name: /^Allow the CLI on/ }).waitFor();
  await look('authorize');
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.getByText('You are signed in.').waitFor();
  expect(await talking.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Signed in at') });
  expect(talking.said()).not.toContain('sp_');
  expect(await cli.run('whoami')).toMatchObject({ code: 0, stdout: expect.stringContaining('admin@') });
  const files = readdirSync(cli.state, { recursive: true, encoding: 'utf8' }).map((name) => join(cli.state, name));
  expect(files.length).toBeGreaterThanOrEqual(2);
  for (const file of [cli.state, ...files]) {
    const entry = statSync(file);
    expect([file, entry.mode & 0o777]).toEqual([file, entry.isDirectory() ? 0o700 : 0o600]);
  }
});

it('kubectl works by a kubeconfig in which nothing is secret', async () => {
  expect(await cli.run('kube', 'ls')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^test +/m) });
  const added = await cli.run('kube', 'login', CLUSTER, '--namespace', 'default');
  expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining(`sallyport-${CLUSTER}`) });
  const text = readFileSync(cli.kubeconfig, 'utf8');
  expect(text).toContain('client.authentication.k8s.io/v1');
  expect(text).not.toMatch(/sp_|eyJ|token:/);
  expect(await cli.kubectl('get', 'ns', '--output=name')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('namespace/default'),
    stderr: '',
  });
  expect(await issued()).toHaveLength(1);
});

it('of several tools at once one asks for a credential, and nobody again until its time is nearly over', async () => {
  const before = (await issued()).length;
  for (const file of cached()) rmSync(file);
  const answers = await Promise.all([
    ...Array.from({ length: 4 }, () => cli.kubectl('get', 'ns', '--output=name')),
    cli.helm('list', '--all-namespaces'),
  ]);
  for (const answer of answers) expect(answer).toMatchObject({ code: 0 });
  expect(await issued()).toHaveLength(before + 1);
  const [file] = cached();
  const kept = JSON.parse(readFileSync(file!, 'utf8')) as { token: string };
  writeFileSync(file!, JSON.stringify({ ...kept, expiresAt: new Date(Date.now() + 59_000).toISOString() }));
  expect(await cli.kubectl('get', 'ns', '--output=name')).toMatchObject({ code: 0 });
  expect(await issued()).toHaveLength(before + 2);
  expect(JSON.parse(readFileSync(file!, 'utf8'))).not.toMatchObject({ token: kept.token });
});

it('a process that comes back after a 401 never gets the same revoked credential', async () => {
  const ask = async () => {
    const { code, stdout } = await cli.run('kube', 'credential', '--cluster', CLUSTER);
    expect(code).toBe(0);
    const credential = JSON.parse(stdout) as { apiVersion: string; kind: string; status: Record<string, string> };
    expect(credential).toMatchObject({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential' });
    expect(credential.status['expirationTimestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    return credential.status['token'];
  };
  // This process is what started it, as kubectl would be.
  const first = await ask();
  expect(await ask()).toBe(first);
  const { id } = (await issued()).at(-1)!;
  await browsing.portal.admin('POST', `/sessions/${id}/end`);
  expect(await ask()).not.toBe(first);
});

it('a credential’s state is its own person’s to ask for', async () => {
  const { id } = (await issued()).at(-1)!;
  const somebody = await browsing.portal.visitor(['sallyport-admins']);
  await expect(somebody.api('GET', `/me/kubeconfigs/${id}`)).rejects.toMatchObject({ status: 404 });
});

it('one that is revoked in the portal is refused, noticed, and replaced', async () => {
  const { id } = (await issued()).at(-1)!;
  await page.goto(`${browsing.portal.url}/account`);
  const list = page.getByRole('list', { name: 'Kubeconfigs' });
  await list.getByRole('link').first().waitFor();
  for (let left = await list.getByRole('link').count(); left > 0; left--) {
    await list
      .getByRole('button', { name: /^Revoke/ })
      .first()
      .click();
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  }
  await browsing.portal.ended(id);
  const first = await cli.kubectl('get', 'ns', '--output=name');
  // Within half a minute of the portal's last word it is handed out once more, and asked about when it comes back.
  if (first.code !== 0) expect(first.stderr).toContain('You revoked it.');
  expect(await cli.kubectl('get', 'ns', '--output=name')).toMatchObject({ code: 0, stderr: '' });
  const after = (await issued()).at(-1)!;
  expect(after.id).not.toBe(id);
});

it('the sign-in itself is revoked in the portal: kubectl is refused in words, and its credential ended with it', async () => {
  const { id } = (await issued()).at(-1)!;
  await page.goto(`${browsing.portal.url}/account`);
  const token = page.getByRole('list', { name: 'API tokens' }).getByRole('listitem').filter({ hasText: 'Valid' });
  await token.getByText(/^CLI on /).waitFor();
  await look('account');
  await token.getByRole('button', { name: /^Revoke CLI on/ }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(await browsing.portal.ended(id)).toMatchObject({ endReason: 'revoked' });
  const refused = await cli.kubectl('get', 'ns');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('Run: sallyport login');
  expect(await cli.run('whoami')).toMatchObject({ code: 1, stderr: expect.stringContaining('Run: sallyport login') });
});

it('by a code: denied, mistyped, allowed; kubectl works again with the context of before', async () => {
  const denied = login('--device');
  const code = () => found(denied, /[B-Z]{4}-[B-Z]{4}/);
  await page.goto(`${browsing.portal.url}/device`);
  await look('device');
  await page.getByRole('textbox', { name: 'Code' }).fill('BBBB-BBBB');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('alert').getByText('No device waits with this code').waitFor();
  await page.getByRole('textbox', { name: 'Code' }).fill((await code()).toLowerCase());
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Only go on if you started this yourself').waitFor();
  await page.getByText('127.0.0.1').waitFor();
  await look('device-consent');
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByText('The device was denied.').waitFor();
  expect(await denied.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('was denied in the portal') });

  const allowed = login('--device');
  await page.goto(`${browsing.portal.url}/device`);
  await page.getByRole('textbox', { name: 'Code' }).fill(await found(allowed, /[B-Z]{4}-[B-Z]{4}/));
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.getByText('The device is allowed.').waitFor();
  await look('device-done');
  expect(await allowed.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Signed in at') });
  expect(await cli.kubectl('get', 'ns', '--output=name')).toMatchObject({ code: 0 });
});

it('kube logout takes the contexts and revokes; logout ends what is left, and leaves no secret behind', async () => {
  const { id } = (await issued()).at(-1)!;
  expect(await cli.run('kube', 'logout', CLUSTER)).toMatchObject({ code: 0 });
  expect(await browsing.portal.ended(id)).toMatchObject({ endReason: 'ended-by-person' });
  expect(readFileSync(cli.kubeconfig, 'utf8')).not.toContain('sallyport-');
  expect(cached()).toEqual([]);
  await cli.run('kube', 'login', CLUSTER);
  const last = (await issued()).at(-1)!;
  expect(await cli.kubectl('get', 'ns')).toMatchObject({ code: 0 });
  expect(await cli.run('logout')).toMatchObject({ code: 0, stdout: expect.stringContaining('Signed out') });
  expect(await browsing.portal.ended(last.id)).toMatchObject({ endReason: 'revoked' });
  const left = readdirSync(cli.state, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  expect(left).toEqual([]);
  const refused = await cli.kubectl('get', 'ns');
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('Run: sallyport login') });
  await signInByBrowser();
  expect(await cli.kubectl('get', 'ns')).toMatchObject({ code: 0 });
});

it('neither the portal’s log nor its audit log holds a code, a token or a verifier', async () => {
  const log = readFileSync(browsing.portal.log, 'utf8');
  expect(log).not.toMatch(/sp_[\w-]{43}|code_verifier=|user_code|code_challenge=/);
  const events = await browsing.portal.sql`select detail::text from audit_events`;
  expect(JSON.stringify(events)).not.toMatch(/sp_[\w-]{43}|code_verifier/);
});
