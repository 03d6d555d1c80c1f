/** Sandboxes in a Docker engine: implements the sandbox port. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from 'dockerode';
import { Problem } from '../../server/domain/problem.ts';
import type { Sandbox, SandboxRuntime, SandboxStreams, SandboxSummary } from '../../server/ports/sandbox-runtime.ts';
import { startWithSecret } from './boot-secret.ts';
import { DockerSandbox } from './docker-sandbox.ts';
import { ExecTunnel } from './exec.ts';
import { DEFAULT_LIMITS } from './options.ts';
import type { DockerRuntimeOptions, SandboxLimits } from './options.ts';
import { socketsAreShared } from './probe.ts';
import { ENGINE_NEXT, engineProblem, isGone, sandboxGone } from './problems.ts';
import { SandboxSockets, shortName, socketsRoot } from './sockets.ts';
import { containerSpec, PORTAL_LABEL, REPLICA_LABEL, SANDBOX_LABEL } from './spec.ts';

/** From the container's start to the host's first call; much more than a loaded machine needs. */
const READY_MS = 20_000;
/** Docker 20.10, which knows what the containers' limits need. */
const API_LEAST = [1, 41] as const;

export class DockerSandboxRuntime implements SandboxRuntime {
  #options: DockerRuntimeOptions;
  #limits: SandboxLimits;
  #way: Promise<'sockets' | 'exec'> | null = null;

  constructor(options: DockerRuntimeOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  /** How streams reach the portal; found out once where the options leave it open. Throws Problem. */
  way(): Promise<'sockets' | 'exec'> {
    const { mode } = this.#options;
    if (mode !== 'auto') return Promise.resolve(mode);
    this.#way ??= socketsAreShared(this.#options).then(
      (shared) => (shared ? 'sockets' : 'exec'),
      (error: unknown) => {
        this.#way = null;
        throw engineProblem(error, 'start a container');
      },
    );
    return this.#way;
  }

