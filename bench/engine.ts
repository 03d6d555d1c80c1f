/** Containers for the peers: the sandbox's own image under the sandbox's own limits, without Sallyport around them. */
import type { Duplex } from 'node:stream';
import Docker from 'dockerode';
import { Outlet, type BenchTerminal } from './terminal.ts';

export type Peers = AsyncDisposable & {
  readonly engine: Docker;
  /** A running container like the given one, idling; `network` replaces "none", `binds` are added. */
  start(options?: { network?: string; binds?: string[] }): Promise<Docker.Container>;
  /** `docker run -it … bash`: resolves with its terminal and the container. */
  run(): Promise<{ terminal: BenchTerminal; container: Docker.Container }>;
  /** `docker exec -it … bash`. */
  exec(container: Docker.Container, command?: string[]): Promise<BenchTerminal>;
};

/** Copies image, user and limits of one of the portal's own running sandboxes, found by its session. */
export async function peersLike(engineSocket: string, session: string): Promise<Peers> {
  const engine = new Docker({ socketPath: engineSocket });
  const [found] = await engine.listContainers({ filters: { label: [`sallyport.session=${session}`] } });
  if (!found) throw new Error(`no container carries the label sallyport.session=${session}`);
  const model = await engine.getContainer(found.Id).inspect();
  const made = new Set<Docker.Container>();

  const create = async (command: string[], extra: Docker.ContainerCreateOptions, host: Docker.HostConfig = {}) => {
    const { Memory, MemorySwap, NanoCpus, CpuQuota, CpuPeriod, PidsLimit, Ulimits, CapDrop, SecurityOpt } =
      model.HostConfig;
    const { ReadonlyRootfs, Tmpfs, NetworkMode, LogConfig, ShmSize, OomScoreAdj } = model.HostConfig;
    const limits = { Memory, MemorySwap, NanoCpus, CpuQuota, CpuPeriod, PidsLimit, Ulimits, CapDrop, SecurityOpt };
    const container = await engine.createContainer({
      Image: model.Config.Image,
      User: model.Config.User,
      WorkingDir: model.Config.WorkingDir,
      Env: model.Config.Env,
      Entrypoint: command,
      Labels: { 'sallyport.bench': String(process.pid) },
      ...extra,
      HostConfig: {
        ...definedOf({ ...limits, ReadonlyRootfs, Tmpfs, NetworkMode, LogConfig, ShmSize, OomScoreAdj }),
        ...host,
      },
    });
    made.add(container);
    return container;
  };

  return {
    engine,
    async start({ network, binds } = {}) {
      const container = await create(
        ['sleep', 'infinity'],
        { Tty: false },
        { ...(network ? { NetworkMode: network } : {}), ...(binds ? { Binds: binds } : {}), Init: true },
      );
      await container.start();
      return container;
    },
    async run() {
      const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
      const container = await create(['bash'], { Tty: true, OpenStdin: true, ...streams });
      const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
      const terminal = overStream(stream as Duplex);
      await container.start();
      return { terminal, container };
    },
    async exec(container, command = ['bash']) {
      const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
      const exec = await container.exec({ Cmd: command, Tty: true, ...streams });
      return overStream(await exec.start({ hijack: true, stdin: true, Tty: true }));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...made].map((container) => container.remove({ force: true, v: true }).catch(() => {})));
    },
  };
}

/** The engine refuses some fields as null that it reports as null. */
function definedOf<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null && field !== undefined)) as T;
}

function overStream(stream: Duplex): BenchTerminal {
  const outlet = new Outlet();
  const terminal: BenchTerminal = {
    listen: outlet.listen,
    write: (bytes) => void stream.write(bytes),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    async close() {
      stream.destroy();
    },
  };
  stream.on('data', (bytes: Buffer) => outlet.push(bytes));
  stream.on('error', () => {});
  return terminal;
}
