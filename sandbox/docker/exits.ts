/** Learns that a container is no more, however often the engine goes away meanwhile. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Container } from 'dockerode';
import type { SandboxExit } from '../../server/ports/sandbox-runtime.ts';
import { isGone } from './problems.ts';

/** An engine that restarts is asked again this often. */
const ASK_AGAIN_MS = 500;

/** Resolves once; `signal` gives the watch up, and the promise then stays pending. */
export async function containerExit(container: Container, signal: AbortSignal): Promise<SandboxExit> {
  for (;;) {
    const exit = await look(container, signal);
    if (exit && !signal.aborted) return exit;
    if (signal.aborted) return new Promise(() => {});
    await pause(ASK_AGAIN_MS);
  }
}

async function look(container: Container, signal: AbortSignal): Promise<SandboxExit | null> {
  try {
    await container.wait({ abortSignal: signal });
    const { State } = await container.inspect();
    if (State.Running || State.Restarting) return null;
    return { code: State.ExitCode, oomKilled: State.OOMKilled, error: State.Error || null };
  } catch (error) {
    if (isGone(error)) return { code: null, oomKilled: false, error: 'the container was removed' };
    return null;
  }
}