  async create(sandbox: string, secret: Buffer, streams: SandboxStreams, signal?: AbortSignal): Promise<Sandbox> {
    signal?.throwIfAborted();
    const { docker, image, portalId, replica, runtimeDir, hostRuntimeDir, runtime } = this.#options;
    const labels = { portal: portalId, replica, sandbox };
    const dialled = Promise.withResolvers<void>();
    const watched: SandboxStreams = {
      api: (stream) => streams.api(stream),
      terminal: (stream) => {
        dialled.resolve();
        streams.terminal(stream);
      },
    };
    const sockets = (await this.way()) === 'sockets' ? new SandboxSockets(runtimeDir, sandbox) : null;
    let container: Container | null = null;
    try {
      await sockets?.listen(watched);
      const socketFolder = sockets && join(socketsRoot(hostRuntimeDir ?? runtimeDir), shortName(sandbox));
      const spec = containerSpec({ image, labels, limits: this.#limits, socketFolder, runtime });
      // Not cut short by the signal: the engine might make the container all the same, and nobody would know its id.
      container = await docker.createContainer(spec);
      signal?.throwIfAborted();
      const booted = await startWithSecret(container, secret);
      const tunnel = sockets ? null : new ExecTunnel(container, secret, watched);
      const made = new DockerSandbox(labels, container, sockets, tunnel);
      await ready(made, dialled.promise, booted.said, signal);
      booted.close();
      return made;
    } catch (error) {
      await container?.remove({ force: true, v: true }).catch(() => {});
      await sockets?.remove();
      if (signal?.aborted) throw signal.reason;
      throw engineProblem(error, 'start a sandbox');
    }
  }

  async adopt(container: string, sandbox: string, secret: Buffer, streams: SandboxStreams): Promise<Sandbox> {
    const { docker, portalId, runtimeDir } = this.#options;
    const found = docker.getContainer(container);
    try {
      const { State, Config } = await found.inspect();
      const ours = Config.Labels[PORTAL_LABEL] === portalId && Config.Labels[SANDBOX_LABEL] === sandbox;
      if (!ours || !State.Running) throw sandboxGone(sandbox);
      // What it was made with counts, whatever the options say now.
      const sockets = Config.Cmd.includes('sockets') ? new SandboxSockets(runtimeDir, sandbox) : null;
      await sockets?.listen(streams);
      const tunnel = sockets ? null : new ExecTunnel(found, secret, streams);
      const replica = Config.Labels[REPLICA_LABEL] ?? '';
      return new DockerSandbox({ portal: portalId, replica, sandbox }, found, sockets, tunnel);
    } catch (error) {
      if (isGone(error)) throw sandboxGone(sandbox, error);
      throw engineProblem(error, 'take up a sandbox');
    }
  }

  async list(): Promise<SandboxSummary[]> {
    const { docker, portalId } = this.#options;
    const filters = { label: [`${PORTAL_LABEL}=${portalId}`, SANDBOX_LABEL] };
    try {
      const found = await docker.listContainers({ all: true, filters });
      return found.map((container) => ({
        portal: portalId,
        // None on those of an older portal.
        replica: container.Labels[REPLICA_LABEL] ?? '',
        sandbox: container.Labels[SANDBOX_LABEL]!,
        container: container.Id,
        running: container.State === 'running',
        createdAt: new Date(container.Created * 1000),
      }));
    } catch (error) {
      throw engineProblem(error, 'list its containers');
    }
  }

  async removeContainer(container: string): Promise<void> {
    try {
      await this.#options.docker.getContainer(container).remove({ force: true, v: true });
    } catch (error) {
      if (!isGone(error)) throw engineProblem(error, 'remove a sandbox');
    }
  }

  async sweep(keep: ReadonlySet<string>, restMs: number): Promise<void> {
    const root = socketsRoot(this.#options.runtimeDir);
    const kept = new Set([...keep].map(shortName));
    const found = await readdir(root).catch(() => []);
    for (const name of found) {
      if (kept.has(name)) continue;
      const changed = await stat(join(root, name)).catch(() => null);
      // The clock of the files is this machine's: no decision of access hangs on it.
      if (!changed || Date.now() - changed.mtimeMs < restMs) continue;
      await rm(join(root, name), { recursive: true, force: true });
    }
  }

  async health(): Promise<{ ok: true; engine: string } | { ok: false; message: string }> {
    try {
      const { docker, runtime } = this.#options;
      const { Version, ApiVersion } = await docker.version();
      const [major = 0, minor = 0] = ApiVersion.split('.').map(Number);
      if (major < API_LEAST[0] || (major === API_LEAST[0] && minor < API_LEAST[1]))
        return {
          ok: false,
          message: `The container engine speaks API ${ApiVersion}; ${API_LEAST.join('.')} is needed.`,
        };
      const fault = lacking((await docker.info()) as EngineInfo, runtime);
      if (fault) return { ok: false, message: fault };
      return { ok: true, engine: `Docker ${Version}, API ${ApiVersion}` };
    } catch (error) {
      return { ok: false, message: engineProblem(error, 'say its version').message };
    }
  }
}

type EngineInfo = {
  Runtimes?: Record<string, unknown>;
  MemoryLimit?: boolean;
  PidsLimit?: boolean;
  CpuCfsQuota?: boolean;
};

/** What the engine would leave out of a sandbox, with a warning that nobody reads; null where it has all of it. */
function lacking(info: EngineInfo, runtime: string | undefined): string | null {
  // Names with a dot are shims, which an engine finds without having been told of them.
  if (runtime && !runtime.includes('.') && info.Runtimes && !(runtime in info.Runtimes))
    return `The container engine has no runtime ${runtime} (SALLYPORT_SANDBOX_RUNTIME); it has ${Object.keys(info.Runtimes).sort().join(', ')}.`;
  const limits = { memory: info.MemoryLimit, processes: info.PidsLimit, CPU: info.CpuCfsQuota };
  const missing = Object.entries(limits).flatMap(([what, can]) => (can === false ? [what] : []));
  return missing.length > 0
    ? `The container engine cannot limit ${missing.join(', ')} on this machine: one session could take it from all others.`
    : null;
}

/** Resolves when the host has dialled. Rejects where the container ends first, or takes too long. */
async function ready(
  sandbox: DockerSandbox,
  dialled: Promise<void>,
  said: () => string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const late = Promise.withResolvers<never>();
  const fail = (what: string) =>
    late.reject(
      new Problem('sandbox-failed', 503, `The sandbox ${what}`, { next: ENGINE_NEXT, meta: { said: said() } }),
    );
  const timer = setTimeout(() => fail(`did not call within ${READY_MS / 1000} s.`), READY_MS);
  const abort = () => late.reject(signal!.reason);
  signal?.addEventListener('abort', abort, { once: true });
  void sandbox.exited.then(({ code, error }) => fail(`ended at its start (${error ?? `code ${code}`}): ${said()}`));
  try {
    signal?.throwIfAborted();
    await Promise.race([dialled, late.promise]);
  } catch (error) {
    await sandbox.release();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    // A rejection that comes after the race is nobody's.
    late.promise.catch(() => {});
  }
}
