/** What a sandbox's container is made of. Each line is one of security.md's. */
import type { ContainerCreateOptions } from 'dockerode';
import type { SandboxLabels } from '../../server/ports/sandbox-runtime.ts';
import type { SandboxLimits } from './options.ts';

export const PORTAL_LABEL = 'sallyport.portal';
export const REPLICA_LABEL = 'sallyport.replica';
export const SANDBOX_LABEL = 'sallyport.session';

const USER = 'uid=1000,gid=1000';
const MIB = 1024 * 1024;
/** kubectl, git and shells with their pipes stay far below; the kernel's tables are everybody's. */
const OPEN_FILES = 4096;

export type SpecInput = {
  image: string;
  labels: SandboxLabels;
  limits: SandboxLimits;
  /** The folder with the sockets as the engine names it; null where streams travel through exec. */
  socketFolder: string | null;
  runtime: string | undefined;
};

export function containerSpec({ image, labels, limits, socketFolder, runtime }: SpecInput): ContainerCreateOptions {
  const half = Math.floor(limits.memory / 2);
  return {
    Image: image,
    Cmd: ['--way', socketFolder ? 'sockets' : 'exec'],
    User: '1000:1000',
    Hostname: 'sandbox',
    // An own image's would reach the session host, and could open an inspector in it or load code into it.
    Env: ['NODE_OPTIONS='],
    Labels: {
      [PORTAL_LABEL]: labels.portal,
      [REPLICA_LABEL]: labels.replica,
      [SANDBOX_LABEL]: labels.sandbox,
    },
    // The secret comes on standard input, which ends after it.
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: {
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Memory: limits.memory,
      MemorySwap: limits.memory,
      PidsLimit: limits.pids,
      NanoCpus: Math.round(limits.cpus * 1e9),
      ShmSize: 16 * MIB,
      Ulimits: [
        { Name: 'fsize', Soft: limits.fileSize, Hard: limits.fileSize },
        { Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      Tmpfs: {
        '/home/sallyport': `rw,exec,nosuid,nodev,size=${limits.home ?? half},mode=0700,${USER}`,
        '/tmp': `rw,exec,nosuid,nodev,size=${half},mode=1777`,
        '/run/sallyport-user': `rw,noexec,nosuid,nodev,size=${MIB},mode=0700,${USER}`,
      },
      Mounts: socketFolder ? [{ Type: 'bind', Source: socketFolder, Target: '/run/sallyport', ReadOnly: true }] : [],
      LogConfig: { Type: 'none', Config: {} },
      IpcMode: 'private',
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      ...(runtime ? { Runtime: runtime } : {}),
    },
  };
}
