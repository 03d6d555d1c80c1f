/** Every page, wide and narrow, light and dark: nothing for axe to find, nothing in the console, nothing cut off. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openShell, screenShows, startBrowsing, type, type Browsing } from '../browsing.ts';
import { CLUSTER } from '../portal.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SIZES = [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
];

let browsing: Browsing;
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
])('%s', async (path, heading) => {
  await visit(page, path);
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  await inspect(page, path);
  expect(complaints).toEqual([]);
});

it('a session with its recording', async () => {
  await visit(page, `/sessions/${ended}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByRole('slider').first().waitFor();
  await inspect(page, 'session');
  // xterm evens out the font by fractions of a pixel; more says that it measured another size than it draws.
  const rows = page.locator('.xterm-rows:visible');
  const spacing = await rows.evaluate((element) => Number.parseFloat(getComputedStyle(element).letterSpacing));
  expect(Math.abs(spacing)).toBeLessThan(1);
  expect(complaints).toEqual([]);
});

it('a page that does not exist', async () => {
  const path = '/no/such/page';
  await visit(page, path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await inspect(page, path);
  // The browser itself says that the page answered 404.
  expect(complaints.filter((complaint) => !complaint.includes(path))).toEqual([]);
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
