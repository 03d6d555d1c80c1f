import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const STARTER = JSON.stringify(new URL('./starter.ts', import.meta.url).href);
/** Ends with 7 where it hears that its starter has ended. */
const LISTEN = `(await import(${STARTER})).whenStarterEnds(() => process.exit(7));`;
/** Ends with 0 where it hears nothing. */
const BUSY = 'setTimeout(() => {}, 20_000);';
const LATE = 'while (process.connected) await new Promise((resolve) => setImmediate(resolve));';

test.each([
  ['is told', `${LISTEN} ${BUSY}`, true, 7],
  ['that listens only afterwards is told', `${LATE} ${LISTEN} ${BUSY}`, true, 7],
  ['that was started without a channel is never told, nor kept alive', LISTEN, false, 0],
])('when its starter ends, a program %s', async (_what, program, channel, code) => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'ignore', 'inherit', ...(channel ? (['ipc'] as const) : [])],
  });
  const ended = once(child, 'exit');
  if (channel) child.disconnect();
  expect(await ended).toEqual([code, null]);
});

test('a program whose starter lives ends when it has nothing more to do', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', LISTEN], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
});
