/** Config, context, listen; then wait to be told to end, drain, and dispose of everything in reverse. */
import { createRequire } from 'node:module';
import { parseConfig } from './config/config.ts';
import { openDataDir } from './config/data-dir.ts';
import { ConfigError, readEnv } from './config/env.ts';
import { loadSecrets } from './config/secrets.ts';
import { buildContext } from './context.ts';
import { listen } from './http/listen.ts';
import { databaseUrls } from './database.ts';
import { errorText } from './domain/redaction.ts';
import { createLogger } from './log.ts';
import { whenStarterEnds } from './starter.ts';

/** Ms that running requests are given at the end. */
const DRAIN_MS = 10_000;

export async function start(): Promise<void> {
  const stopped = untilTold();
  try {
    const config = parseConfig(readEnv(process.env));
    const log = createLogger(config.logLevel);
    using _lock = openDataDir(config.dataDir);
    const secrets = loadSecrets(config);
    await using listening = await listen({ ...config.listen, ...(config.tls ? { tls: config.tls } : {}) });
    const origin = config.publicUrl ?? `${config.tls ? 'https' : 'http'}://localhost:${listening.port}`;
    const database = await databaseUrls(config);
    await using context = await buildContext({ config, secrets, log, origin, database, version: version() });
    listening.serve(context);
    log.info({ url: origin, port: listening.port }, 'the portal listens');
    const by = await stopped;
    log.info({ by }, 'stopping: sessions, their sandboxes and the database keep running');
    await Promise.all([listening.drain(DRAIN_MS), context.letGo()]);
  } catch (error) {
    fail(error);
  }
}

function version(): string {
  return (createRequire(import.meta.url)('../package.json') as { version: string }).version;
}

/** Resolves with who says so: a signal, or the end of the program that keeps us. */
function untilTold(): Promise<NodeJS.Signals | 'starter'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
    whenStarterEnds(() => resolve('starter'));
  });
}

/** One clear line on stderr, and an exit code: 78 (EX_CONFIG of sysexits.h) for what the operator can mend. */
function fail(error: unknown): void {
  process.stderr.write(`sallyport: ${describe(error)}\n`);
  process.exitCode = error instanceof ConfigError ? 78 : 1;
}

function describe(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code === 'EADDRINUSE')
    return `${address}:${port} is taken by another program; choose another port (SALLYPORT_PORT)`;
  if (code === 'EACCES' && port !== undefined) return `this user may not listen on ${address}:${port} (SALLYPORT_PORT)`;
  return errorText(error);
}
