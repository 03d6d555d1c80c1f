import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decide,
  extend,
  leftAlone,
  nextDeadline,
  renewAt,
  serviceAccountName,
  tokenLifetimeMs,
  warnAt,
  WARN_BEFORE_MS,
  type SessionClocks,
} from './access-session.ts';

const T0 = Date.UTC(2026, 0, 5, 9, 0, 0);
const at = (ms: number) => new Date(T0 + ms);
const MIN = 60_000;

const clocksOf = (over: Partial<SessionClocks> = {}): SessionClocks => ({
  openedAt: at(0),
  lastInputAt: at(0),
  detachedAt: null,
  hardCapAt: at(8 * 60 * MIN),
  idleMs: 15 * MIN,
  detachedMs: 5 * MIN,
  ...over,
});

const anyClocks = fc
  .record({
    input: fc.integer({ min: 0, max: 10 * 60 * MIN }),
    detached: fc.option(fc.integer({ min: 0, max: 10 * 60 * MIN })),
    cap: fc.integer({ min: MIN, max: 8 * 60 * MIN }),
    idle: fc.integer({ min: MIN, max: 24 * 60 * MIN }),
    leave: fc.integer({ min: 0, max: 24 * 60 * MIN }),
  })
  .map(({ input, detached, cap, idle, leave }) =>
    clocksOf({
      lastInputAt: at(input),
      detachedAt: detached === null ? null : at(detached),
      hardCapAt: at(cap),
      idleMs: idle,
      detachedMs: leave,
    }),
  );
const anyNow = fc.integer({ min: 0, max: 30 * 60 * MIN }).map(at);

describe('a session whose portal process is dead', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
  const session = {
    state: 'active',
    openedAt: at(0),
    lastInputAt: at(9),
    detachedAt: null,
    hardCapAt: at(480),
    idleMs: 15 * 60_000,
    detachedMs: 5 * 60_000,
  };

  it('waits for it as long as it would for its page', () => {
    expect(leftAlone(session, at(10), at(14))).toBeNull();
    expect(leftAlone(session, at(10), at(15))).toMatchObject({ reason: 'detached' });
    expect(leftAlone({ ...session, detachedAt: at(8) }, at(10), at(13))).toMatchObject({ reason: 'detached' });
  });

  it('idles out and meets its hard cap all the same', () => {
    expect(leftAlone({ ...session, idleMs: 60_000 }, at(10), at(10))).toMatchObject({ reason: 'idle' });
    expect(leftAlone({ ...session, hardCapAt: at(11) }, at(10), at(11))).toMatchObject({ reason: 'hard-cap' });
  });

  it.each(['opening', 'ending'])('ends at once where it was %s', (state) => {
    expect(leftAlone({ ...session, state }, at(10), at(10))).toMatchObject({ reason: 'fault' });
  });
});

describe('decide', () => {
  it.each([
    ['nothing is due', clocksOf(), 5 * MIN, null, { kind: 'wait', until: at(10 * MIN) }],
    ['five minutes before idling', clocksOf(), 10 * MIN, null, { kind: 'warn' }],
    ['warned already', clocksOf(), 12 * MIN, at(15 * MIN), { kind: 'wait', until: at(15 * MIN) }],
    ['idle', clocksOf(), 15 * MIN, at(15 * MIN), { kind: 'end', reason: 'idle' }],
    [
      'detached ends without a warning',
      clocksOf({ detachedAt: at(0) }),
      4 * MIN,
      null,
      { kind: 'wait', until: at(5 * MIN) },
    ],
    ['detached', clocksOf({ detachedAt: at(0) }), 5 * MIN, null, { kind: 'end', reason: 'detached' }],
    [
      'the hard cap beats input',
      clocksOf({ lastInputAt: at(59 * MIN), hardCapAt: at(60 * MIN) }),
      60 * MIN,
      null,
      { kind: 'end', reason: 'hard-cap' },
    ],
  ] as const)('%s', (_name, clocks, now, warned, expected) => {
    expect(decide(clocks, at(now), warned)).toMatchObject(expected);
  });

  it('ends at the deadline and never before', () => {
    fc.assert(
      fc.property(anyClocks, anyNow, (clocks, now) => {
        const ended = decide(clocks, now, null).kind === 'end';
        expect(ended).toBe(nextDeadline(clocks).at <= now);
      }),
    );
  });

  it('waits for a moment in the future, at which something else is decided', () => {
    fc.assert(
      fc.property(anyClocks, anyNow, (clocks, now) => {
        const decision = decide(clocks, now, null);
        if (decision.kind !== 'wait') return;
        expect(decision.until > now).toBe(true);
        expect(decide(clocks, decision.until, null).kind).not.toBe('wait');
      }),
    );
  });

  it('warns of a deadline once', () => {
    fc.assert(
      fc.property(anyClocks, anyNow, (clocks, now) => {
        const decision = decide(clocks, now, null);
        if (decision.kind !== 'warn') return;
        expect(decide(clocks, now, decision.deadline.at).kind).toBe('wait');
        expect(decision.deadline.at.getTime() - now.getTime()).toBeLessThanOrEqual(WARN_BEFORE_MS);
      }),
    );
  });

  it('a role with a short idle time is warned for half of it', () => {
    expect(warnAt(clocksOf({ idleMs: 2 * MIN }))).toEqual(at(MIN));
  });
});

describe('extend', () => {
  it('never moves the end past the hard cap, and never earlier', () => {
    fc.assert(
      fc.property(anyClocks, anyNow, (clocks, now) => {
        const after = nextDeadline(extend(clocks, now)).at;
        expect(after <= clocks.hardCapAt).toBe(true);
        expect(after >= nextDeadline(clocks).at).toBe(true);
      }),
    );
  });
});

describe('tokens', () => {
  it.each([
    ['eight hours left', 8 * 60 * MIN, 60 * MIN],
    ['half an hour left', 30 * MIN, 30 * MIN],
    ['one minute left', MIN, 10 * MIN],
    ['past the cap', -MIN, 10 * MIN],
  ])('%s', (_name, left, life) => {
    expect(tokenLifetimeMs(at(0), at(left))).toBe(life);
  });

  it('are renewed at half of their life, and not where they outlive the session', () => {
    expect(renewAt(at(0), at(60 * MIN), at(8 * 60 * MIN))).toEqual(at(30 * MIN));
    expect(renewAt(at(0), at(60 * MIN), at(60 * MIN))).toBeNull();
  });
});

it('account names are DNS labels that hold the person', () => {
  const label = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
  expect(serviceAccountName('ann', '01234567-89ab-cdef-0123-456789abcdef')).toBe('sp-ann-0123456789ab');
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?$/), fc.uuid(), (slug, id) => {
      expect(serviceAccountName(slug, id)).toMatch(label);
    }),
  );
});
