/**
 * The product as its people use it: a real browser, the real kubectl, a real cluster with a real node. Long, since each
 * scenario goes on with the shell, and then the recording, that the one before it has left.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBrowser } from '../browser.ts';
import { openShell, pagesAnswer, screenShows, signIn, startBrowsing, type, type Browsing } from '../browsing.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { HTTPD_IMAGE } from '../cluster/images.ts';
import { testIdentityProvider } from '../use.ts';
import { tellFailures } from '../tell-failures.ts';

let browsing: Browsing;
tellFailures(() => browsing);
let developer: Page;
let auditor: Page;
const PASSWORD = 'correct-horse-battery-staple-7301';
const NAMESPACE = `browser-${randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  browsing = await startBrowsing();
  await kubectlAsAdmin('create', 'namespace', NAMESPACE);
  await browsing.portal.admin('PUT', '/roles/developer', {
    ...(await role('developer')),
    namespaces: [NAMESPACE],
  });
  developer = await browsing.signedIn('developer');
});
afterAll(async () => {
  await kubectlAsAdmin('delete', 'namespace', NAMESPACE, '--wait=false').catch(() => {});
  await browsing?.[Symbol.asyncDispose]();
});

async function role(name: string): Promise<Record<string, unknown>> {
  const { items } = await browsing.portal.admin<{ items: Record<string, unknown>[] }>('GET', '/roles');
  return items.find((found) => found['name'] === name)!;
}

type Session = { id: string; state: string; endReason: string | null };
async function lastSession(): Promise<Session> {
  const { items } = await browsing.portal.admin<{ items: Session[] }>('GET', '/sessions');
  return items[0]!;
}

/** A manifest for the shell's standard input, in one line. */
const applied = (kind: object) => `echo '${JSON.stringify(kind)}' | kubectl apply -f -`;

it('works with kubectl and helm in a shell of its own', async () => {
  await openShell(developer, browsing.portal.url);
  await screenShows(developer, /This session is recorded/);
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'web', image: HTTPD_IMAGE, imagePullPolicy: 'Never' }] },
  };
  await type(developer, applied(pod), /pod\/web created/);
  await type(developer, 'clear; kubectl wait --for=condition=Ready pod/web', /condition met/);
  await type(developer, 'clear; kubectl get pods', /web +1\/1 +Running/);
  await type(developer, 'clear; kubectl exec -it web -- sh -c "echo in; hostname; echo out"', /in\nweb\nout/);
  await type(developer, 'clear; kubectl port-forward pod/web 8081:8080 >/dev/null & sleep 0.1', /\[1\]/);
  await type(developer, 'clear; until curl -sf localhost:8081; do sleep 0.2; done; kill %1', /Hello from a pod/);
  const talker = {
    ...pod,
    metadata: { name: 'talker' },
    spec: {
      restartPolicy: 'Never',
      containers: [
        {
          ...pod.spec.containers[0],
          command: ['/bin/sh', '-c', 'for i in 1 2 3; do echo word-$i; sleep 0.3; done'],
        },
      ],
    },
  };
  await type(developer, `clear; ${applied(talker)}`, /pod\/talker created/);
  await type(
    developer,
    'clear; kubectl wait --for=jsonpath={.status.phase}=Running pod/talker >/dev/null; kubectl logs -f talker',
    /word-1\nword-2\nword-3/,
  );
  await type(
    developer,
    `clear; helm create chart >/dev/null && helm install hello chart --set replicaCount=0 --set autoscaling.enabled=false && helm list -q`,
    /STATUS: deployed[\s\S]*^hello$/m,
  );
});

it('keeps a password typed at a no-echo prompt out of every place', async () => {
  await developer.keyboard.type('clear; read -s -p "secret please: " S; echo got ${#S}\n');
  await screenShows(developer, /secret please:/);
  await developer.keyboard.type(`${PASSWORD}\n`);
  await screenShows(developer, new RegExp(`got ${PASSWORD.length}`));
  await developer.keyboard.type('unset S; echo typed-in-clear\n');
  await screenShows(developer, /^typed-in-clear/m);
  const { id } = await lastSession();
  const log = await until(
    () => {
      const all = readAll(browsing.portal.dataDir);
      return all.includes('typed-in-clear') && all;
    },
    { what: 'the recording' },
  );
  expect(log).toContain('"mark":"secret"');
  expect(log).not.toContain(PASSWORD);
  const rows = await browsing.portal.sql`
    select detail::text from audit_events where session_id = ${id} union all select s::text from access_sessions s`;
  expect(JSON.stringify(rows)).not.toContain(PASSWORD);
});

