import { describe, expect, it } from 'vitest';
import { ClusterAccount } from './cluster-account.ts';
import type { AccountsPart } from './parts.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const MIN = 60_000;

/** A cluster's memory: which accounts there are, and how many tokens it gave. */
function clusterWith(over: Partial<AccountsPart> = {}) {
  const clock = { now: Date.UTC(2026, 0, 5) };
  const state = { accounts: new Set<string>(), tokens: 0, lifetimes: [] as number[] };
  const give = async (lifetimeMs: number) => {
    state.lifetimes.push(lifetimeMs);
    return { token: `token-${++state.tokens}`, expiresAt: new Date(clock.now + lifetimeMs) };
  };
  const accounts: AccountsPart = {
    create: async (_cluster, { sessionId }, lifetimeMs) => (state.accounts.add(sessionId), give(lifetimeMs)),
    renew: (_cluster, _name, lifetimeMs) => give(lifetimeMs),
    remove: async (_cluster, sessionId) => void state.accounts.delete(sessionId),
    list: async () => [...state.accounts].map((sessionId) => ({ sessionId })),
    ...over,
  };
  const account = new ClusterAccount(
    { accounts, now: () => new Date(clock.now), log: quiet },
    'cluster',
    { sessionId: 's', serviceAccount: 'sp-ann-s', clusterRoles: ['edit'], namespaces: [] },
    new Date(clock.now + 8 * 60 * MIN),
  );
  return { account, clock, state };
}
const signal = () => new AbortController().signal;

describe('a session’s account', () => {
  it('gives calls its token, which waits for the account', async () => {
    const { account, state } = clusterWith();
    const made = account.create();
    expect(await Promise.all([account.token(signal()), account.token(signal()), made])).toMatchObject([
      'token-1',
      'token-1',
      undefined,
    ]);
    expect(state.lifetimes).toEqual([60 * MIN]);
  });

  it('says why it could not be made, to whoever waits', async () => {
    const { account } = clusterWith({ create: () => Promise.reject(new Error('forbidden')) });
    account.create().catch(() => {});
    await expect(account.token(signal())).rejects.toThrow('forbidden');
  });

  it('renews at half of the life, once, and never past the hard cap', async () => {
    const { account, clock, state } = clusterWith();
    await account.create();
    clock.now += 29 * MIN;
    account.renewIfDue();
    expect(state.tokens).toBe(1);
    clock.now += MIN;
    account.renewIfDue();
    account.renewIfDue();
    await expect.poll(() => state.tokens).toBe(2);
    expect(await account.token(signal())).toBe('token-2');
    clock.now += 7 * 60 * MIN + 25 * MIN; // five minutes before the cap
    await account.token(signal());
    expect(state.lifetimes.at(-1)).toBe(10 * MIN);
    clock.now += 6 * MIN;
    account.renewIfDue();
    expect(state.tokens).toBe(3);
  });

  it('fetches a token after a restart, when one is first needed', async () => {
    const { account, state } = clusterWith();
    account.resume();
    expect(state.tokens).toBe(0);
    expect(await account.token(signal())).toBe('token-1');
  });

  it('is not given out once it is being removed', async () => {
    const { account } = clusterWith();
    await account.create();
    const removed = account.remove();
    await expect(account.token(signal())).rejects.toMatchObject({ code: 'session-ended' });
    await removed;
  });

  it('is removed after its creation, never before', async () => {
    const started = Promise.withResolvers<void>();
    const order: string[] = [];
    const { account } = clusterWith({
      create: async () => {
        await started.promise;
        order.push('created');
        return { token: 't', expiresAt: new Date() };
      },
      remove: async () => void order.push('removed'),
    });
    account.create().catch(() => {});
    const removed = account.remove();
    started.resolve();
    await removed;
    expect(order).toEqual(['created', 'removed']);
  });

  it('a call that is given up stops waiting', async () => {
    const { account } = clusterWith({ create: () => new Promise(() => {}) });
    void account.create();
    const abort = new AbortController();
    const waiting = account.token(abort.signal);
    abort.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
  });
});
