/**
 * The Next.js process: started on loopback with a clean environment, watched, started again when it dies. It ends with
 * the portal, also where that is killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { setPriority } from 'node:os';
import { join, relative } from 'node:path';
import type { Logger } from '../log.ts';
import type { Finding } from './health.ts';
import { chooseIsolation, webCommand, type Isolation } from './web-isolation.ts';

/** Ms before web is started again; doubled at each failure up to the most, back to the least once it answered. */
const BACKOFF_MS = { least: 250, most: 30_000 };
/** Ms that `next start` may take until it answers. */
const START_MS = 60_000;
/** Ms between an orderly end and the other one. */
const STOP_MS = 3_000;
/**
 * Rendering takes a processor for milliseconds; a keystroke's way needs it for microseconds, at once. A tenth of the
 * portal's share where both want all of it: pages come later then, and do come.
 */
const NICENESS = 10;

export type WebProcessOptions = {
  /** The checkout, with `.next` built. */
  root: string;
  /** The whole environment that web gets, besides PATH, NODE_ENV and PORT. */
  env: Record<string, string>;
  log: Logger;
};

export class WebProcess implements AsyncDisposable {
  readonly #options: WebProcessOptions;
  readonly #node = process.execPath;
  readonly isolation: Isolation;
  #child: ChildProcess | undefined;
  #target: string | null = null;
  #problem: string | null = 'starting';
  #backoff = BACKOFF_MS.least;
  #stopped = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: WebProcessOptions) {
    this.#options = options;
    this.isolation = chooseIsolation(options.root, this.#node);
    if (this.isolation.kind === 'none') options.log.warn({ reason: this.isolation.reason }, 'web not isolated');
  }

  /** `http://127.0.0.1:<port>` while it answers. */
  get target(): string | null {
    return this.#target;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Up is ready; not isolated is ready too, and said. */
  health(): Finding {
    if (this.#target === null) return { ok: false, message: this.#problem };
    return { ok: true, message: this.isolation.kind === 'none' ? `web not isolated: ${this.isolation.reason}` : null };
  }

  /** Starts, and returns at once: the portal does not wait for its pages. */
  start(): void {
    void this.#run().catch((error: unknown) => this.#failed(String(error)));
  }

  async #run(): Promise<void> {
    const { root, env, log } = this.#options;
    const port = await freePort();
    const next = createRequire(join(root, 'package.json')).resolve('next/dist/bin/next');
    const args = ['start', '-p', String(port), '-H', '127.0.0.1'];
    const command = webCommand(this.isolation, root, this.#node, relative(root, next), args);
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: {
        PATH: process.env['PATH'] ?? '/usr/bin:/bin',
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        HOME: '/nonexistent',
        ...env,
      },
      // Nothing is written to its input. It closes with us, and no other child inherits our end: web-lifeline.mjs.
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid! }),
    });
    this.#child = child;
    giveWay(child.pid);
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        log.debug({ line }, 'web says');
        said.push(line);
        if (said.length > 20) said.shift();
      });
    const ended = once(child, 'exit').then(
      ([code, signal]) => `web ended (${signal ?? `code ${String(code)}`})`,
      (error: Error) => `web could not be started (${error.message})`,
    );
    const target = `http://127.0.0.1:${port}`;
    const answered = await Promise.race([
      ended.then(() => false),
      untilAnswers(target, START_MS, () => this.#child === child),
    ]);
    if (answered) {
      this.#target = target;
      this.#problem = null;
      this.#backoff = BACKOFF_MS.least;
      log.info({ pid: child.pid, isolation: this.isolation.kind }, 'web answers');
    } else child.kill('SIGKILL');
    const how = await ended;
    this.#target = null;
    this.#child = undefined;
    if (!this.#stopped) this.#failed(how, said);
  }

  #failed(how: string, said: string[] = []): void {
    if (this.#stopped) return;
    this.#problem = how;
    this.#options.log.error({ how, said, againInMs: this.#backoff }, 'web is away');
    this.#retry = setTimeout(() => this.start(), this.#backoff);
    this.#backoff = Math.min(this.#backoff * 2, BACKOFF_MS.most);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }
}

/** Nothing is lost where it cannot be: pages then compete with keystrokes, as on any machine that is too small. */
function giveWay(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, NICENESS);
  } catch {
    // It has ended already, which is told elsewhere; or the system allows no process to be nicer.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilAnswers(target: string, patienceMs: number, wanted: () => boolean): Promise<boolean> {
  const last = Date.now() + patienceMs;
  while (wanted() && Date.now() < last) {
    try {
      await fetch(`${target}/sign-in`, { signal: AbortSignal.timeout(5_000), redirect: 'manual' });
      return true;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return false;
}