/** Every file of the portal: recordings, journal, logs. */
function readAll(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

it('shows the same screen after a reload, and after a restart of the portal', async () => {
  // With the prompt that comes after: what is on its way while the page is left would be seen by the next one only.
  const done = /line 60\n.*\$\s*$/;
  const before = await type(developer, 'clear; for i in $(seq 60); do echo line $i; done', done);
  await developer.reload();
  expect(await screenShows(developer, done)).toBe(before);
  await browsing.portal.kill();
  await developer.keyboard.type('echo typed while away\n');
  await browsing.portal.up();
  await screenShows(developer, /^typed while away/m, 60_000);
  await pagesAnswer(browsing.portal);
  await developer.reload();
  await screenShows(developer, /^typed while away/m);
});

it('says that the network is gone, and sends what was typed meanwhile once it is back', async () => {
  await developer.context().setOffline(true);
  await developer.getByText('The connection is lost').waitFor();
  await developer.keyboard.type('clear; echo typed off""line\n');
  await developer.context().setOffline(false);
  await screenShows(developer, /^typed offline/m);
  await developer.getByText('The connection is lost').waitFor({ state: 'detached' });
});

it('fits the shell to the letters, and gives the keyboard back to where a dialog was asked for', async () => {
  const columns = async (word: string) => {
    const shown = await type(developer, `clear; echo ${word} $COLUMNS`, new RegExp(`^${word} \\d+`, 'm'));
    return Number(new RegExp(`^${word} (\\d+)`, 'm').exec(shown)![1]);
  };
  const rows = () => developer.locator('.xterm-rows:visible > div').count();
  const before = { rows: await rows(), columns: await columns('before') };
  await developer.keyboard.press('Control+Shift+=');
  await developer.keyboard.press('Control+Shift+=');
  await expect.poll(rows).toBeLessThan(before.rows);
  expect(await columns('larger')).toBeLessThan(before.columns);
  const files = developer.getByRole('button', { name: 'Files: upload, download' });
  await files.click();
  await developer.getByRole('textbox', { name: 'Upload into the folder' }).waitFor();
  await developer.keyboard.press('Escape');
  await expect.poll(() => files.evaluate((element) => element === document.activeElement)).toBe(true);
  await developer.locator('.xterm-screen:visible').click();
  await developer.keyboard.press('Control+Shift+-');
  await developer.keyboard.press('Control+Shift+-');
  await type(developer, 'clear; echo typed while away', /^typed while away/m);
});

it('remembers colours and size, and finds what scrolled away', async () => {
  const settings = developer.getByRole('button', { name: 'Terminal settings' });
  const colours = developer.getByRole('combobox', { name: 'Colours' });
  const size = developer.getByRole('group', { name: 'Font size' });
  await settings.click();
  await colours.selectOption('light');
  await size.getByRole('button', { name: 'Larger' }).click();
  await developer.reload();
  await screenShows(developer, /^typed while away/m);
  const background = () =>
    developer.locator('.xterm:visible').evaluate((element) => {
      let at: Element | null = element;
      while (at && getComputedStyle(at).backgroundColor === 'rgba(0, 0, 0, 0)') at = at.parentElement;
      return getComputedStyle(at!).backgroundColor;
    });
  expect(await background()).toMatch(/^rgb\(2\d\d, 2\d\d, 2\d\d\)$/);
  await settings.click();
  expect(await colours.inputValue()).toBe('light');
  await size.getByText('14 px').waitFor();
  await colours.selectOption('dark');
  await size.getByRole('button', { name: 'Smaller' }).click();
  await developer.keyboard.press('Escape');

  await developer.locator('.xterm-screen:visible').click();
  expect(await type(developer, 'clear; for i in $(seq 200); do echo row-$i; done', /row-200/)).not.toContain('row-77');
  await developer.keyboard.press('Control+Shift+f');
  await developer.getByRole('textbox', { name: 'Find in the terminal' }).fill('row-77');
  await developer.getByRole('status').getByText('1 of 1').waitFor();
  await screenShows(developer, /row-77/);
  await developer.keyboard.press('Escape');
  await type(developer, 'clear; echo typed while away', /^typed while away/m);
});

it('lets the newest page hold the session, and the older take it back', async () => {
  const { id } = await lastSession();
  const second = await developer.context().newPage();
  await second.goto(`${browsing.portal.url}/terminal/${id}`);
  await screenShows(second, /typed while away/);
  await developer.getByText('Another page holds this session now').waitFor();
  await developer.getByRole('button', { name: 'Take back' }).click();
  await second.getByText('Another page holds this session now').waitFor();
  await second.close();
  await type(developer, 'clear; echo mine again', /^mine again/m);
});

it('ends with the shell, says why, and an auditor replays it', async () => {
  const { id } = await lastSession();
  await developer.keyboard.type('exit\n');
  await developer.getByText('This session has ended.').waitFor();
  auditor = await browsing.signedIn('auditor');
  await auditor.goto(`${browsing.portal.url}/sessions/${id}`);
  await auditor.getByRole('searchbox', { name: 'Find text in the recording' }).fill('typed-in-clear');
  await auditor.keyboard.press('Enter');
  await auditor
    .getByRole('button', { name: /typed-in-clear/ })
    .first()
    .click();
  await screenShows(auditor, /typed-in-clear/);
  // The calls of the session stand beside the recording.
  await auditor.getByText('portforward').first().waitFor();
  expect((await browsing.portal.sql`select 1 from audit_events where code = 'recording.viewed'`).length).toBe(1);
});

it('replays from any moment and at any speed, to its end', async () => {
  const moment = auditor.getByRole('slider', { name: 'Moment of the recording' });
  const at = async () => Number(await moment.inputValue());
  const button = (name: string) => auditor.getByRole('button', { name, exact: true });
  const end = Number(await moment.getAttribute('max'));
  await moment.focus();
  await auditor.keyboard.press('End');
  await expect.poll(at).toBe(end);
  await screenShows(auditor, /exit$/m);
  await auditor.keyboard.press('Home');
  await expect.poll(at).toBe(0);

  await auditor.getByRole('combobox', { name: 'Speed' }).selectOption('0.5');
  await button('Play').click();
  await expect.poll(at).toBeGreaterThan(0);
  await button('Pause').click();
  const paused = await at();
  await auditor.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  expect(await at()).toBe(paused);
  await screenShows(auditor, /This session is recorded/);

  await auditor.getByRole('combobox', { name: 'Speed' }).selectOption('16');
  expect(await auditor.getByRole('checkbox', { name: 'Skip idle' }).isChecked()).toBe(true);
  await button('Play').click();
  await button('Play').waitFor({ timeout: 60_000 });
  expect(await at()).toBe(end);
  await screenShows(auditor, /exit$/m);
});

it('opens one shell, however often the button is pressed before the portal has answered', async () => {
  const tabs = developer.getByRole('list', { name: 'Terminal tabs' }).getByRole('listitem');
  await developer.goto(browsing.portal.url);
  await tabs.first().waitFor();
  const before = await tabs.count();
  const pressed = Promise.withResolvers<void>();
  let asked = 0;
  await developer.route('**/api/v1/sessions', async (route) => {
    if (route.request().method() === 'POST') {
      asked += 1;
      await pressed.promise;
    }
    await route.continue();
  });
  const open = developer.getByRole('button', { name: /^Open as/ }).first();
  await open.click();
  await open.click();
  await open.press('Enter');
  pressed.resolve();
  await screenShows(developer, /\$ *$/m);
  expect({ asked, tabs: await tabs.count() }).toEqual({ asked: 1, tabs: before + 1 });
  await developer.unroute('**/api/v1/sessions');
  await developer.keyboard.type('exit\n');
  await developer.getByText('This session has ended.').waitFor();
});

it('keeps several shells in tabs, each as it was', async () => {
  const tabs = developer.getByRole('list', { name: 'Terminal tabs' });
  const before = await tabs.getByRole('listitem').count();
  await openShell(developer, browsing.portal.url);
  await type(developer, 'clear; echo this is the fi""rst', /^this is the first/m);
  await openShell(developer, browsing.portal.url);
  await type(developer, 'clear; echo this is the sec""ond', /^this is the second/m);
  expect(await tabs.getByRole('listitem').count()).toBe(before + 2);
  const go = (to: number) => tabs.getByRole('listitem').nth(to).getByRole('button').first().click();
  for (const [tab, word] of [
    [before, 'first'],
    [before + 1, 'second'],
    [before, 'first'],
  ] as const) {
    await go(tab);
    expect(await screenShows(developer, new RegExp(`^this is the ${word}`, 'm'))).not.toContain(
      word === 'first' ? 'second' : 'first',
    );
  }
  for (const tab of [before, before + 1]) {
    await go(tab);
    await developer.keyboard.type('exit\n');
    await developer.getByText('This session has ended.').waitFor();
  }
});

it('draws by WebGL, and goes on by elements where the context is lost, without a line missing', async () => {
  await using chromium = await openBrowser({ webgl: true });
  const person = await chromium.person();
  // The processor draws here; the page is to take it for a graphics card.
  await person.addInitScript(() => {
    const { getContext } = HTMLCanvasElement.prototype;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, options?: object) {
      return getContext.call(this, kind, { ...options, failIfMajorPerformanceCaveat: false });
    } as typeof getContext;
    const { getParameter } = WebGL2RenderingContext.prototype;
    WebGL2RenderingContext.prototype.getParameter = function (name: number) {
      const value: unknown = getParameter.call(this, name);
      return typeof value === 'string' ? value.replace(/swiftshader/gi, 'card') : value;
    };
  });
  const page = await person.newPage();
  await signIn(page, browsing.portal.url, await testIdentityProvider(), 'admin');
  await page
    .getByRole('button', { name: /^Open as/ })
    .first()
    .click();
  const canvas = page.locator('.xterm-screen canvas:not([class])');
  await canvas.waitFor();
  expect(await page.locator('.xterm-rows').count()).toBe(0);
  await page.getByText('Recorded', { exact: true }).waitFor();
  await page.keyboard.type('for i in $(seq 40); do echo line-$i; sleep 0.03; done; echo all""-there\n');
  await canvas.evaluate((element: HTMLCanvasElement) =>
    element.getContext('webgl2')!.getExtension('WEBGL_lose_context')!.loseContext(),
  );
  const shown = await screenShows(page, /^all-there/m);
  const lines = [...shown.matchAll(/^line-(\d+)$/gm)].map(([, number]) => Number(number));
  expect(lines).toEqual(Array.from(lines, (_, at) => 40 - lines.length + 1 + at));
  expect(await canvas.count()).toBe(0);
  await page.keyboard.type('exit\n');
  await page.getByText('This session has ended.').waitFor();
});

it('warns of idling, counts down, and ends with its reason', async () => {
  // Shorter than the API allows, so that nobody waits for minutes.
  await browsing.portal.sql`update roles set idle_ms = 16000 where name = 'developer'`;
  await browsing.portal.notify('role', 'developer');
  await until(async () => (await role('developer'))['idleMs'] === 16_000, {
    what: 'the portal’s knowledge of the role',
  });
  await openShell(developer, browsing.portal.url);
  await developer.getByRole('timer').waitFor({ timeout: 45_000 });
  await developer.getByRole('button', { name: 'Extend' }).click();
  await developer.getByRole('timer').waitFor({ state: 'detached' });
  await developer.getByText('This session has ended.').waitFor({ timeout: 90_000 });
  expect(await lastSession()).toMatchObject({ state: 'ended', endReason: 'idle' });
  await developer.getByRole('button', { name: 'Start again' }).waitFor();
});
