/**
 * `npm run shots [-- --all]`: the README's pictures, from the product as `npm run up` starts it, driven by a real
 * browser. `--all` takes every page besides, light and dark, wide and narrow, into .sallyport/shots to be looked at.
 */
import { mkdir, mkdtemp, chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { openBrowser } from '../browser.ts';
import { freePort } from '../machine/ports.ts';
import { runDown, startUp } from '../up.ts';
import { fillWithWork, type Work } from './work.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const README = join(ROOT, 'docs', 'shots');
const ALL = join(ROOT, '.sallyport', 'shots');
const all = process.argv.includes('--all');
const WIDE = { width: 1440, height: 900 };
const NARROW = { width: 390, height: 844 };

type Shot = { name: string; path: string; readme?: boolean; before?: (page: Page) => Promise<void> };

function shots(work: Work): Shot[] {
  return [
    { name: 'home', path: '/' },
    { name: 'session', path: `/sessions/${work.session}`, readme: true, before: work.play },
    { name: 'sessions', path: '/sessions' },
    { name: 'clusters', path: '/clusters' },
    { name: 'cluster', path: `/clusters/${work.cluster}` },
    { name: 'new-cluster', path: '/clusters/new' },
    { name: 'audit', path: '/audit', readme: true },
    { name: 'roles', path: '/roles' },
    { name: 'users', path: '/users' },
    { name: 'account', path: '/account' },
    { name: 'device', path: '/device' },
    // Last: its dock stays open on every page after it.
    { name: 'terminal', path: '/', readme: true, before: work.openTerminal },
  ];
}

async function signIn(context: BrowserContext, url: string, who: { email: string; password: string }): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Email').fill(who.email);
  await page.getByLabel('Password').fill(who.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((address) => !address.pathname.startsWith('/sign-in'));
  return page;
}

async function take(page: Page, url: string, shot: Shot, file: string): Promise<void> {
  await page.goto(`${url}${shot.path}`);
  await page.waitForLoadState('networkidle');
  await shot.before?.(page);
  await page.screenshot({ path: file, animations: 'disabled' });
  process.stderr.write(`${file}\n`);
}

const folder = await mkdtemp(join(tmpdir(), 'sallyport-shots-'));
// As root the database runs as a user of its own, who must reach its folder in here.
await chmod(folder, 0o711);
const dataDir = join(folder, 'data');
// A start that fails half way has left parts of it running.
await using product = new AsyncDisposableStack();
product.defer(() => rm(folder, { recursive: true, force: true }));
product.defer(async () => void (await runDown(dataDir)));
process.stderr.write('Shots: starting the product\n');
const kubeconfig = process.env['SALLYPORT_TEST_KUBECONFIG'];
const ports = ['--port', String(await freePort()), '--gateway-port', String(await freePort())];
const up = await startUp(['--data-dir', dataDir, ...ports, ...(kubeconfig ? ['--kubeconfig', kubeconfig] : [])]);
product.defer(async () => void (await up.stop()));
const work = await fillWithWork(up);
await using browser = await openBrowser();
await mkdir(README, { recursive: true });
{
  await using context = await browser.person({ ...WIDE, dark: true });
  const page = await signIn(context, up.url, up.admin);
  for (const shot of shots(work)) if (shot.readme) await take(page, up.url, shot, join(README, `${shot.name}.png`));
  await work.endTerminals();
}
if (all) {
  await mkdir(ALL, { recursive: true });
  for (const dark of [false, true])
    for (const size of [WIDE, NARROW]) {
      const kind = `${dark ? 'dark' : 'light'}-${size.width}`;
      await using context = await browser.person({ ...size, dark });
      const door = await context.newPage();
      await take(door, up.url, { name: 'sign-in', path: '/sign-in' }, join(ALL, `sign-in-${kind}.png`));
      const page = await signIn(context, up.url, up.admin);
      for (const shot of shots(work)) {
        try {
          await take(page, up.url, shot, join(ALL, `${shot.name}-${kind}.png`));
        } catch (error) {
          process.stderr.write(`${shot.name}-${kind}: ${String(error)}\n`);
          process.exitCode = 1;
        }
      }
      await work.endTerminals();
    }
}
