/** The portal as a child of `npm run up`: started, waited for, ended in order. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, lastLines, startTimeOf } from '../../e2e/machine/processes.ts';
import { GivenUp, until } from '../../e2e/machine/until.ts';
import { ROOT } from '../steps.ts';

export type PortalProcess = {
  /** Resolves when it has ended, by itself or because it was asked. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  log: string;
  /** Asks it to end in order; resolves when it has. */
  stop(): Promise<void>;
};

/** Ms that it is given to drain before it is killed; its own drain takes at most ten seconds. */
const GRACE_MS = 25_000;

export function startPortal(dataDir: string, env: NodeJS.ProcessEnv): PortalProcess {
  const folder = join(dataDir, 'logs');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = join(folder, 'portal.log');
  const file = openSync(log, 'a', 0o600);
  // In a process group of its own: a terminal's Ctrl-C reaches it through us, in order. By the channel's end it learns
  // of ours, where we are killed.
  const child = spawn(process.execPath, [join(ROOT, 'server', 'main.ts')], {
    cwd: ROOT,
    env,
    detached: true,
    stdio: ['ignore', file, file, 'ipc'],
  });
  closeSync(file);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', () => resolve({ code: 1, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  return { ended, log, stop: () => stop(child, ended) };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await ended;
  clearTimeout(timer);
}

type Ready = { ready: boolean; components: Record<string, { ok: boolean; message: string | null }> };

/** Resolves when the portal says that it is ready. Throws with what it said where it ends or stays unready. */
export async function portalReady(url: string, portal: PortalProcess): Promise<void> {
  let end: { code: number | null } | undefined;
  void portal.ended.then((value) => (end = value));
  let last: Ready | undefined;
  await until(
    async () => {
      if (end) throw new GivenUp(`the portal ended at its start:\n${lastLines(portal.log)}`);
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
      last = (await answer.json().catch(() => undefined)) as Ready | undefined;
      return answer.ok;
    },
    { within: 90_000, every: 150, what: () => `the portal's readiness (${unready(last)}; log: ${portal.log})` },
  );
}

function unready(report: Ready | undefined): string {
  if (!report?.components) return 'it does not answer';
  const bad = Object.entries(report.components).filter(([, finding]) => !finding.ok);
  return bad.map(([name, finding]) => `${name}: ${finding.message}`).join('; ');
}

/**
 * Ends the portal of this folder that outlives its `npm run up`: it is ending already, or hangs. Resolves with whether
 * there was one. It is known by what it was started with.
 */
export async function stopLeftPortal(dataDir: string): Promise<boolean> {
  const main = join('server', 'main.ts');
  const left = readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .flatMap((pid) => {
      const startTime = startTimeOf(pid);
      const command = contentOf(`/proc/${pid}/cmdline`).split('\0');
      const environment = contentOf(`/proc/${pid}/environ`).split('\0');
      const ours = command[1]?.endsWith(main) && environment.includes(`SALLYPORT_DATA_DIR=${dataDir}`);
      return startTime && ours ? [{ pid, startTime }] : [];
    });
  for (const { pid } of left) process.kill(pid, 'SIGTERM');
  const gone = (): boolean => !left.some(isRunning);
  await until(gone, { within: GRACE_MS, what: 'its end' }).catch(() => {
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
  });
  await until(gone, { within: 5_000, what: 'the end of the portal that was left' });
  return left.length > 0;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
