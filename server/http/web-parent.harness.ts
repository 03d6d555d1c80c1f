/**
 * A parent of web as the portal is one, for tests that kill it: `node web-parent.harness.ts CHECKOUT`. Says, one line of
 * JSON each, what it has started, and that web answers.
 */
import { spawn } from 'node:child_process';
import { until } from '../../e2e/machine/until.ts';
import { createLogger } from '../log.ts';
import { WebProcess } from './web-process.ts';

export type Started = { isolation: string; web: number; other: number };
export type Answering = { target: string };

const web = new WebProcess({
  root: process.argv[2]!,
  env: { NEXTAUTH_URL: 'http://localhost:1', NEXTAUTH_SECRET: 'none', SALLYPORT_INTERNAL_URL: 'http://127.0.0.1:9' },
  log: createLogger('silent'),
});
web.start();
const pid = await until(() => web.pid, { every: 1, what: 'the start of web' });
// It outlives us, as the embedded Postgres does: what it inherited of ours would stay open.
const other = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
say({ isolation: web.isolation.kind, web: pid, other: other.pid! } satisfies Started);
say({ target: await until(() => web.target ?? undefined, { what: 'an answer of web' }) } satisfies Answering);

function say(line: Started | Answering): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
