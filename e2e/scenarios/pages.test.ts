/** Every page, wide and narrow, light and dark: nothing for axe to find, nothing in the console, nothing cut off. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openShell, screenShows, startBrowsing, type, type Browsing } from '../browsing.ts';
import { CLUSTER } from '../portal.ts';
import { tellFailures } from '../tell-failures.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

let browsing: Browsing;
tellFailures(() => browsing);
let page: Page;
let stranger: Page;
/** A session that has ended, with its recording. */
let ended: string;
/** What the browser complained about since the last page was opened. */
const complaints: string[] = [];

beforeAll(async () => {
  browsing = await startBrowsing();
  page = await browsing.signedIn('admin');
  stranger = await page.context().browser()!.newPage();
  await openShell(page, browsing.portal.url);
  await type(page, 'kubectl get namespaces', /kube-system/);
  await page.keyboard.type('exit\n');
  await page.getByText('This session has ended.').waitFor();
  await page
    .getByRole('button', { name: /^Close/ })
    .first()
    .click();
  ended = await newestSession();
  for (const watched of [page, stranger]) {
    watched.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
    });
    watched.on('pageerror', (error) => complaints.push(String(error)));
  }
});
afterAll(() => browsing?.[Symbol.asyncDispose]());

async function newestSession(): Promise<string> {
  const { items } = await browsing.portal.admin<{ items: { id: string }[] }>('GET', '/sessions');
  return items[0]!.id;
}

async function visit(on: Page, path: string): Promise<void> {
  complaints.length = 0;
  await on.goto(`${browsing.portal.url}${path}`);
  await on.waitForLoadState('networkidle');
}

/** Looks at the page as it is, in each size and theme. */
async function inspect(on: Page, what: string): Promise<void> {
  await on.evaluate(axe);
  for (const colorScheme of ['light', 'dark'] as const)
    for (const size of SIZES) {
      // Colours that still change would be seen halfway.
      await on.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await on.setViewportSize(size);
      const where = `${what}, ${colorScheme}, ${size.width} px`;
      await settled(on);
      const { violations } = await on.evaluate(() =>
        (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
      );
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
      expect.soft(found, where).toEqual([]);
      expect.soft(await cutOff(on), where).toEqual([]);
      expect.soft(await faintEdges(on), where).toEqual([]);
    }
  await on.setViewportSize(SIZES[0]!);
}

/** Media queries and observers have had their turn, and no colour is on its way to another. */
function settled(on: Page): Promise<void> {
  return on.evaluate(async () => {
    await new Promise(requestAnimationFrame);
    const changes = document.getAnimations().filter((animation) => animation instanceof CSSTransition);
    await Promise.allSettled(changes.map(({ finished }) => finished));
  });
}

/** What is wider than the window, and is not made to be scrolled sideways by itself. */
function cutOff(on: Page): Promise<string[]> {
  return on.evaluate(() =>
    [document.documentElement, document.querySelector('main')]
      .filter((element) => element !== null && element.scrollWidth > element.clientWidth)
      .map((element) => `${element!.tagName}: ${element!.scrollWidth} > ${element!.clientWidth}`),
  );
}

/** Fields whose edge, all that shows where they are, is less than 3 to 1 against what is around (WCAG 1.4.11). */
function faintEdges(on: Page): Promise<string[]> {
  return on.evaluate(() => {
    const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (color: string) => {
      const [r, g, b] = channels(color).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      }) as [number, number, number];
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element: Element | null): string => {
      if (!element) return 'rgb(255, 255, 255)';
      const color = getComputedStyle(element).backgroundColor;
      return channels(color)[3] === 0 ? behind(element.parentElement) : color;
    };
    return [...document.querySelectorAll('.input')].flatMap((field) => {
      const [edge, ground] = [getComputedStyle(field).borderTopColor, behind(field.parentElement)].map(luminance);
      const contrast = (Math.max(edge!, ground!) + 0.05) / (Math.min(edge!, ground!) + 0.05);
      return contrast < 3 ? [`${contrast.toFixed(2)}: ${field.outerHTML.slice(0, 120)}`] : [];
    });
  });
}

