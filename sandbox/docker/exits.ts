/** Learns that a container is no more, however often the engine goes away meanwhile. */
import { setTimeout as pause } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
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
    await waited(container, signal);
    const { State } = await container.inspect();
    if (State.Running || State.Restarting) return null;
    return { code: State.ExitCode, oomKilled: State.OOMKilled, error: State.Error || null };
  } catch (error) {
    if (isGone(error)) return { code: null, oomKilled: false, error: 'the container was removed' };
    return null;
  }
}

/**
 * The engine's answer to wait, read as a stream: an answer that is cut off because the engine stops then is an
 * error, where dockerode's own `wait` would wait for ever.
 */
async function waited(container: Container, signal: AbortSignal): Promise<void> {
  const { modem } = container as unknown as { modem: Docker['modem'] };
  const answer = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    const request = {
      path: `/containers/${container.id}/wait?`,
      method: 'POST',
      isStream: true,
      abortSignal: signal,
      statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    };
    modem.dial(request, (error, result) => (error ? reject(error) : resolve(result as NodeJS.ReadableStream)));
  });
  await text(answer);
}
