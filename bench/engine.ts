/** Containers for the peers: the sandbox's own image under the sandbox's own limits, without Sallyport around them. */
import type { Duplex } from 'node:stream';
import { spawn } from '@lydell/node-pty';
import Docker from 'dockerode';
import { Outlet, type BenchTerminal } from './terminal.ts';

export type Peers = AsyncDisposable & {
  readonly engine: Docker;
  /** A running container like the given one, idling; `network` replaces "none", `binds` are added. */
  start(options?: { network?: string; binds?: string[] }): Promise<Docker.Container>;
  /** What `docker run -it … bash` asks of the engine, without the client's own start. */
  run(): Promise<{ terminal: BenchTerminal; container: Docker.Container }>;
  /** What `docker exec -it … bash` asks of the engine, without the client's own start. */
  exec(container: Docker.Container, command?: string[]): Promise<BenchTerminal>;
  /** `docker run --rm -it … bash`, as a person types it; its end removes the container. */
  runCommand(): BenchTerminal;
  /** `docker exec -it … bash`, as a person types it. */
  execCommand(container: Docker.Container): BenchTerminal;
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
    runCommand: () => command(engineSocket, ['run', '--rm', '-it', ...runFlags(model), model.Config.Image]),
    execCommand: (container) => command(engineSocket, ['exec', '-it', container.id, 'bash']),
    async [Symbol.asyncDispose]() {
      await Promise.all([...made].map((container) => container.remove({ force: true, v: true }).catch(() => {})));
    },
  };
}

/** The same limits in the words of `docker run`. */
function runFlags({ Config, HostConfig }: Docker.ContainerInspectInfo): string[] {
  const flags = {
    network: HostConfig.NetworkMode,
    memory: HostConfig.Memory,
    'memory-swap': HostConfig.MemorySwap,
    cpus: (HostConfig.NanoCpus ?? 0) / 1e9,
    'pids-limit': HostConfig.PidsLimit,
    'shm-size': HostConfig.ShmSize,
    'log-driver': HostConfig.LogConfig?.Type,
    user: Config.User,
    workdir: Config.WorkingDir,
    entrypoint: 'bash',
    label: `sallyport.bench=${process.pid}`,
  };
  return [
    ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    ...(HostConfig.ReadonlyRootfs ? ['--read-only'] : []),
    ...(HostConfig.CapDrop ?? []).map((capability: string) => `--cap-drop=${capability}`),
    ...(HostConfig.SecurityOpt ?? []).map((option: string) => `--security-opt=${option}`),
    ...(HostConfig.Ulimits ?? []).map(({ Name, Soft, Hard }) => `--ulimit=${Name}=${Soft}:${Hard}`),
    ...Object.entries((HostConfig.Tmpfs ?? {}) as Record<string, string>).map(
      ([path, options]) => `--tmpfs=${path}:${options}`,
    ),
    ...(Config.Env ?? []).map((variable: string) => `--env=${variable}`),
  ];
}

/** The engine's own client at a terminal. */
function command(engineSocket: string, args: string[]): BenchTerminal {
  const client = spawn('docker', ['--host', `unix://${engineSocket}`, ...args], {
    cols: 80,
    rows: 24,
    encoding: null,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', TERM: 'xterm-256color' },
  });
  const outlet = new Outlet();
  // Without an encoding it is bytes that come, whatever the type says.
  client.onData((bytes) => outlet.push(bytes as unknown as Buffer));
  const ended = new Promise<void>((resolve) => client.onExit(() => resolve()));
  return {
    listen: outlet.listen,
    write: (bytes) => client.write(bytes as string),
    pause: () => client.pause(),
    resume: () => client.resume(),
    async close() {
      // Ends the shell, and so the client by itself: a killed one would leave its container running.
      client.write('exit\r');
      await ended;
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
