/**
 * The session host's own system call filter, on top of the engine's. The host and the person's shell run as one user,
 * so what one process may do to another of its user is refused: reading memory, taking descriptors, and changing
 * limits or priorities of another process (`prlimit --pid 1 --cpu=1` would end the host).
 */
import type { Buffer as NodeBuffer } from 'node:buffer';

type Arch = 'x64' | 'arm64';

/** Refused whatever their arguments: [x64, arm64]. */
const REFUSED: Record<string, [number, number]> = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  process_madvise: [440, 440],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  // What io_uring does for a process passes no filter. The ring that the host's own event loop has stays usable.
  io_uring_setup: [425, 425],
};

/** Allowed only for oneself, that is where the argument at the index is 0: [x64, arm64, argument]. */
const OWN_ONLY: Record<string, [number, number, number]> = {
  prlimit64: [302, 261, 0],
  sched_setaffinity: [203, 122, 0],
  sched_setscheduler: [144, 119, 0],
  sched_setparam: [142, 118, 0],
  sched_setattr: [314, 274, 0],
  setpriority: [141, 140, 1],
  ioprio_set: [251, 30, 1],
};

const AUDIT_ARCH: Record<Arch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };
/** Calls of the x32 ABI carry this bit; they would be the same calls under other numbers. */
const X32_BIT = 0x40000000;

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const JUMP_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const JUMP_GREATER_EQUAL = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K
const ALLOW = 0x7fff0000;
const EPERM = 0x00050001; // SECCOMP_RET_ERRNO | EPERM

// struct seccomp_data: nr, arch, instruction_pointer, args[6]
const NR_AT = 0;
const ARCH_AT = 4;
/** Process ids are 32 bits, the low half on both machines (little endian). */
const argumentAt = (index: number) => 16 + 8 * index;

/** The filter as an array of struct sock_filter for seccomp(2). */
export function seccompProgram(arch: Arch): NodeBuffer {
  const column = arch === 'x64' ? 0 : 1;
  const ops: [code: number, jt: number, jf: number, k: number][] = [
    [LOAD, 0, 0, ARCH_AT],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH[arch]],
    [RETURN, 0, 0, EPERM],
    [LOAD, 0, 0, NR_AT],
  ];
  if (arch === 'x64') ops.push([JUMP_GREATER_EQUAL, 0, 1, X32_BIT], [RETURN, 0, 0, EPERM]);
  for (const numbers of Object.values(REFUSED)) ops.push([JUMP_EQUAL, 0, 1, numbers[column]!], [RETURN, 0, 0, EPERM]);
  for (const numbers of Object.values(OWN_ONLY))
    ops.push(
      [JUMP_EQUAL, 0, 4, numbers[column]!],
      [LOAD, 0, 0, argumentAt(numbers[2])],
      [JUMP_EQUAL, 1, 0, 0],
      [RETURN, 0, 0, EPERM],
      [RETURN, 0, 0, ALLOW],
    );
  ops.push([RETURN, 0, 0, ALLOW]);

  const program = Buffer.alloc(ops.length * 8);
  ops.forEach(([code, jt, jf, k], index) => {
    program.writeUInt16LE(code, index * 8);
    program.writeUInt8(jt, index * 8 + 2);
    program.writeUInt8(jf, index * 8 + 3);
    program.writeUInt32LE(k, index * 8 + 4);
  });
  return program;
}
