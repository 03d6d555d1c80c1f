/** Something to see: sessions in which real commands ran on a real cluster. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { attach } from '../../bench/ours.ts';
import { Portal } from '../../bench/rest.ts';
import { PROMPT, Reader } from '../../bench/terminal.ts';
import { screenShows, type } from '../browsing.ts';

export type Work = {
  cluster: string;
  /** One that has ended, with a recording and calls. */
  session: string;
  /** Opens a terminal in the dock and works in it. */
  openTerminal(page: Page): Promise<void>;
  /** Ends the terminals that are still open: a person may have three at once. */
  endTerminals(): Promise<void>;
  /** Brings a session's recording to where there is something on the screen. */
  play(page: Page): Promise<void>;
};

const NAMESPACE = 'shop';
const READING_MS = 1_200;
const DEPLOYMENT = [
  `kubectl create deployment web --image sallyport.test/httpd:1 --replicas 2 -n ${NAMESPACE} --dry-run=client -o yaml`,
  `sed 's/imagePullPolicy: .*//; s/- image: \\(.*\\)/- image: \\1\\n        imagePullPolicy: Never/'`,
  `kubectl apply -f -`,
].join(' | ');

export async function fillWithWork(up: { url: string; apiToken: string }): Promise<Work> {
  const portal = new Portal(up.url, up.apiToken);
  const [found] = (await portal.call<{ items: { name: string }[] }>('GET', '/api/v1/clusters')).items;
  if (!found) throw new Error('the product started without a cluster');
  const cluster = found.name;
  const run = async (lines: string[]): Promise<string> => {
    const { session, ticket } = await portal.open(cluster, 'admin');
    const terminal = await attach(portal, session.id, ticket);
    const reader = new Reader(terminal);
    await reader.until(PROMPT);
    for (const line of lines) {
      await reader.run(line, 60_000);
      // A person reads before they type on; the replay's clock shows it.
      await delay(READING_MS);
    }
    await terminal.close();
    await portal.end(session.id);
    return session.id;
  };
  await run([`kubectl create namespace ${NAMESPACE}`, DEPLOYMENT]);
  const session = await run([
    `kubectl get pods -n ${NAMESPACE}`,
    `kubectl rollout status deployment/web -n ${NAMESPACE} --timeout=30s`,
    `kubectl scale deployment/web --replicas 3 -n ${NAMESPACE}`,
    `kubectl get deployments,pods -n ${NAMESPACE} -o wide`,
    `kubectl auth can-i '*' '*'`,
    `helm list -A`,
  ]);
  await run(['kubectl get nodes', 'kubectl version']);
  return {
    cluster,
    session,
    async openTerminal(page) {
      await page.getByRole('button', { name: `Open as admin on ${cluster}` }).click();
      const screen = page.locator('.xterm-screen').first();
      await screen.waitFor();
      await screenShows(page, /\$ *$/m);
      await screen.click();
      for (const line of ['kubectl get nodes', `kubectl get pods -n ${NAMESPACE}`])
        // A prompt stands below the command once it is done.
        await type(page, line, new RegExp(`${line.slice(-12)}\\s[^$]*\\$\\s*$`));
    },
    async endTerminals() {
      for (const open of await portal.sessions()) if (open.state !== 'ended') await portal.end(open.id);
    },
    async play(page) {
      const seek = page.getByRole('slider').first();
      await seek.waitFor({ timeout: 15_000 });
      await seek.focus();
      await page.keyboard.press('End');
      // Near the end: what the exit left is no picture.
      await page.keyboard.press('ArrowLeft');
      await screenShows(page, /successfully rolled out/);
      await seek.blur();
      await page.evaluate(() => scrollTo(0, 0));
    },
  };
}
