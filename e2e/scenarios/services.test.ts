/** A dashboard that runs on a cluster, in a real browser: read, written and pushed to, at an origin of its own. */
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Role, Service } from '../../server/http/schemas.ts';
import { startBrowsing, type Browsing } from '../browsing.ts';
import { type Dashboard, startDashboard } from '../dashboard.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { CLUSTER } from '../portal.ts';
import { tellFailures } from '../tell-failures.ts';

let browsing: Browsing;
tellFailures(() => browsing);
let namespace: string;
let board: Dashboard;
beforeAll(async () => {
  browsing = await startBrowsing();
  namespace = `services-${(await browsing.portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  board = await startDashboard(namespace);
});
afterAll(async () => {
  await board?.[Symbol.asyncDispose]();
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await browsing?.[Symbol.asyncDispose]();
});

/** By the form, as a person does it the first time. */
async function open(page: Page, name = board.name): Promise<Page> {
  await page.goto(`${browsing.portal.url}/services`);
  await page.getByRole('button', { name: 'Open a service' }).click();
  await page.getByLabel('Cluster').selectOption(CLUSTER);
  await page.getByLabel('Namespace').fill(namespace);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Port').fill('80');
  const tab = page.context().waitForEvent('page');
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  return tab;
}

const cookieNames = async (context: BrowserContext, url: string) =>
  (await context.cookies(url)).map(({ name }) => name).toSorted();

it('the person on call opens a dashboard, reads, writes, and sees it live', async () => {
  const page = await browsing.signedIn('admin');
  const tab = await open(page);
  await tab.getByRole('heading', { name: 'Board' }).waitFor();
  expect(new URL(tab.url()).hostname).toMatch(/^board-services-[0-9a-f]{8}-[0-9a-f]{10}\.localhost$/);
  expect(new URL(tab.url()).pathname).toBe('/');
  await tab.getByText('heard hello').waitFor();
  // A form, which is redirected, and a script's own method.
  await tab.getByRole('textbox', { name: 'Note' }).fill('from the browser');
  await tab.getByRole('button', { name: 'Add' }).click();
  await tab.getByRole('list', { name: 'Notes' }).getByText('from the browser').waitFor();
  expect(board.notes).toEqual(['from the browser']);
  await tab.getByRole('button', { name: 'Clear' }).click();
  await until(() => board.notes.length === 0, { what: 'the notes to be cleared' });
  // Links that the API server rewrites, and a redirect.
  await tab.getByRole('link', { name: 'About' }).click();
  await tab.getByRole('heading', { name: 'About' }).waitFor();
  await tab.goBack();
  await tab.getByRole('link', { name: 'Old' }).click();
  await tab.getByRole('heading', { name: 'About' }).waitFor();
  expect(new URL(tab.url()).pathname).toBe('/about');

  const [, portalCookies, here] = [
    await page.bringToFront(),
    await cookieNames(page.context(), browsing.portal.url),
    await cookieNames(page.context(), tab.url()),
  ];
  // The portal's stay at the portal; a dashboard's own is kept, what it tosses at others or plants is not.
  expect(portalCookies.filter((name) => !name.startsWith('__Host-sallyport'))).toEqual([]);
  expect(here).toEqual(['__Host-sallyport-entry', 'board']);
  expect(board.seen.length).toBeGreaterThan(8);
  expect(board.seen.filter(({ headers }) => JSON.stringify(headers).includes('sallyport'))).toEqual([]);
  expect(board.seen.some(({ headers }) => headers.cookie === 'board=1')).toBe(true);
  expect(board.seen.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);

  // It is listed, and opened again by one click: the same origin, the same session.
  await page.reload();
  const list = page.getByRole('list', { name: 'Opened in the browser' });
  const again = page.context().waitForEvent('page');
  await list.getByRole('button', { name: 'Open board' }).click();
  await (await again).getByRole('heading', { name: 'Board' }).waitFor();
  expect(new URL((await again).url()).origin).toBe(new URL(tab.url()).origin);
  const { items } = (await (await page.request.get(`${browsing.portal.url}/api/v1/services`)).json()) as {
    items: Service[];
  };
  expect(items).toHaveLength(1);
  await (await again).close();

  // Ended: what is live ends, the next request leads to where it can be opened again.
  await list.getByRole('button', { name: 'End board' }).click();
  const closing = Date.now();
  await page.getByRole('button', { name: 'End', exact: true }).click();
  await until(() => board.sockets === 0, { what: 'its WebSocket to end' });
  expect(Date.now() - closing).toBeLessThan(3_000);
  await list.getByText('ended', { exact: true }).waitFor();
  await tab.goto(`${items[0]!.origin}/about?x=1`);
  await tab.getByText('This browser is not let in at').waitFor();
  const reopened = tab.context().waitForEvent('page');
  await tab.getByRole('button', { name: 'Open board again' }).click();
  await (await reopened).getByRole('heading', { name: 'About' }).waitFor();
  expect((await reopened).url()).toBe(`${items[0]!.origin}/about?x=1`);

  // On record as theirs, with what they wrote.
  const session = await browsing.portal.sql<{ id: string }[]>`
    select s.id from access_sessions s join services v on v.session_id = s.id
    where v.label = ${new URL(tab.url()).searchParams.get('open') ?? items[0]!.label} order by s.opened_at desc`;
  const calls = await until(
    async () => {
      const rows = await browsing.portal.sql<{ actor: string; path: string; method: string }[]>`
        select actor, detail->>'path' as path, detail->>'method' as method from audit_events
        where session_id in ${browsing.portal.sql(session.map(({ id }) => id))} and code = 'api.finished' and actor <> 'portal'`;
      return rows.some(({ method }) => method === 'POST') && rows;
    },
    { what: 'its requests on record' },
  );
  expect(new Set(calls.map(({ actor }) => actor)).size).toBe(1);
  expect(calls.find(({ method }) => method === 'POST')!.path).toBe(
    `/api/v1/namespaces/${namespace}/services/board:80/proxy/notes`,
  );
});

it('the sign-out ends every service at once', async () => {
  const page = await browsing.signedIn('admin');
  const tab = await open(page);
  await tab.getByText('heard hello').waitFor();
  const before = board.sockets;
  const leaving = Date.now();
  await page.goto(`${browsing.portal.url}/account`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await until(() => board.sockets < before, { what: 'its WebSocket to end' });
  expect(Date.now() - leaving).toBeLessThan(5_000);
  await tab.getByText('gone').waitFor();
  await tab.reload();
  await tab.getByRole('button', { name: /^Sign in with/ }).waitFor();
});

it('a role lets its people read a dashboard, and no more', async () => {
  const page = await browsing.signedIn('developer');
  const me = (await (await page.request.get(`${browsing.portal.url}/api/v1/me`)).json()) as {
    groups: string[];
    roles: string[];
  };
  const { items } = await browsing.portal.admin<{ items: Role[] }>('GET', '/roles');
  const { name, ...role } = items.find(({ name: one }) => one === me.roles[0])!;
  const reads = {
    ...role,
    clusterRoles: ['admin'],
    namespaces: [namespace],
    readOnly: true,
    secrets: 'none',
    connect: ['service-proxy'],
    proxyPaths: [{ methods: ['GET', 'UPGRADE'], namespaces: [namespace], names: ['board'], path: '/**' }],
  };
  await browsing.portal.admin('PUT', `/roles/${name}`, reads);
  const tab = await open(page);
  await tab.getByRole('heading', { name: 'Board' }).waitFor();
  await tab.getByRole('textbox', { name: 'Note' }).fill('not this');
  await tab.getByRole('button', { name: 'Add' }).click();
  await tab.getByText(/The role "developer" is read-only: POST to service board/).waitFor();
  expect(board.notes).not.toContain('not this');
  await tab.goto(`${new URL(tab.url()).origin}/about`);
  await tab.getByRole('heading', { name: 'About' }).waitFor();
});
