/** What the contract suite runs against: a real engine, the real image, and this process as the portal. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import Docker from 'dockerode';
import { until } from '../../e2e/machine/until.ts';
import { testEngine, testSandboxImage } from '../../e2e/use.ts';
import type { Claim } from '../../protocol/frames.ts';
import type { Sandbox } from '../../server/ports/sandbox-runtime.ts';
import { DockerSandboxRuntime } from '../docker/docker-runtime.ts';
import type { DockerRuntimeOptions } from '../docker/options.ts';
import { HostLink } from './host-link.ts';

export type Way = 'sockets' | 'exec';
export const WAYS: Way[] = ['sockets', 'exec'];

/** Long rounds in full, or samples of them. */
export const FULL = process.env['SALLYPORT_ROUNDS'] === 'full';

/** A portal of its own, with an id and a runtime folder that nobody else has. Disposing removes all that is its. */
export class TestPortal implements AsyncDisposable {
  readonly docker: Docker;
  readonly runtime: DockerSandboxRuntime;
  readonly options: DockerRuntimeOptions;

  private constructor(docker: Docker, options: DockerRuntimeOptions) {
    this.docker = docker;
    this.options = options;
    this.runtime = new DockerSandboxRuntime(options);
  }

  static async start(mode: Way | 'auto', changes: Partial<DockerRuntimeOptions> = {}): Promise<TestPortal> {
    const { socket } = await testEngine();
    const docker = new Docker({ socketPath: socket });
    const image = await testSandboxImage();
    const runtimeDir = await mkdtemp(join(tmpdir(), 'sp-'));
    const ids = { portalId: randomUUID(), replica: randomUUID() };
    return new TestPortal(docker, { docker, image, runtimeDir, ...ids, mode, ...changes });
  }

  /** A sandbox whose host has proven itself; not yet claimed. */
  async warm(): Promise<TestSandbox> {
    const made = new TestSandbox();
    made.sandbox = await this.runtime.create(made.id, made.secret, made.streams);
    await until(() => made.latest?.proven === true, { what: 'the host proves the secret' });
    return made;
  }

  /** A sandbox with a shell at its prompt, held by generation 1. */
  async open(claim: Partial<Claim> = {}): Promise<TestSandbox> {
    const made = await this.warm();
    // Wide: readline would fold a long command.
    made.link.claim({ cols: 1000, ...claim });
    await made.link.attach(1, 0);
    await made.link.shows('$ ');
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { container } of await this.runtime.list()) await this.runtime.removeContainer(container);
    await rm(this.options.runtimeDir, { recursive: true, force: true });
  }
}

/** The portal's side of one sandbox. */
export class TestSandbox implements AsyncDisposable {
  readonly id = randomUUID();
  readonly secret = randomBytes(32);
  sandbox!: Sandbox;
  /** All terminal connections, file connections too, in the order in which they came. */
  readonly links: HostLink[] = [];
  onApi: (stream: Duplex) => void = (stream) => stream.destroy();
  readonly streams = {
    terminal: (stream: Duplex) => void this.links.push(new HostLink(stream, this.secret)),
    api: (stream: Duplex) => this.onApi(stream),
  };
  #runs = 0;

  get latest(): HostLink | undefined {
    return this.links.at(-1);
  }

  get link(): HostLink {
    return this.latest!;
  }

  /** The next terminal connection, proven. */
  async nextLink(after = this.links.length): Promise<HostLink> {
    await until(() => this.links[after]?.proven === true, { what: 'the host dials again' });
    return this.links[after]!;
  }

  /** Runs a command line in the shell and returns what it printed. */
  async run(command: string, link = this.link, timeoutMs = 20_000): Promise<string> {
    const mark = `ran-${(this.#runs += 1)}`;
    const before = link.output().length;
    // Quoted in two, so that the echo of the command line is not taken for its end.
    link.type(`${command}; echo "${mark.slice(0, 3)}""${mark.slice(3)}:"\r`);
    const shown = () => link.output().subarray(before).toString();
    // With the next prompt, so that nothing of this command comes in the next one's answer.
    const ended = () => shown().includes(`${mark}:`) && shown().endsWith('$ ');
    const what = () => `the end of ${command}, where the terminal shows ${shown().slice(-2000)}`;
    await until(ended, { what, within: timeoutMs });
    const text = shown();
    const printed = text.slice(text.indexOf('\n') + 1, text.indexOf(`${mark}:`));
    // bash switches bracketed paste off before it runs a command.
    return printed.replaceAll('\x1b[?2004l\r', '').replaceAll('\r\n', '\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.links) link.drop();
    await this.sandbox.remove();
  }
}
