import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxExit } from '../ports/sandbox-runtime.ts';
import type { EquippedSandbox } from './sandboxes.ts';
import { WarmPool } from './warm-pool.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** A place where sandboxes are counted: `running` holds those that were made and not removed. */
function place() {
  const running = new Map<string, (exit: SandboxExit) => void>();
  const state = { down: false, attempts: 0, running, silent: new Set<string>() };
  const make = async (id: string): Promise<EquippedSandbox> => {
    state.attempts++;
    if (state.down) throw new Error('the engine does not answer');
    const { promise: exited, resolve } = Promise.withResolvers<SandboxExit>();
    running.set(id, resolve);
    const remove = async () => void running.delete(id);
    return {
      id,
      secret: Buffer.alloc(32),
      terminal: {
        get answering() {
          return !state.silent.has(id);
        },
      },
      sandbox: { labels: { portal: 'p', sandbox: id }, container: id, exited, release: async () => {}, remove },
    } as unknown as EquippedSandbox;
  };
  const discard = (made: EquippedSandbox) => made.sandbox.remove();
  return { state, sandboxes: { make, discard } };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const opened = (size = 2) => {
  const { state, sandboxes } = place();
  const pool = new WarmPool({ sandboxes, size, log: quiet, calmMs: 1_000 });
  pool.start();
  return { pool, state };
};

describe('the warm pool', () => {
  it('fills up, and no further', async () => {
    const { pool, state } = opened();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(pool.ready).toBe(2);
    expect(state.running.size).toBe(2);
    expect(pool.ids().sort()).toEqual([...state.running.keys()].sort());
  });

  it('hands each out once and leaves the claimer the machine for a while', async () => {
    const { pool, state } = opened();
    await vi.advanceTimersByTimeAsync(10);
    const first = pool.take()!;
    const second = pool.take()!;
    expect(first.id).not.toBe(second.id);
    expect(pool.take()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(999);
    expect(state.attempts).toBe(2);
    await vi.advanceTimersByTimeAsync(2);
    expect(pool.ready).toBe(2);
  });

  it('knows a sandbox from before it is made until it is a session’s', async () => {
    const { pool } = opened(1);
    await vi.advanceTimersByTimeAsync(0);
    const taken = pool.take()!;
    expect(pool.ids()).toContain(taken.id);
    pool.claimed(taken);
    expect(pool.ids()).not.toContain(taken.id);
  });

  it('takes back what was told nothing', async () => {
    const { pool } = opened(1);
    await vi.advanceTimersByTimeAsync(0);
    const taken = pool.take()!;
    pool.giveBack(taken);
    expect(pool.take()?.id).toBe(taken.id);
  });

  it('replaces one that stops by itself', async () => {
    const { pool, state } = opened(1);
    await vi.advanceTimersByTimeAsync(0);
    const [[id, stop]] = [...state.running] as [[string, (exit: SandboxExit) => void]];
    stop({ code: 137, oomKilled: false, error: null });
    await vi.advanceTimersByTimeAsync(0);
    expect(pool.ready).toBe(0);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(pool.ready).toBe(1);
    expect([...state.running.keys()]).not.toContain(id);
  });

  it('tries again ever more rarely while the engine is away, and is well once it is back', async () => {
    const { pool, state } = opened(1);
    state.down = true;
    await vi.advanceTimersByTimeAsync(0);
    expect(pool.error?.message).toMatch(/does not answer/);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(state.attempts).toBeLessThan(10);
    state.down = false;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(pool.ready).toBe(1);
    expect(pool.error).toBeUndefined();
  });

  it('tries at once when it is told that the engine is back', async () => {
    const { pool, state } = opened(1);
    state.down = true;
    await vi.advanceTimersByTimeAsync(20_000);
    state.down = false;
    pool.retry();
    await vi.advanceTimersByTimeAsync(10);
    expect(pool.ready).toBe(1);
  });

  it('hands out none whose session host does not answer', async () => {
    const { pool, state } = opened(2);
    await vi.advanceTimersByTimeAsync(10);
    const [first, second] = pool.ids() as [string, string];
    state.silent.add(first);
    expect(pool.ready).toBe(1);
    expect(pool.take()!.id).toBe(second);
    expect(pool.take()).toBeUndefined();
    state.silent.delete(first);
    expect(pool.take()!.id).toBe(first);
  });

  it('leaves nothing when it is disposed of', async () => {
    const { pool, state } = opened();
    await vi.advanceTimersByTimeAsync(0);
    const taken = pool.take()!;
    await pool[Symbol.asyncDispose]();
    expect([...state.running.keys()]).toEqual([taken.id]);
    pool.giveBack(taken);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(state.running.size).toBe(0);
  });
});
