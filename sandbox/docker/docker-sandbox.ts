/** One sandbox's container, with its streams. */
import type { Container } from 'dockerode';
import type { Sandbox, SandboxExit, SandboxLabels } from '../../server/ports/sandbox-runtime.ts';
import type { ExecTunnel } from './exec.ts';
import { containerExit } from './exits.ts';
import { engineProblem, isGone } from './problems.ts';
import type { SandboxSockets } from './sockets.ts';

export class DockerSandbox implements Sandbox {
  readonly labels: SandboxLabels;
  readonly container: string;
  readonly exited: Promise<SandboxExit>;
  #container: Container;
  #sockets: SandboxSockets | null;
  #tunnel: ExecTunnel | null;
  #watch = new AbortController();

  /** Starts the tunnel; sockets listen already. */
  constructor(labels: SandboxLabels, container: Container, sockets: SandboxSockets | null, tunnel: ExecTunnel | null) {
    this.labels = labels;
    this.container = container.id;
    this.#container = container;
    this.#sockets = sockets;
    this.#tunnel = tunnel;
    this.exited = containerExit(container, this.#watch.signal);
    void tunnel?.run();
    // No relay is tried in a container that is no more.
    void this.exited.then(() => tunnel?.close());
  }

  async release(): Promise<void> {
    this.#watch.abort();
    this.#tunnel?.close();
    await this.#sockets?.close();
  }

  async remove(): Promise<void> {
    this.#tunnel?.close();
    try {
      await this.#container.remove({ force: true, v: true });
    } catch (error) {
      if (!isGone(error)) throw engineProblem(error, 'remove a sandbox');
    } finally {
      await this.#sockets?.remove();
    }
  }
}
