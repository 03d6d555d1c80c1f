/** What programs print and what clipboards hold is not trusted; and files go in and out. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openShell, screenShows, startBrowsing, type, type Browsing } from '../browsing.ts';
import { tellFailures } from '../tell-failures.ts';

let browsing: Browsing;
tellFailures(() => browsing);
let page: Page;

beforeAll(async () => {
  browsing = await startBrowsing();
  page = await browsing.signedIn('admin');
  await openShell(page, browsing.portal.url);
});
afterAll(() => browsing?.[Symbol.asyncDispose]());

const button = (name: string | RegExp) => page.getByRole('button', { name });
const setClipboard = (text: string) => page.evaluate((value) => navigator.clipboard.writeText(value), text);
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
/** A program's output, not the echo of what was typed: the shell puts the halves together. */
const print = (sequence: string) => page.keyboard.type(`clear; printf '${sequence}'; echo pri""nted\n`);

it('asks before it pastes several lines', async () => {
  await setClipboard('echo first""-line\necho second""-line\n');
  await page.keyboard.press('Control+Shift+v');
  const question = page.getByRole('dialog', { name: 'Paste 2 lines?' });
  await question.getByText('echo second""-line').waitFor();
  await question.getByRole('button', { name: 'Cancel' }).click();
  await type(page, 'echo not""-pasted', /^not-pasted/m);
  expect(await screenShows(page, /^not-pasted/m)).not.toContain('second');
  await page.keyboard.press('Control+Shift+v');
  await question.getByRole('button', { name: 'Paste', exact: true }).click();
  await page.keyboard.press('Enter');
  await screenShows(page, /^first-line[\s\S]*^second-line/m);
});

it('lets a program write the clipboard only after consent, and never read it', async () => {
  await setClipboard('mine');
  const write = `\\033]52;c;${Buffer.from('theirs').toString('base64')}\\a`;
  await print(write);
  await page.getByText('wants to put 6 characters into your clipboard').waitFor();
  expect(await clipboard()).toBe('mine');
  await button('Refuse').click();
  await print(write);
  await button('Allow once').click();
  await button('Allow once').waitFor({ state: 'detached' });
  expect(await clipboard()).toBe('theirs');
  await setClipboard('a secret of mine');
  await print('\\033]52;c;?\\a');
  await screenShows(page, /^printed/m);
  await type(page, 'echo answer""ed', /^answered/m);
  expect(await screenShows(page, /^answered/m)).not.toContain(Buffer.from('a secret').toString('base64').slice(0, 8));
});

it('opens a link to a page, never one that would run in this page', async () => {
  let opened = 0;
  page.context().on('page', (popup) => {
    opened += 1;
    void popup.close();
  });
  page.on('dialog', (dialog) => {
    opened += 100;
    void dialog.dismiss();
  });
  const link = (address: string) => `\\033]8;;${address}\\033\\\\click-here\\033]8;;\\033\\\\\\n`;
  await print(link('javascript:alert(1)'));
  await screenShows(page, /^printed/m);
  await clickText('click-here');
  expect(opened).toBe(0);
  await print(link(`${browsing.portal.url}/sign-in`));
  await screenShows(page, /^printed/m);
  const popup = page.context().waitForEvent('page');
  await clickText('click-here');
  await popup;
  expect(opened).toBe(1);
});

async function clickText(text: string): Promise<void> {
  const row = page.locator('.xterm-rows:visible > div').filter({ hasText: new RegExp(`^${text}`) });
  const box = (await row.boundingBox())!;
  // xterm finds links under a pointer that moves.
  await page.mouse.move(box.x + 200, box.y + 60);
  await page.mouse.move(box.x + 20, box.y + box.height / 2, { steps: 4 });
  await page.mouse.click(box.x + 24, box.y + box.height / 2, { delay: 30 });
}

it('reads on after a sequence that stops an emulator', async () => {
  // Erasing above, in the last cell of the alternate screen.
  await print('\\033[?1049h\\033[999;999Hx\\033[1J\\033[?1049l');
  await screenShows(page, /^printed/m);
  await page.reload();
  await screenShows(page, /^printed/m);
});

it('uploads a file and downloads it again', async () => {
  await button('Files: upload, download').click();
  const dialog = page.getByRole('dialog', { name: 'Files' });
  await dialog
    .getByLabel('Files to upload')
    .setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('written at home\n') });
  await dialog.getByText('Uploaded notes.txt').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.xterm-screen:visible').click();
  await type(page, 'clear; cat notes.txt; echo and more >>notes.txt; echo do""ne', /^written at home\ndone/m);
  await button('Files: upload, download').click();
  await dialog.getByRole('textbox', { name: 'Download the file or folder' }).fill('notes.txt');
  const download = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('notes.txt');
  expect(readFileSync(await file.path(), 'utf8')).toBe('written at home\nand more\n');
});
