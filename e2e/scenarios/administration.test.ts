/** What administrators do on the pages, found as a person finds it: by role and by name. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { screenShows, startBrowsing, type Browsing } from '../browsing.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { CLUSTER } from '../portal.ts';
import { testCluster } from '../use.ts';
import { tellFailures } from '../tell-failures.ts';

let browsing: Browsing;
tellFailures(() => browsing);
let page: Page;
let namespace: string;

beforeAll(async () => {
  browsing = await startBrowsing();
  namespace = `sallyport-${(await browsing.portal.id()).slice(0, 8)}`;
  page = await browsing.signedIn('admin');
});
afterAll(() => browsing?.[Symbol.asyncDispose]());

const open = (path: string) => page.goto(`${browsing.portal.url}${path}`);
const button = (name: string | RegExp) => page.getByRole('button', { name });
const field = (name: string) => page.getByRole('textbox', { name, exact: true });

it('goes past the header by the skip link', async () => {
  await open('/clusters');
  await page.getByRole('heading', { name: 'Clusters' }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the page');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('page');
});

it('lists its shortcuts, and finds a cluster by its first letters', async () => {
  await page.keyboard.press('?');
  const shortcuts = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await shortcuts.getByText('Go to a cluster, session, page or action').waitFor();
  await page.keyboard.press('Escape');
  await shortcuts.waitFor({ state: 'detached' });
  await page.keyboard.press('/');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Filter clusters');
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog', { name: 'Go to' }).waitFor();
  await page.keyboard.type(`cluster ${CLUSTER}`);
  await page.keyboard.press('Enter');
  await page.waitForURL(`**/clusters/${CLUSTER}`);
  await page.getByRole('heading', { level: 1, name: CLUSTER }).waitFor();
});

it('opens a shell from the palette, and leaves Ctrl-K to it', async () => {
  await page.keyboard.press('Control+k');
  await page.keyboard.type(`shell ${CLUSTER}`);
  await page.keyboard.press('Enter');
  await screenShows(page, /\$ *$/m);
  await page.keyboard.type('echo kept gone');
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Enter');
  await screenShows(page, /^kept$/m);
  expect(await page.getByRole('dialog').count()).toBe(0);
  await page.keyboard.type('exit\n');
  await page.getByText('This session has ended.').waitFor();
});

it('adds a role', async () => {
  await open('/roles');
  await button('Add a role').click();
  await field('Name').fill('looker');
  await field('Description').fill('Looks, and touches nothing.');
  await field('ClusterRoles').fill('view');
  await field('Groups').fill('lookers');
  await page.getByRole('spinbutton', { name: 'Idle (min)' }).fill('20');
  await page.getByText('What the gateway refuses, before the cluster is asked').click();
  await page.getByRole('checkbox', { name: /^Read-only/ }).check();
  await page.getByRole('combobox', { name: 'Secrets' }).selectOption('none');
  await button('Add a rule: Refused').click();
  const rule = page.getByRole('list', { name: 'Refused' }).getByRole('listitem');
  await rule.getByLabel('Verbs').fill('*');
  await rule.getByLabel('API groups').fill('core, apps');
  await rule.getByLabel('Resources').fill('*');
  await rule.getByLabel('Namespaces').fill('kube-*');
  await page.getByRole('dialog').getByRole('button', { name: 'Add the role' }).click();
  await page.getByRole('heading', { name: 'looker' }).waitFor();
  await page.getByText('20 min').waitFor();
  await page.getByText('all but reads; Secrets; by 1 rule').waitFor();
  const { items } = await browsing.portal.admin<{ items: { name: string; deny: object[] }[] }>('GET', '/roles');
  expect(items.find(({ name }) => name === 'looker')!.deny).toEqual([
    { verbs: ['*'], apiGroups: ['', 'apps'], resources: ['*'], namespaces: ['kube-*'], names: [] },
  ]);
});

it('adds a local user, who signs in with the password and has the role', async () => {
  await open('/users');
  await button('Add a local user').click();
  await field('Email').fill('lee@example.com');
  await field('Name').fill('Lee Looker');
  await field('Groups').fill('lookers');
  await page.getByLabel('Password').fill('correct horse battery');
  await button('Add the user').click();
  await page.getByText('lee@example.com').waitFor();
  await using theirs = await page.context().browser()!.newContext();
  const lee = await theirs.newPage();
  await lee.goto(`${browsing.portal.url}/sign-in`);
  await lee.getByLabel('Email').fill('lee@example.com');
  await lee.getByLabel('Password').fill('not that password');
  await lee.getByRole('button', { name: 'Sign in', exact: true }).click();
  await lee.getByRole('alert').getByText('Email or password is wrong.').waitFor();
  await lee.getByLabel('Password').fill('correct horse battery');
  await lee.getByRole('button', { name: 'Sign in', exact: true }).click();
  await lee.getByRole('button', { name: `Open as looker on ${CLUSTER}` }).waitFor();
  expect(await lee.getByRole('link', { name: 'Roles' }).count()).toBe(0);
});

it('creates an API token, shows it once, and revokes it', async () => {
  await open('/account');
  await button('Create a token').click();
  await field('Name').fill('nightly report');
  await button('Create').last().click();
  const shown = page.getByRole('dialog', { name: 'Your token' });
  const token = await shown.locator('code').innerText();
  await button('Done').click();
  const ask = () => fetch(`${browsing.portal.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  expect((await ask()).status).toBe(200);
  await page.reload();
  await page.getByText('nightly report').waitFor();
  expect(await page.content()).not.toContain(token);
  await button('Revoke nightly report').click();
  await page.getByRole('alertdialog').or(page.getByRole('dialog')).getByRole('button', { name: 'Revoke' }).click();
  await button('Revoke nightly report').and(page.locator('[aria-disabled=true]')).waitFor();
  expect((await ask()).status).toBe(401);
});

