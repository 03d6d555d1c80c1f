/** A person's own tools on their own machine: the real kubectl and helm with a downloaded kubeconfig. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { spawn as spawnInTerminal } from '@lydell/node-pty';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { kubectlBinaries } from './cluster/kubectl.ts';

export type Issued = { kubeconfig: string; token: string; id: string };

/** A kubeconfig of the person's for one cluster, as the account page asks for it. */
export async function issueKubeconfig(
  person: { api<T>(method: string, path: string, body?: unknown): Promise<T> },
  wish: { clusters?: string[]; role?: string; minutes?: number; credential?: 'token' | 'certificate' } = {},
): Promise<Issued> {
  const { kubeconfig, credentials } = await person.api<{ kubeconfig: string; credentials: { id: string }[] }>(
    'POST',
    '/me/kubeconfigs',
    wish,
  );
  return { kubeconfig, token: tokenIn(kubeconfig), id: credentials[0]!.id };
}

/** The client certificate in a kubeconfig and its key, of its first user; PEM. */
export function certificateIn(kubeconfig: string): { cert: string; key: string } {
  const { user } = (parse(kubeconfig) as { users: { user: Record<string, string> }[] }).users[0]!;
  const pem = (name: string) => Buffer.from(user[name]!, 'base64').toString();
  return { cert: pem('client-certificate-data'), key: pem('client-key-data') };
}

/** The authority in a kubeconfig, of its first cluster; PEM. */
export function authorityIn(kubeconfig: string): string {
  const { cluster } = (parse(kubeconfig) as { clusters: { cluster: Record<string, string> }[] }).clusters[0]!;
  return Buffer.from(cluster['certificate-authority-data']!, 'base64').toString();
}

/** The token in a kubeconfig, of its first user; empty where it has a certificate. */
export function tokenIn(kubeconfig: string): string {
  return (parse(kubeconfig) as { users: { user: { token?: string } }[] }).users[0]!.user.token ?? '';
}

type Changes = {
  /** Its whole address. */
  server?: string;
  /** PEM of the authority that vouches for it. */
  ca?: string;
  namespace?: string;
  /** In place of what there is for the person. */
  user?: object;
};

/** A kubeconfig as somebody would edit it, in its first cluster, context and user. */
export function editedKubeconfig(kubeconfig: string, { server, ca, namespace, user }: Changes): string {
  const config = parse(kubeconfig) as {
    clusters: { cluster: Record<string, string> }[];
    contexts: { context: Record<string, string> }[];
    users: { user: object }[];
  };
  const { cluster } = config.clusters[0]!;
  if (server !== undefined) cluster['server'] = server;
  if (ca !== undefined) cluster['certificate-authority-data'] = Buffer.from(ca).toString('base64');
  if (namespace !== undefined) config.contexts[0]!.context['namespace'] = namespace;
  if (user !== undefined) config.users[0]!.user = user;
  return stringify(config);
}

export type Outcome = { code: number | null; stdout: string; stderr: string };
type Typed = { output(): string; type(text: string): void; ended: Promise<void> };
type Input = { stdin?: string; env?: Record<string, string> };
export type Running = { child: ChildProcess; output(): string; ended: Promise<Outcome> };

export class OwnTools implements Disposable {
  readonly folder: string;
  readonly #binaries: string;

  private constructor(folder: string, binaries: string) {
    this.folder = folder;
    this.#binaries = binaries;
  }

  /** `binaries`: the folder of other versions of kubectl and helm. */
  static async with(kubeconfig: string, binaries?: string): Promise<OwnTools> {
    const tools = new OwnTools(mkdtempSync(join(tmpdir(), 'sallyport-tools-')), binaries ?? (await kubectlBinaries()));
    tools.use(kubeconfig);
    return tools;
  }

  kubeconfig(): string {
    return readFileSync(join(this.folder, 'kubeconfig'), 'utf8');
  }

  use(kubeconfig: string): void {
    writeFileSync(join(this.folder, 'kubeconfig'), kubeconfig, { mode: 0o600 });
  }

  /** With a terminal of 80 by 24, as a person has it. */
  inTerminal(program: 'kubectl', args: string[]): Typed {
    const env = this.#environment({ TERM: 'xterm-256color' });
    const child = spawnInTerminal(join(this.#binaries, program), args, { cwd: this.folder, env, cols: 80, rows: 24 });
    let output = '';
    child.onData((text) => (output += text));
    const ended = new Promise<void>((resolve) => child.onExit(() => resolve()));
    return { output: () => output, type: (text) => child.write(text), ended };
  }

  #environment(more: Record<string, string>): NodeJS.ProcessEnv {
    return {
      NODE_ENV: 'production',
      PATH: process.env['PATH'],
      HOME: this.folder,
      KUBECONFIG: join(this.folder, 'kubeconfig'),
      ...more,
    };
  }

  start(program: 'kubectl' | 'helm', args: string[], { stdin, env = {} }: Input = {}): Running {
    const own = this.#environment(env);
    const child = spawn(join(this.#binaries, program), args, { cwd: this.folder, env: own });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => {});
    child.stdin.end(stdin ?? '');
    const ended = new Promise<Outcome>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
    return { child, output: () => stdout + stderr, ended };
  }

  kubectl(...args: string[]): Promise<Outcome> {
    return this.start('kubectl', args).ended;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
