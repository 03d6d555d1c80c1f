/** Web ends with its portal, also where nobody could ask it to. The pages are the real ones. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, expect, test } from 'vitest';
import { portIsFree } from '../../e2e/machine/ports.ts';
import { isRunning, startTimeOf } from '../../e2e/machine/processes.ts';
import { until } from '../../e2e/machine/until.ts';
import { ROOT } from '../../scripts/steps.ts';
import { buildWeb } from '../../scripts/web-build.ts';
import { WEB_UID } from './web-isolation.ts';
import type { Answering, Started } from './web-parent.harness.ts';

const root = process.getuid?.() === 0;
/** Ms in which web sees that its portal has gone. */
const SOON_MS = 5_000;

beforeAll(async () => {
  expect(await buildWeb(() => undefined)).toBe(true);
}, 300_000);

/** A parent that starts web so; as root, in a mount namespace where the checkout lies in a folder that asks for it. */
function startParent(isolation: string) {
  const harness = (checkout: string) => [
    join(checkout, relative(ROOT, process.execPath)),
    join(checkout, 'server', 'http', 'web-parent.harness.ts'),
    checkout,
  ];
  const stack = new DisposableStack();
  let command = harness(ROOT);
  if (root) {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-web-'));
    stack.defer(() => rmSync(folder, { recursive: true }));
    const checkout = join(folder, 'a #1 %41');
    mkdirSync(checkout);
    chmodSync(folder, isolation === 'mount' ? 0o700 : 0o755);
    const unprivileged = isolation === 'none' ? ['setpriv', `--reuid=${WEB_UID}`, '--clear-groups'] : [];
    const script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"';
    command = ['unshare', '--mount', 'sh', '-c', script, 'sh', ROOT, checkout, ...unprivileged, ...harness(checkout)];
  }
  const [file, ...args] = command;
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  stack.defer(() => child.kill('SIGKILL'));
  return {
    said: async <T>(): Promise<T> => JSON.parse((await lines.next()).value as string) as T,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

const cases = (root ? ['user', 'mount', 'none'] : ['none']).flatMap((isolation) =>
  ['at once', 'when web answers'].map((when) => [isolation, when] as const),
);

test.each(cases)('isolated by %s, web ends with a portal that is killed %s', async (isolation, when) => {
  using parent = startParent(isolation);
  const started = await parent.said<Started>();
  expect(started.isolation).toBe(isolation);
  const other = { pid: started.other, startTime: startTimeOf(started.other)! };
  const web = { pid: started.web, startTime: startTimeOf(started.web)! };
  try {
    const target = when === 'at once' ? undefined : (await parent.said<Answering>()).target;
    expect(isRunning(web)).toBe(true);
    await parent.kill();
    await until(() => !isRunning(web), { within: SOON_MS, what: 'the end of web' });
    if (target) expect(await portIsFree(Number(new URL(target).port))).toBe(true);
    expect(isRunning(other)).toBe(true);
  } finally {
    for (const one of [web, other]) if (isRunning(one)) process.kill(one.pid, 'SIGKILL');
  }
});