/** The administrator's kubeconfig, with somebody else's token in it. */
async function kubeconfigOf(token: string): Promise<string> {
  const { kubeconfig } = await testCluster();
  const text = parse(readFileSync(kubeconfig, 'utf8')) as { users: { name: string; user: object }[] };
  return JSON.stringify({ ...text, users: text.users.map(({ name }) => ({ name, user: { token } })) });
}

it('registers a cluster once its test passes, and names the permissions that lack', async () => {
  await kubectlAsAdmin('create', 'serviceaccount', 'powerless', '--namespace', namespace);
  const token = (await kubectlAsAdmin('create', 'token', 'powerless', '--namespace', namespace)).trim();
  await open('/clusters/new');
  await field('Name').fill('second');
  await field("The portal's namespace on it").fill(namespace);
  await field('Kubeconfig').fill(await kubeconfigOf(token));
  await page.getByRole('checkbox', { name: /This is production/ }).check();
  await button(/^Test$/).click();
  await page.getByText('The test did not pass').waitFor();
  await page.getByText('The account lacks:').waitFor();
  expect(
    await page
      .getByRole('listitem')
      .filter({ hasText: /serviceaccounts/ })
      .count(),
  ).toBeGreaterThan(0);
  expect(await button(/^Save/).getAttribute('aria-disabled')).toBe('true');
  await field('Kubeconfig').fill(readFileSync((await testCluster()).kubeconfig, 'utf8'));
  await button(/^Test$/).click();
  await page.getByText('The test passed').waitFor();
  await button(/^Save$/).click();
  await page.waitForURL('**/clusters/second');
  await page.getByRole('heading', { level: 1, name: 'second' }).waitFor();
  // What the portal needs there is shown, and is what a cluster takes.
  await page.getByText('What the portal needs on the cluster, as a manifest').click();
  const shown = page.locator('details pre');
  await shown.getByText('ClusterRoleBinding').first().waitFor();
  const kinds = parseAllDocuments(await shown.innerText()).map(
    (document) => (document.toJS() as { kind: string }).kind,
  );
  expect(kinds).toEqual(expect.arrayContaining(['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding']));
  await using folder = await mkdtempDisposable(join(tmpdir(), 'sallyport-manifest-'));
  const file = join(folder.path, 'manifest.yaml');
  writeFileSync(file, await shown.innerText());
  await kubectlAsAdmin('apply', '--server-side', '--dry-run=server', '--filename', file);
  await open('/');
  // Production looks different by word as well as by colour.
  await button('Open as admin on second (production)').waitFor();
});