/** As `sallyport login` opens it. */
const AUTHORIZE = `/authorize?${new URLSearchParams({
  response_type: 'code',
  client_id: 'sallyport-cli',
  redirect_uri: 'http://127.0.0.1:9/callback',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
  device_name: 'a-machine-whose-name-is-so-long-that-it-needs-more-than-one-line',
})}`;

it.each([
  ['/', 'Start a shell'],
  ['/clusters', 'Clusters'],
  ['/clusters/new', 'Register a cluster'],
  [`/clusters/${CLUSTER}`, CLUSTER],
  ['/sessions', 'Sessions'],
  ['/audit', /audit/i],
  ['/roles', 'Roles'],
  ['/users', 'Users'],
  ['/account', /account/i],
  ['/device', /device/i],
  [AUTHORIZE, /command line/i],
])('%s', async (path, heading) => {
  await visit(page, path);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  await inspect(page, path);
  expect(complaints).toEqual([]);
});

it('a service user', async () => {
  const { portal } = browsing;
  const [owner] = await portal.sql<{ id: string }[]>`select id from users where provider <> 'service' limit 1`;
  const wish = { name: 'a-program-whose-name-is-rather-long-for-what-it-does', owner: owner!.id };
  const { id } = await portal.admin<{ id: string }>('POST', '/service-users', wish);
  const path = `/service-users/${id}`;
  await visit(page, path);
  await page.getByRole('heading', { level: 1, name: wish.name }).waitFor();
  await page.getByText('No trust').waitFor();
  await inspect(page, path);
  expect(complaints).toEqual([]);
});

