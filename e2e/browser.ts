/** A real browser for scenarios: Chromium, headless, with a profile of its own that goes with it. */
import { chromium, type Browser, type BrowserContext } from 'playwright-core';
import { ensurePackages } from './machine/packages.ts';
import { BROWSER_NEEDS } from './machine/needs.ts';

// A closed network refuses what a browser asks for by itself; sandboxing needs what root in a container lacks.
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The terminal then draws its text as elements, which a scenario can read. */
const WITHOUT_WEBGL = ['--disable-gpu', '--disable-3d-apis'];
/** Drawn by the processor: there is no graphics hardware here. */
const WITH_WEBGL = ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

export type TestBrowser = AsyncDisposable & {
  browser: Browser;
  /** A person's own window: cookies and storage of nobody else. */
  person(options?: { width?: number; height?: number; dark?: boolean }): Promise<BrowserContext>;
};

export async function openBrowser({ webgl = false } = {}): Promise<TestBrowser> {
  await ensurePackages(BROWSER_NEEDS, (line) => process.stderr.write(`${line}\n`));
  const browser = await chromium.launch({
    executablePath: process.env['SALLYPORT_TEST_CHROMIUM'] ?? '/usr/bin/chromium',
    args: [...ARGUMENTS, ...(webgl ? WITH_WEBGL : WITHOUT_WEBGL)],
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
