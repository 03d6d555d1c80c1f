/** A real browser for scenarios: Chromium, headless, with a profile of its own that goes with it. */
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { ensurePackages } from './machine/packages.ts';
import { BROWSER_NEEDS } from './machine/needs.ts';

// A closed network refuses what a browser asks for by itself; sandboxing needs what root in a container lacks.
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  // The terminal then draws its text as elements, which a scenario can read.
  '--disable-3d-apis',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export type TestBrowser = AsyncDisposable & {
  browser: Browser;
  /** A person's own window: cookies and storage of nobody else. */
  person(options?: { width?: number; height?: number; dark?: boolean }): Promise<BrowserContext>;
};

export async function openBrowser(): Promise<TestBrowser> {
  await ensurePackages(BROWSER_NEEDS, (line) => process.stderr.write(`${line}\n`));
  const browser = await chromium.launch({
    executablePath: process.env['SALLYPORT_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ARGUMENTS,
  });
  return {
    browser,
    person: ({ width = 1440, height = 900, dark = false } = {}) =>
      browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? 'dark' : 'light',
        permissions: ['clipboard-read', 'clipboard-write'],
      }),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
