/**
 * The way of the engine's exec, for where no socket can be shared: a relay in the container, and through it the
 * tunnel of docs/protocol.md ("Exec"), of which the portal is the server.
 */
import { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Container } from 'dockerode';
import type { SandboxStreams } from '../../server/ports/sandbox-runtime.ts';
import { ExecOutput } from './exec-output.ts';
import { isGone } from './problems.ts';
import { serveTunnel } from './tunnel-server.ts';

const RELAY = ['/opt/sallyport/bin/node', '/opt/sallyport/sandbox/host/relay.js'];
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 2000;
/** A tunnel that lives this long was a good one. */
const GOOD_MS = 10_000;

export class ExecTunnel {
  #container: Container;
  #secret: Buffer;
  #streams: SandboxStreams;
  #closing = new AbortController();
  #current: Duplex | null = null;

  constructor(container: Container, secret: Buffer, streams: SandboxStreams) {
    this.#container = container;
    this.#secret = secret;
    this.#streams = streams;
  }

  /** Keeps a tunnel open until closed, or until the container is gone. */
  async run(): Promise<void> {
    let waitMs = RETRY_FIRST_MS;
    while (!this.#closing.signal.aborted) {
      const started = performance.now();
      try {
        await this.#once();
      } catch (error) {
        if (isGone(error)) return;
      }
      waitMs = performance.now() - started > GOOD_MS ? RETRY_FIRST_MS : Math.min(waitMs * 2, RETRY_MOST_MS);
      await pause(waitMs, undefined, { signal: this.#closing.signal }).catch(() => {});
    }
  }

  close(): void {
    this.#closing.abort();
    this.#current?.destroy();
  }

  /** One relay, from its start to its end. */
  async #once(): Promise<void> {
    const exec = await this.#container.exec({
      Cmd: RELAY,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
    });
    const raw = (await exec.start({ hijack: true, stdin: true })) as Duplex;
    this.#current = raw;
    if (this.#closing.signal.aborted) return void raw.destroy();
    const carrier = Duplex.from({ writable: raw, readable: raw.pipe(new ExecOutput()) });
    const ended = new Promise<void>((resolve) => {
      raw.once('close', resolve);
      raw.once('end', resolve);
      raw.once('error', () => resolve());
      carrier.on('error', () => raw.destroy());
    });
    serveTunnel(carrier, this.#secret, this.#streams);
    await ended;
    raw.destroy();
    carrier.destroy();
  }
}
