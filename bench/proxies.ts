/** What else can stand between a client and an API server: `kubectl proxy`, and a bare Node proxy. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { kubectlBinaries } from '../e2e/cluster/kubectl.ts';
import { Authority, createAuthority } from '../server/gateway/authority.ts';
import type { Side } from './gateway-sides.ts';

export type Proxy = Side & AsyncDisposable & { pid: number };

const TICKS_PER_SECOND = 100;

/** Seconds of a processor that a process has used. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory, bytes. */
export async function resident(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

export async function kubectlProxy(kubeconfig: string): Promise<Proxy> {
  const kubectl = join(await kubectlBinaries(), 'kubectl');
  const child = spawn(kubectl, ['proxy', '--port=0', '--address=127.0.0.1'], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await firstMatch(child, /:(\d+)$/);
  const agent = new HttpAgent({ keepAlive: true }) as Agent;
  return { ...running(child, agent), origin: new URL(`http://127.0.0.1:${port}`), prefix: '', agent, tokens: [] };
}

/** `http2`: spoken with whom asks for it. `authority` vouches for it; PEM. */
export async function bareProxy(kubeconfig: string, { http2 = false } = {}): Promise<Proxy & { authority: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-proxy-'));
  const { clusters, users } = parse(await readFile(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
    users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
  };
  const now = () => new Date();
  const authority = await Authority.open(await createAuthority(now()), now);
  const served = await authority.issueServingCertificate();
  const of = (base64: string) => Buffer.from(base64, 'base64').toString();
  const files = {
    CA: of(clusters[0]!.cluster['certificate-authority-data']),
    CERT: of(users[0]!.user['client-certificate-data']),
    KEY: of(users[0]!.user['client-key-data']),
    TLS_CERT: served.certificate,
    TLS_KEY: served.key,
  };
  const env: NodeJS.ProcessEnv = { ...process.env, SERVER: clusters[0]!.cluster.server };
  if (http2) env['HTTP2'] = 'yes';
  for (const [name, text] of Object.entries(files)) {
    env[name] = join(folder, name);
    await writeFile(env[name], text, { mode: 0o600 });
  }
  const program = fileURLToPath(new URL('bare-proxy.ts', import.meta.url));
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await firstMatch(child, /^(\d+)$/);
  const agent = new Agent({ keepAlive: true, ca: authority.certificate });
  const { [Symbol.asyncDispose]: end, ...rest } = running(child, agent);
  return {
    ...rest,
    origin: new URL(`https://127.0.0.1:${port}`),
    prefix: '',
    agent,
    authority: authority.certificate,
    tokens: [],
    async [Symbol.asyncDispose]() {
      await end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ends with the connections to it: a client's own would be left broken. */
function running(child: ChildProcess, agent: Agent): AsyncDisposable & { pid: number } {
  const exited = once(child, 'exit');
  return {
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      agent.destroy();
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function firstMatch(child: ChildProcess, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const found = pattern.exec(line)?.[1];
    if (found) return found;
  }
  throw new Error('a proxy of the bench ended before it listened');
}
