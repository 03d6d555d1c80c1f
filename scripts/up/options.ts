/** What `npm run up` and `npm run down` can be told. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** Said to the person as it is; nothing has been done. */
export class UsageError extends Error {
  override name = 'UsageError';
}

type ClusterOption = {
  kind: 'kubeconfig';
  file: string;
  context: string | undefined;
  /** Of the portal's account there. */
  namespace: string | undefined;
};

/** Asked for with `--help`: nothing is to be done but to say how it is used. */
export class HelpAsked extends Error {
  override name = 'HelpAsked';
}

export type UpOptions = {
  port: number;
  gatewayPort: number;
  dataDir: string;
  cluster: { kind: 'demo' } | { kind: 'none' } | ClusterOption;
  /** One line of JSON on stdout when ready. */
  json: boolean;
};

export const UP_USAGE = `npm run up -- [OPTION…]
  --port PORT              the portal's port (8080)
  --gateway-port PORT      the gateway's port (8443)
  --data-dir FOLDER        keys, database, recordings, demo cluster (${defaultDataDir()})
  --kubeconfig FILE        register this cluster instead of making a demo cluster
  --context NAME           context of that kubeconfig, if not its current one
  --namespace NAME         namespace of the portal's account there (sallyport)
  --no-demo-cluster        make no cluster
  --json                   when ready, print one line of JSON: addresses, an administrator, an API token
  --help                   say this`;

export const DOWN_USAGE = `npm run down -- [OPTION…]
  --data-dir FOLDER        as given to npm run up (${defaultDataDir()})
  --kubeconfig FILE        remove with it what the portal's own account may not: its namespace and roles on that cluster
  --context NAME           context of that kubeconfig, if not its current one
  --leave-clusters         leave clusters that are not the demo's as they are, and say what is there
  --help                   say this`;

/** The same as the portal's own (SALLYPORT_DATA_DIR in docs/configuration.md). */
export function defaultDataDir(): string {
  if (process.env['SALLYPORT_DATA_DIR']) return resolve(process.env['SALLYPORT_DATA_DIR']);
  if (process.getuid?.() === 0) return '/var/lib/sallyport';
  return join(process.env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'sallyport');
}

function parsePort(name: string, text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw new UsageError(`--${name} takes a port from 1 to 65535, not "${text}"`);
  return port;
}

function parse<T extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(args: string[], options: T) {
  if (args.includes('--help') || args.includes('-h')) throw new HelpAsked();
  try {
    return parseArgs({ args, options: options!, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? '');
  }
}

/** Throws UsageError, HelpAsked. */
export function parseUp(args: string[]): UpOptions {
  const values = parse(args, {
    port: { type: 'string' },
    'gateway-port': { type: 'string' },
    'data-dir': { type: 'string' },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    namespace: { type: 'string' },
    'no-demo-cluster': { type: 'boolean' },
    json: { type: 'boolean' },
  }) as Record<string, string | boolean | undefined>;
  const text = (name: string): string | undefined => values[name] as string | undefined;
  const named = kubeconfig(values);
  const namespace = text('namespace');
  if (namespace !== undefined && !named) throw new UsageError('--namespace needs --kubeconfig');
  const port = parsePort('port', text('port') ?? '8080');
  const gatewayPort = parsePort('gateway-port', text('gateway-port') ?? '8443');
  if (port === gatewayPort) throw new UsageError('--port and --gateway-port must differ');
  return {
    port,
    gatewayPort,
    dataDir: resolve(text('data-dir') ?? defaultDataDir()),
    cluster: named
      ? { kind: 'kubeconfig', ...named, namespace }
      : { kind: values['no-demo-cluster'] ? 'none' : 'demo' },
    json: values['json'] === true,
  };
}

export type DownOptions = {
  dataDir: string;
  kubeconfig: { file: string; context: string | undefined } | undefined;
  leaveClusters: boolean;
};

/** Throws UsageError, HelpAsked. */
export function parseDown(args: string[]): DownOptions {
  const values = parse(args, {
    'data-dir': { type: 'string' },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    'leave-clusters': { type: 'boolean' },
  }) as Record<string, string | boolean | undefined>;
  return {
    dataDir: resolve((values['data-dir'] as string | undefined) ?? defaultDataDir()),
    kubeconfig: kubeconfig(values),
    leaveClusters: values['leave-clusters'] === true,
  };
}

function kubeconfig(values: Record<string, string | boolean | undefined>): DownOptions['kubeconfig'] {
  const file = values['kubeconfig'] as string | undefined;
  const context = values['context'] as string | undefined;
  if (context !== undefined && file === undefined) throw new UsageError('--context needs --kubeconfig');
  if (file === undefined) return undefined;
  if (!existsSync(file)) throw new UsageError(`--kubeconfig: there is no file ${file}`);
  return { file: resolve(file), context };
}
