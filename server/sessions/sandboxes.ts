/** Sandboxes with everything that a session needs of one: container, terminal, way to Kubernetes. */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Problem } from '../domain/problem.ts';
import type { Sandbox, SandboxRuntime, SandboxStreams } from '../ports/sandbox-runtime.ts';
import { within } from './bounds.ts';
import type { GatewayPart, TerminalPart, TerminalsPart } from './parts.ts';

/** The session host answers within a quarter of a second; on a machine that swaps it may need longer. */
const HOST_PATIENCE_MS = 20_000;

export type EquippedSandbox = {
  readonly id: string;
  readonly secret: Buffer;
  readonly sandbox: Sandbox;
  readonly terminal: TerminalPart;
};

export type SandboxesDeps = { runtime: SandboxRuntime; terminals: TerminalsPart; gateway: GatewayPart };

export function newSecret(): Buffer {
  return randomBytes(32);
}

export class Sandboxes {
  readonly #deps: SandboxesDeps;

  constructor(deps: SandboxesDeps) {
    this.#deps = deps;
  }

  /**
   * Starts a container and waits until its session host has proven itself. Leaves nothing where it throws: Problem
   * `engine-unavailable`, `sandbox-image-missing`, `sandbox-failed`, or the signal's reason.
   */
  async make(id: string, secret: Buffer, signal: AbortSignal): Promise<EquippedSandbox> {
    const prepared = this.#deps.gateway.prepare(id);
    prepared.catch(() => {}); // awaited below, once the container that starts meanwhile is there
    const terminal = this.#terminal(id, secret);
    let sandbox: Sandbox | undefined;
    try {
      sandbox = await this.#deps.runtime.create(id, secret, this.#streams(id, terminal), signal);
      const died = sandbox.exited.then((exit): never => {
        const why = exit.error ?? `exit code ${exit.code}`;
        throw failed(`The sandbox stopped as it started: ${why}.`, 'Look at the portal’s log.');
      });
      died.catch(() => {}); // heard by the race below; a later exit is for the session
      const late = () =>
        failed('The sandbox started, but its session host did not answer.', 'Rebuild the sandbox image.');
      await within(Promise.race([terminal.connected, died]), HOST_PATIENCE_MS, signal, late);
      await prepared;
      return { id, secret, sandbox, terminal };
    } catch (error) {
      await Promise.allSettled([terminal.release(), this.#deps.gateway.cut(id), sandbox?.remove()]);
      throw error;
    }
  }

  /** Takes up a running container. Throws Problem `sandbox-gone`, `engine-unavailable`. */
  async adopt(id: string, container: string, secret: Buffer): Promise<EquippedSandbox> {
    const terminal = this.#terminal(id, secret);
    try {
      const sandbox = await this.#deps.runtime.adopt(container, id, secret, this.#streams(id, terminal));
      return { id, secret, sandbox, terminal };
    } catch (error) {
      await terminal.release();
      throw error;
    }
  }

  /** Removes a sandbox that no session will use. Throws what the engine says. */
  async discard({ id, terminal, sandbox }: EquippedSandbox): Promise<void> {
    await Promise.all([terminal.release(), this.#deps.gateway.cut(id)]);
    await sandbox.remove();
  }

  #streams(id: string, terminal: TerminalPart): SandboxStreams {
    return {
      terminal: (stream: Duplex) => terminal.terminal(stream),
      api: (stream: Duplex) => this.#deps.gateway.attach(id, stream),
    };
  }

  #terminal(id: string, secret: Buffer): TerminalPart {
    const terminal = this.#deps.terminals.open(id, secret);
    // Whoever needs one of these awaits it; a terminal that is released before is no error of its own.
    terminal.connected.catch(() => {});
    terminal.firstOutput.catch(() => {});
    return terminal;
  }
}

function failed(message: string, next: string): Problem {
  return new Problem('sandbox-failed', 503, message, { next: `Try again. If it stays so: ${next}` });
}
