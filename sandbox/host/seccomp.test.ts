import { expect, test } from 'vitest';
import { seccompProgram } from './seccomp.ts';

const ALLOW = 0x7fff0000;
const EPERM = 0x00050001;
const X64 = 0xc000003e;
const ARM64 = 0xc00000b7;

/** What the kernel answers a call with: the filter's few instructions, carried out. */
function answer(arch: 'x64' | 'arm64', call: { arch: number; nr: number; args?: number[] }): number {
  const program = seccompProgram(arch);
  let accumulator = 0;
  for (let at = 0; ; at += 1) {
    const code = program.readUInt16LE(at * 8);
    const k = program.readUInt32LE(at * 8 + 4);
    const jump = (taken: boolean) => (at += program.readUInt8(at * 8 + (taken ? 2 : 3)));
    if (code === 0x06) return k;
    else if (code === 0x20) accumulator = k === 0 ? call.nr : k === 4 ? call.arch : (call.args?.[(k - 16) / 8] ?? 0);
    else if (code === 0x15) jump(accumulator === k);
    else if (code === 0x35) jump(accumulator >= k);
    else throw new Error(`no instruction ${code} is used`);
  }
}

test.each<['x64' | 'arm64', number, number, string]>([
  ['x64', X64, 101, 'ptrace'],
  ['x64', X64, 310, 'process_vm_readv'],
  ['x64', X64, 311, 'process_vm_writev'],
  ['x64', X64, 438, 'pidfd_getfd'],
  ['x64', X64, 425, 'io_uring_setup'],
  ['x64', X64, 0x40000000 + 101, 'ptrace by x32'],
  ['x64', X64, 0x40000000 + 1, 'write by x32'],
  ['x64', 0x40000003, 26, 'ptrace by i386'],
  ['arm64', ARM64, 117, 'ptrace'],
  ['arm64', ARM64, 270, 'process_vm_readv'],
  ['arm64', 0x40000028, 26, 'ptrace by arm'],
])('%s refuses (arch %d, call %d: %s)', (arch, machine, nr) => {
  expect(answer(arch, { arch: machine, nr })).toBe(EPERM);
});

test.each([
  ['x64', X64, [0, 1, 59, 231, 257, 435]],
  ['arm64', ARM64, [63, 64, 221, 220, 56]],
] as const)('%s allows reading, writing, forking, executing, opening', (arch, machine, calls) => {
  for (const nr of calls) expect(answer(arch, { arch: machine, nr })).toBe(ALLOW);
});

test.each([
  ['x64', X64, 302, 0],
  ['x64', X64, 203, 0],
  ['x64', X64, 141, 1],
  ['arm64', ARM64, 261, 0],
  ['arm64', ARM64, 140, 1],
] as const)('%s: limits and priorities are one’s own to change (call %d %d)', (arch, machine, nr, argument) => {
  const args = [0, 0];
  expect(answer(arch, { arch: machine, nr, args })).toBe(ALLOW);
  args[argument] = 1;
  expect(answer(arch, { arch: machine, nr, args })).toBe(EPERM);
});
