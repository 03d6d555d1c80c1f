/** The few calls of the C library that Node does not offer. Each is synchronous and takes about a microsecond. */
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import type Koffi from 'koffi';

// koffi's own entry looks for its native half in many places, which is a fifth of the host's start: 8 ms.
const koffi = createRequire(import.meta.url)(
  `@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`,
) as typeof Koffi;

const libc = koffi.load('libc.so.6');

const prctlCall = libc.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)');
const readCall = libc.func('long read(int fd, void *buffer, size_t count)');
const writeCall = libc.func('long write(int fd, const void *buffer, size_t count)');
const tcgetattrCall = libc.func('int tcgetattr(int fd, void *termios)');
const tcgetpgrpCall = libc.func('int tcgetpgrp(int fd)');
const ioctlCall = libc.func('int ioctl(int fd, ulong request, void *argument)');
const socketCall = libc.func('int socket(int domain, int type, int protocol)');
const setsockoptCall = libc.func('int setsockopt(int fd, int level, int option, const void *value, uint length)');
const bindCall = libc.func('int bind(int fd, const void *address, uint length)');
const waitidCall = libc.func('int waitid(int kind, uint id, void *info, int options)');

export const EAGAIN = 11;
const EINTR = 4;

export class LibcError extends Error {
  override name = 'LibcError';
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call} failed with errno ${errno}`);
    this.errno = errno;
  }
}

/** Throws LibcError. */
export function prctl(option: number, argument: number): void {
  if (prctlCall(option, argument, 0, 0, 0) !== 0) throw new LibcError('prctl', koffi.errno());
}

/** Bytes read into `buffer` from `at` on; 0 at the end; null where there is nothing now. Throws LibcError (EIO). */
export function readNow(fd: number, buffer: Buffer, at: number): number | null {
  for (;;) {
    const count = readCall(fd, buffer.subarray(at), buffer.length - at) as number;
    if (count >= 0) return count;
    const errno = koffi.errno();
    if (errno === EAGAIN) return null;
    if (errno !== EINTR) throw new LibcError('read', errno);
  }
}

/** Bytes taken; 0 where nothing can be taken now. Throws LibcError. */
export function writeNow(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const count = writeCall(fd, bytes, bytes.length) as number;
    if (count >= 0) return count;
    const errno = koffi.errno();
    if (errno === EAGAIN) return 0;
    if (errno !== EINTR) throw new LibcError('write', errno);
  }
}

// struct termios of Linux: four u32 of flags, u8 line, 32 control characters.
const termios = Buffer.alloc(64);
const ISIG = 0o1;
const ICANON = 0o2;
const ECHO = 0o10;
const NOFLSH = 0o200;

export type TerminalModes = {
  canonical: boolean;
  echo: boolean;
  /** Control characters that signal and drop what waits in the terminal's queue; empty where they do not. */
  interrupts: number[];
};

/** The modes of the terminal behind a PTY's master, or null once it is gone. */
export function terminalModes(fd: number): TerminalModes | null {
  if (tcgetattrCall(fd, termios) !== 0) return null;
  const flags = termios.readUInt32LE(12);
  const interrupting = (flags & ISIG) !== 0 && (flags & NOFLSH) === 0;
  // VINTR, VQUIT, VSUSP; 0 is "disabled".
  const interrupts = interrupting ? [termios[17]!, termios[18]!, termios[27]!].filter((char) => char !== 0) : [];
  return { canonical: (flags & ICANON) !== 0, echo: (flags & ECHO) !== 0, interrupts };
}

/** The foreground process group of the terminal behind a PTY's master; 0 where there is none. */
export function foregroundGroup(fd: number): number {
  return Math.max(0, tcgetpgrpCall(fd) as number);
}

const FIONREAD = 0x541b;
const count = Buffer.alloc(4);

/** Bytes that wait to be read from a terminal's slave. */
export function waitingInput(slave: number): number {
  return ioctlCall(slave, FIONREAD, count) === 0 ? count.readInt32LE(0) : 0;
}

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;

/** A TCP socket on 127.0.0.1, as libuv makes them, for `server.listen({ fd })`. Throws LibcError (EADDRINUSE: 98). */
export function loopbackSocket(port: number): number {
  const fd = socketCall(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) as number;
  if (fd < 0) throw new LibcError('socket', koffi.errno());
  const on = Buffer.from(Uint32Array.of(1).buffer);
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  const call =
    setsockoptCall(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length) !== 0
      ? 'setsockopt'
      : bindCall(fd, address, address.length) !== 0
        ? 'bind'
        : null;
  if (call === null) return fd;
  const errno = koffi.errno();
  closeSync(fd);
  throw new LibcError(call, errno);
}

const P_ALL = 0;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
// siginfo_t is 128 bytes: three ints, padding to 16, and for SIGCHLD si_pid there.
const siginfo = Buffer.alloc(128);

/** The process id of some child that exited and has not been reaped, or 0. It stays unreaped. */
export function exitedChild(): number {
  siginfo.fill(0);
  if (waitidCall(P_ALL, 0, siginfo, WEXITED | WNOHANG | WNOWAIT) !== 0) return 0;
  return siginfo.readInt32LE(16);
}

export function reap(pid: number): void {
  waitidCall(P_PID, pid, siginfo, WEXITED | WNOHANG);
}

/** Loads a seccomp filter for every thread of this process, and so for all its children. Throws LibcError. */
export function loadSeccompFilter(program: Buffer): void {
  const call = { x64: 317, arm64: 277 }[process.arch as 'x64' | 'arm64'];
  const fprog = koffi.struct({ length: 'uint16', filter: 'uint8_t *' });
  const syscall = libc.func('syscall', 'long', ['long', 'ulong', 'ulong', koffi.pointer(fprog)]);
  const SECCOMP_SET_MODE_FILTER = 1;
  const SECCOMP_FILTER_FLAG_TSYNC = 1;
  const result = syscall(call, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, {
    length: program.length / 8,
    filter: program,
  }) as number;
  if (result !== 0) throw new LibcError('seccomp', result > 0 ? result : koffi.errno());
}

/**
 * Ignores a signal by rt_sigaction(2) itself, since the C library keeps signals 32 and 33 to itself and Node knows no
 * real-time ones. Throws LibcError.
 */
export function ignoreSignal(signal: number): void {
  const call = { x64: 13, arm64: 134 }[process.arch as 'x64' | 'arm64'];
  const syscall = libc.func('syscall', 'long', ['long', 'long', 'uint8_t *', 'void *', 'ulong']);
  // struct kernel_sigaction: handler, flags, restorer, mask; SIG_IGN is 1.
  const action = Buffer.alloc(32);
  action.writeUInt8(1, 0);
  if ((syscall(call, signal, action, null, 8) as number) !== 0) throw new LibcError('rt_sigaction', koffi.errno());
}