it('a session with its recording', async () => {
  await visit(page, `/sessions/${ended}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByRole('slider').first().waitFor();
  await inspect(page, 'session');
  // xterm evens out the font by fractions of a pixel; more says that it measured another size than it draws.
  await screenShows(page, /kubectl get namespaces/);
  const rows = page.locator('.xterm-rows:visible');
  // None at all is "normal".
  const spacing = await rows.evaluate((element) => Number.parseFloat(getComputedStyle(element).letterSpacing) || 0);
  expect(Math.abs(spacing)).toBeLessThan(1);
  expect(complaints).toEqual([]);
});

it('a session that ended before its shell showed anything says so, as no failure', async () => {
  const { sql } = browsing.portal;
  const none = randomUUID();
  await sql`
    insert into access_sessions
    select (jsonb_populate_record(session, ${sql.json({ id: none, recorded_bytes: 0 })})).*
    from access_sessions session where id = ${ended}`;
  await visit(page, `/sessions/${none}`);
  await page.getByText('Nothing was recorded').waitFor();
  expect(await page.getByRole('alert').filter({ hasText: /./ }).count()).toBe(0);
});

it('a page that does not exist', async () => {
  const path = '/no/such/page';
  await visit(page, path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await inspect(page, path);
  // The browser itself says that the page answered 404.
  expect(complaints.filter((complaint) => !complaint.includes(path))).toEqual([]);
});

it('an address that no session can have keeps the frame and offers a way on', async () => {
  await visit(page, '/sessions/none');
  await page.getByRole('heading', { level: 1, name: 'There is no page here' }).waitFor();
  await page.getByRole('link', { name: 'To the start' }).waitFor();
  expect(await page.getByRole('link', { name: 'Sessions' }).count()).toBe(1);
});

it('names as long as they may be push nothing out of the window, and stay readable where one chooses by them', async () => {
  const [cluster, role] = ['c'.repeat(60), 'r'.repeat(60)];
  const { sql } = browsing.portal;
  const [registered] = await sql<{ id: string }[]>`
    insert into clusters (name, production, server, ca, credential, namespace, managed)
    select ${cluster}, true, server, ca, credential, namespace, managed from clusters where name = ${CLUSTER} returning id`;
  const admin = (await browsing.portal.admin<{ items: { name: string }[] }>('GET', '/roles')).items;
  const model = admin.find(({ name }) => name === 'admin')!;
  const { name: _, ...rest } = model;
  await browsing.portal.admin('PUT', `/roles/${role}`, { ...rest, portal: 'member' });
  try {
    // Its credential is sealed for another id: the cluster is shown, and that it cannot be reached.
    await browsing.portal.notify('cluster', registered!.id);
    await page.setViewportSize(SIZES[1]!);
    for (const path of ['/', '/clusters', `/clusters/${cluster}`, '/roles']) {
      await visit(page, path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await settled(page);
      expect.soft(await cutOff(page), path).toEqual([]);
    }
    await page.keyboard.press('Control+k');
    const choice = page.getByRole('option', { name: cluster }).filter({ hasText: role });
    const shown = await choice.getByText(cluster).boundingBox();
    expect(shown!.width).toBeGreaterThan(50);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  } finally {
    await page.setViewportSize(SIZES[0]!);
    await browsing.portal.admin('DELETE', `/roles/${role}`);
    await browsing.portal.admin('DELETE', `/clusters/${cluster}`);
  }
});

it('a replica that has not confirmed a revocation is told of until one closes it, after signing out too', async () => {
  const { portal } = browsing;
  const person = await browsing.signedIn('developer');
  // By its lease it lives, and it hears nothing.
  const mute = randomUUID();
  await portal.sql`insert into replicas (id, started_at, seen_at) values (${mute}, now(), now() + interval '1 hour')`;
  const notice = person.getByText('1 replica of the portal has not confirmed it');
  try {
    await person.goto(`${portal.url}/account`);
    await person.getByRole('button', { name: 'Create a token' }).click();
    await person.getByLabel('Name').fill('ci');
    await person.getByRole('button', { name: 'Create', exact: true }).click();
    await person.getByRole('button', { name: 'Done' }).click();
    await person.getByRole('button', { name: 'Revoke ci' }).click();
    await person.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await notice.waitFor();
    await person.getByRole('button', { name: 'Close this message' }).click();
    await notice.waitFor({ state: 'detached' });
    const signedOut = person.waitForResponse(/\/api\/v1\/sign-out$/);
    await person.getByRole('button', { name: 'Sign out' }).click();
    await signedOut;
    await person.waitForURL((at) => at.pathname !== '/account');
    await person.goto(`${portal.url}/sign-in`);
    await notice.waitFor();
  } finally {
    await portal.sql`delete from replicas where id = ${mute}`;
    await person.context().close();
  }
});

it('signing in', async () => {
  await visit(stranger, '/sign-in');
  await stranger.getByRole('heading', { level: 1, name: 'Sallyport' }).waitFor();
  await inspect(stranger, '/sign-in');
  expect(complaints).toEqual([]);
});

it('sends a stranger to the door without telling them that something ended', async () => {
  complaints.length = 0;
  await stranger.goto(`${browsing.portal.url}/audit`);
  await stranger.getByRole('button', { name: /^Sign in with/ }).waitFor();
  expect(new URL(stranger.url()).searchParams.get('return')).toBe('/audit');
  expect(await stranger.getByText('Your sign-in has ended').count()).toBe(0);
  expect(complaints).toEqual([]);
});

it('a terminal in a window of its own', async () => {
  await page.evaluate(
    (cluster) =>
      fetch('/api/v1/sessions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ cluster }),
      }),
    CLUSTER,
  );
  await visit(page, `/terminal/${await newestSession()}`);
  await screenShows(page, /\$ *$/m);
  await inspect(page, 'terminal');
  expect(complaints).toEqual([]);
});

it('a terminal in the dock', async () => {
  await visit(page, '/');
  await page.getByRole('button', { name: 'Go to terminal' }).click();
  await screenShows(page, /\$ *$/m);
  await inspect(page, 'dock');
  expect(complaints).toEqual([]);
});
