/** The person's shell: its environment, its start, its end from outside. */
import { kubeconfigFile } from './credentials.ts';
import type { HostOptions } from './options.ts';
import { Pty } from './pty.ts';
import type { PtyEvents } from './pty.ts';

/** bash and its jobs have this long to leave after a hang-up. */
const HANG_UP_MS = 2000;

/** The container's own variables, so that images built on ours can add some, then ours, then the claim's. */
export function shellEnvironment(options: HostOptions, claim: Record<string, string>): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_') && name !== 'HOSTNAME');
  const proxy = `http://127.0.0.1:${options.egressPort}`;
  const direct = '127.0.0.1,localhost';
  return {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    LANG: 'C.UTF-8',
    HOME: options.home,
    USER: 'sallyport',
    LOGNAME: 'sallyport',
    SHELL: options.shell,
    KUBECONFIG: kubeconfigFile(options),
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    NO_PROXY: direct,
    http_proxy: proxy,
    https_proxy: proxy,
    no_proxy: direct,
    ...claim,
  };
}

/** A login shell. Throws where it cannot be started. */
export function startShell(
  options: HostOptions,
  env: Record<string, string>,
  size: { cols: number; rows: number },
  events: PtyEvents,
): Pty {
  return new Pty({ file: options.shell, args: ['-l'], env, cwd: options.home, ...size }, events);
}

/** As a closed terminal does: SIGHUP; then, where the shell does not leave, SIGKILL. The rest ends with the host. */
export function hangUp(pty: Pty): void {
  const send = (name: NodeJS.Signals) => {
    for (const target of [-pty.foreground(), -pty.pid]) signal(target, name);
  };
  send('SIGHUP');
  // A stopped job gets the hang-up only when it goes on.
  send('SIGCONT');
  setTimeout(() => send('SIGKILL'), HANG_UP_MS).unref();
}

function signal(target: number, name: NodeJS.Signals): void {
  // 0 would be our own group, -1 everybody.
  if (target >= -1) return;
  try {
    process.kill(target, name);
  } catch {
    // Gone already.
  }
}
