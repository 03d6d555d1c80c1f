/**
 * Where shells run. Two implementations, held by one contract suite (sandbox/contract): Docker with the session's
 * Unix sockets, and Docker with both streams through the engine's exec where sockets cannot be shared.
 */
import type { Duplex } from 'node:stream';

/** What labels on a container say; the reaper reads them. */
export type SandboxLabels = {
  /** The installation: what carries another portal's id is not ours to touch. */
  portal: string;
  /** The portal process that made it: a warm one is only its own to claim and to remove, while that process lives. */
  replica: string;
  /** Decided before the container is made: the sandbox's own id, which becomes the session's at the claim. */
  sandbox: string;
};

export type SandboxSummary = SandboxLabels & { container: string; running: boolean; createdAt: Date };

/** The two streams that a sandbox dials out on. The receiver owns each stream from the call on. */
export type SandboxStreams = {
  terminal(stream: Duplex): void;
  api(stream: Duplex): void;
};

export type SandboxExit = { code: number | null; oomKilled: boolean; error: string | null };

export interface Sandbox {
  readonly labels: SandboxLabels;
  readonly container: string;
  /** Resolves when the container is no more, however that came to be. */
  readonly exited: Promise<SandboxExit>;
  /** Stops serving its streams without touching the container: an orderly shutdown leaves shells running. */
  release(): Promise<void>;
  /** Removes container, sockets and folder. Removing what is gone already is no error. */
  remove(): Promise<void>;
}

export interface SandboxRuntime {
  /**
   * Creates and starts a container that holds no credential, its session host given `secret`.
   * Throws Problem `engine-unavailable`, `sandbox-image-missing` or `sandbox-failed`.
   */
  create(sandbox: string, secret: Buffer, streams: SandboxStreams, signal?: AbortSignal): Promise<Sandbox>;
  /** Takes up a running container after a restart of the portal. Throws Problem `sandbox-gone`. */
  adopt(container: string, sandbox: string, secret: Buffer, streams: SandboxStreams): Promise<Sandbox>;
  /** All of this portal's, stopped ones too. */
  list(): Promise<SandboxSummary[]>;
  /** By container id: for the reaper, which has no Sandbox. */
  removeContainer(container: string): Promise<void>;
  /**
   * Removes folders of sockets that none of these sandboxes owns, and that nothing has happened in for `restMs`: another
   * replica may use the same folder, and make sandboxes in it that are not listed yet.
   */
  sweep(keep: ReadonlySet<string>, restMs: number): Promise<void>;
  health(): Promise<{ ok: true; engine: string } | { ok: false; message: string }>;
}
