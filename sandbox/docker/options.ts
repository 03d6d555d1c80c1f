import type Docker from 'dockerode';

export type SandboxLimits = {
  /** Bytes; home, /tmp and the programs together. There is no swap. */
  memory: number;
  /** Bytes that the home folder may hold; null: half of the memory. */
  home: number | null;
  /** Processes and threads, the session host's included. */
  pids: number;
  cpus: number;
  /** Bytes of one file. */
  fileSize: number;
};

export const DEFAULT_LIMITS: SandboxLimits = {
  memory: 512 * 1024 * 1024,
  home: null,
  pids: 256,
  cpus: 1,
  fileSize: 384 * 1024 * 1024,
};

export type DockerRuntimeOptions = {
  docker: Docker;
  /** What `ensureSandboxImage` returned, or an image built on it. */
  image: string;
  /** A folder of the portal's in which the sessions' sockets live. */
  runtimeDir: string;
  /** The same folder as the engine names it, where that differs (a portal in a container). */
  hostRuntimeDir?: string;
  /** This installation's id: what carries another's is never touched. */
  portalId: string;
  /** This portal process, of the installation's. */
  replica: string;
  /** `auto` tries whether the engine's containers reach a socket of ours. */
  mode: 'auto' | 'sockets' | 'exec';
  limits?: Partial<SandboxLimits>;
  /** An OCI runtime that the engine knows (`runsc`, `kata`); default: the engine's own. */
  runtime?: string;
};
