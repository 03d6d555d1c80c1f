/** Config, context, listen; then wait for a signal, drain, and dispose of everything in reverse. */
import { createRequire } from 'node:module';
import { parseConfig } from './config/config.ts';
import { ConfigError, readEnv } from './config/env.ts';
import { loadSecrets } from './config/secrets.ts';
import { buildContext } from './context.ts';
import { listen } from './http/listen.ts';
import { createLogger, type Logger } from './log.ts';

/** Ms that running requests are given at the end. */
const DRAIN_MS = 10_000;

export async function start(): Promise<void> {
  const stopped = untilSignal();
  try {
    const config = parseConfig(readEnv(process.env));
    const log = createLogger(config.logLevel);
    const secrets = loadSecrets(config);
    const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
    const scheme = config.tls ? 'https' : 'http';
    const origin = config.publicUrl ?? `${scheme}://localhost:${config.listen.port}`;
    await using context = await buildContext({ config, secrets, log, origin, database: config.database!, version });
    await using listening = await listen(
      { app: context.app, upgrades: context.upgrades, web: (_request, response) => response.writeHead(503).end() },
      { ...config.listen, ...(config.tls ? { tls: config.tls } : {}) },
    );
    log.info({ url: origin, port: listening.port }, 'the portal listens');
    const signal = await stopped;
    log.info({ signal }, 'stopping: sessions, their sandboxes and the database keep running');
    await listening.drain(DRAIN_MS);
  } catch (error) {
    fail(error);
  }
}

function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
}

/** One clear line on stderr, and an exit code: 78 (EX_CONFIG of sysexits.h) for what the operator can mend. */
function fail(error: unknown, log?: Logger): void {
  const config = error instanceof ConfigError;
  log?.fatal({ err: error }, 'the portal could not start');
  process.stderr.write(
    `sallyport: ${config ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = config ? 78 : 1;
}
