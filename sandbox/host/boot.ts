/** What the host does before anything else: take its secret, hide itself, and become what nothing inside can end. */
import { openSync, readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { SECRET_BYTES } from '../../protocol/handshake.ts';
import { exitedChild, ignoreSignal, loadSeccompFilter, prctl, reap } from './libc.ts';
import { seccompProgram } from './seccomp.ts';

const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;

/** The secret: one line of base64url on standard input. Blocks until it is there; throws where it is not one. */
export function readSecret(): Buffer {
  const line = Buffer.alloc(128);
  let length = 0;
  while (length < line.length && line.indexOf(0x0a) < 0) {
    const count = readSync(0, line, length, line.length - length, null);
    if (count === 0) break;
    length += count;
  }
  const secret = Buffer.from(line.toString('latin1', 0, length).trim(), 'base64url');
  line.fill(0);
  if (secret.length !== SECRET_BYTES) throw new Error('standard input held no secret');
  return secret;
}

/** The kernel takes the shell's programs before the session host when the sandbox's memory is used up. */
const SHELL_OOM_SCORE = '500';

/**
 * Runs `start` so that what it starts gets the shell's OOM score from its first moment. To be made before `harden`,
 * after which the file of one's own score can no longer be opened.
 */
export function oomScores(): <T>(start: () => T) => T {
  const own = openSync('/proc/self/oom_score_adj', 'r+');
  const before = Buffer.alloc(8);
  const length = readSync(own, before, 0, before.length, 0);
  return (start) => {
    writeSync(own, SHELL_OOM_SCORE, 0);
    try {
      return start();
    } finally {
      writeSync(own, before.toString('latin1', 0, length), 0);
    }
  };
}

/**
 * Programs of the same user can then neither read this process's memory, environment and descriptors through /proc
 * (not dumpable) nor reach into it by a system call (the filter); children inherit the filter.
 */
export function harden(): void {
  if (process.arch !== 'x64' && process.arch !== 'arm64')
    throw new Error(`the session host has no system call filter for ${process.arch}`);
  prctl(PR_SET_DUMPABLE, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1);
  loadSeccompFilter(seccompProgram(process.arch));
}

/**
 * PID 1 gets only the signals it has a handler for. Node has handlers for some that would end it (SIGTERM, SIGINT),
 * so each gets one of ours that does nothing. SIGUSR1 needs `--disable-sigusr1` as well.
 */
export function ignoreSignals(): void {
  for (const signal of Object.keys(constants.signals) as NodeJS.Signals[]) {
    // Not catchable; or libuv's own business (SIGCHLD), or raised by the machine for a fault of our own.
    if (['SIGKILL', 'SIGSTOP', 'SIGCHLD', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGABRT'].includes(signal))
      continue;
    try {
      process.on(signal, () => {});
    } catch {
      // Some names are not signals that can be handled here (SIGPROF while profiling, say).
    }
  }
  // The kernel drops what PID 1 has no handler for, with one gap: a signal that comes while one thread blocks it, as
  // every handler of libuv does, goes to another thread and ends the process. So none is left at its default.
  for (let realTime = 32; realTime <= 64; realTime++) ignoreSignal(realTime);
}

/**
 * Orphans become children of PID 1 and stay as zombies unless it waits for them. The shell is left to the thread that
 * waits for it and knows its exit code; a child that is looked at first stays until that thread has it.
 */
export function reapOrphans(shell: () => number): void {
  const sweep = () => {
    for (;;) {
      const pid = exitedChild();
      if (pid === 0) return;
      if (pid === shell()) {
        setTimeout(sweep, 10).unref();
        return;
      }
      reap(pid);
    }
  };
  process.on('SIGCHLD', sweep);
}
