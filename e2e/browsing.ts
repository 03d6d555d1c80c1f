/** A portal with its pages and a provider, and people who use them in a real browser. */
import type { Page } from 'playwright-core';
import { openBrowser, type TestBrowser } from './browser.ts';
import type { IdentityProvider } from './idp/idp.ts';
import { until } from './machine/until.ts';
import { TestPortal } from './portal.ts';
import { testIdentityProvider } from './use.ts';

export type Browsing = AsyncDisposable & {
  portal: TestPortal;
  /** A window of their own, signed in by the provider. */
  signedIn(who: 'admin' | 'developer' | 'auditor', window?: Parameters<TestBrowser['person']>[0]): Promise<Page>;
  /** What each of their pages shows and has met, and the portal's last words: for a scenario that has failed. */
  told(): Promise<string>;
};

/** Of what a page shows, characters; of what it met and of the portal's log, lines. */
const TOLD_CHARACTERS = 3_000;
const TOLD_LINES = 40;

/** @param env settings beside these. */
export async function startBrowsing(env: Record<string, string> = {}): Promise<Browsing> {
  await using stack = new AsyncDisposableStack();
  const provider = await testIdentityProvider();
  const portal = stack.use(
    await TestPortal.start({
      warmPool: 1,
      env: {
        SALLYPORT_WEB_URL: '',
        SALLYPORT_OIDC_ISSUER: provider.issuer,
        SALLYPORT_OIDC_CLIENT_ID: provider.clientId,
        SALLYPORT_OIDC_CLIENT_SECRET: provider.clientSecret,
        ...env,
      },
    }),
  );
  await pagesAnswer(portal);
  const chromium = stack.use(await openBrowser());
  const opened = stack.move();
  const windows: { who: string; page: Page; met: string[] }[] = [];
  return {
    portal,
    async signedIn(who, window) {
      const page = await (await chromium.person(window)).newPage();
      windows.push({ who, page, met: metBy(page) });
      await signIn(page, portal.url, provider, who);
      return page;
    },
    async told() {
      const pages = windows.map(async ({ who, page, met }) => {
        const shown = await page.innerText('body', { timeout: 5_000 }).catch((error: Error) => error.message);
        return [`${who} at ${page.url()}`, shown.slice(0, TOLD_CHARACTERS), ...met.slice(-TOLD_LINES)];
      });
      return [...(await Promise.all(pages)), ['the portal', portal.lastWords(TOLD_LINES)]]
        .map((lines) => lines.join('\n'))
        .join('\n\n');
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** What a page says on its console and what it asks in vain, as it comes. */
function metBy(page: Page): string[] {
  const met: string[] = [];
  page.on('console', (message) => met.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => met.push(`error: ${error.message}`));
  page.on('requestfailed', (request) =>
    met.push(`${request.method()} ${request.url()} failed: ${request.failure()?.errorText ?? ''}`),
  );
  page.on('response', (response) => {
    if (response.status() >= 400) met.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  return met;
}

/** After a start of the portal: web comes a little later. */
export async function pagesAnswer(portal: TestPortal): Promise<void> {
  await until(async () => (await fetch(`${portal.url}/sign-in`)).ok, { within: 60_000, what: 'the pages' });
}

export async function signIn(page: Page, url: string, provider: IdentityProvider, who: string): Promise<void> {
  const person = provider.people.find(({ email }) => email.startsWith(`${who}@`))!;
  await page.goto(url);
  await page.getByRole('button', { name: /^Sign in with/ }).click();
  await page.waitForURL((at) => at.origin !== url); // both pages ask for an email
  await page.getByLabel('Email').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.getByRole('button', { name: `Account: ${person.name}` }).waitFor();
}

/** What the terminal in front shows, as text: the renderer without WebGL draws rows of elements. */
export async function screen(page: Page): Promise<string> {
  const rows = await page.locator('.xterm-rows:visible > div').allInnerTexts();
  return rows.map((row) => row.replaceAll(' ', ' ').trimEnd()).join('\n');
}

export async function screenShows(page: Page, text: RegExp, within = 30_000): Promise<string> {
  let last = '';
  await until(
    async () => {
      last = await screen(page);
      return text.test(last);
    },
    { within, what: () => `${String(text)} on the screen:\n${last}\n` },
  );
  return last;
}

/** Opens a shell on the cluster by its card and waits for its prompt. */
export async function openShell(page: Page, url: string): Promise<void> {
  await page.goto(url);
  // Another terminal may show a prompt until the new one is in front.
  const opened = page.waitForResponse(
    (response) => response.request().method() === 'POST' && new URL(response.url()).pathname === '/api/v1/sessions',
  );
  await page
    .getByRole('button', { name: /^Open as/ })
    .first()
    .click();
  await opened;
  await screenShows(page, /\$ *$/m);
}

/** Types a command as a person does, and waits until its output shows. */
export async function type(page: Page, command: string, shows: RegExp, within?: number): Promise<string> {
  await page.keyboard.type(`${command}\n`);
  return screenShows(page, shows, within);
}
