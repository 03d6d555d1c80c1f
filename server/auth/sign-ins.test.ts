import { expect, test } from 'vitest';
import type { AuditEvent } from '../domain/audit-codes.ts';
import type { UserRow } from '../../db/queries/users.ts';
import { Problem } from '../domain/problem.ts';
import { SignIns } from './sign-ins.ts';

const ada = { id: '7', name: 'Ada', email: 'ada@example.org' } as UserRow;
const request = { address: '203.0.113.9', userAgent: 'x', correlationId: 'c' };
const right = { provider: 'local', email: 'Ada@example.org', password: 'right' } as const;
const wrong = { ...right, password: 'wrong' };

function signIns(options: { audit?: (event: AuditEvent) => void; before?: () => Promise<void> } = {}) {
  const clock = { ms: 1_000_000 };
  const events: AuditEvent[] = [];
  const live = new Set<string>();
  let next = 0;
  const service = new SignIns({
    redeem: {
      local: async ({ password }) => {
        await options.before?.();
        return password === 'right' ? ada : undefined;
      },
      oidc: async () => {
        throw new Problem('id-token-refused', 401, 'no');
      },
    },
    settle: async () => ada,
    webSessions: {
      async start() {
        const id = `session-${++next}`;
        live.add(id);
        return { token: `token-${next}`, session: { id } };
      },
      async end({ id }) {
        live.delete(id);
        return [id];
      },
    },
    audit: {
      async record(event) {
        options.audit?.(event);
        events.push(event);
      },
    },
    now: () => new Date(clock.ms),
  });
  return { service, clock, events, live };
}

test('a proof signs in the browser whose request it belongs to', async () => {
  const { service, events, live } = signIns();
  const id = service.begin(request);
  expect(await service.redeem(id, right)).toEqual({ id: '7', name: 'Ada', email: 'ada@example.org' });
  expect(service.finish(id)).toBe('token-1');
  expect(live).toEqual(new Set(['session-1']));
  expect(events.map(({ code }) => code)).toEqual(['sign-in.succeeded']);
});

test('an id is good once: replayed, finished, expired, made up', async () => {
  const { service, clock, live } = signIns();
  const replayed = { code: 'sign-in-replayed', status: 401 };
  const id = service.begin(request);
  await service.redeem(id, right);
  await expect(service.redeem(id, right)).rejects.toMatchObject(replayed);
  service.finish(id);
  await expect(service.redeem(id, right)).rejects.toMatchObject(replayed);
  expect(service.finish(id)).toBeUndefined();
  const slow = service.begin(request);
  clock.ms += 60_000;
  await expect(service.redeem(slow, right)).rejects.toMatchObject(replayed);
  await expect(service.redeem('A'.repeat(43), right)).rejects.toMatchObject(replayed);
  expect(live.size).toBe(1);
});

test('the same id twice at once makes one sign-in', async () => {
  const { service, live } = signIns({ before: async () => undefined });
  const id = service.begin(request);
  const results = await Promise.allSettled([
    service.redeem(id, right),
    service.redeem(id, right),
    service.redeem(id, right),
  ]);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(live.size).toBe(1);
});

test('a sign-in whose request was given up is ended, before and after it was redeemed', async () => {
  const gate = Promise.withResolvers<void>();
  const { service, live } = signIns({ before: () => gate.promise });
  const during = service.begin(request);
  const redeeming = service.redeem(during, right);
  await service.abandon(during);
  gate.resolve();
  await redeeming;
  const after = service.begin(request);
  await service.redeem(after, right);
  await service.abandon(after);
  expect(live.size).toBe(0);
});

test('five wrong passwords for one account from one address, then even the right one waits', async () => {
  const { service, clock, events } = signIns();
  for (let i = 0; i < 5; i++)
    await expect(service.redeem(service.begin(request), wrong)).rejects.toMatchObject({ code: 'wrong-password' });
  await expect(service.redeem(service.begin(request), right)).rejects.toMatchObject({
    code: 'sign-in-limited',
    status: 429,
    meta: { retryAfterSeconds: '900' },
  });
  expect(events.at(-1)).toMatchObject({ code: 'sign-in.limited', clientAddress: request.address });
  // Somebody else's failures do not lock the person out at their own place.
  await service.redeem(service.begin({ ...request, address: '198.51.100.1' }), right);
  clock.ms += 15 * 60_000;
  await service.redeem(service.begin(request), right);
});

test('many at once are counted before they are tried', async () => {
  const { service } = signIns();
  const tries = Array.from({ length: 40 }, () =>
    service.redeem(service.begin(request), wrong).catch((error: Problem) => error.code),
  );
  const codes = await Promise.all(tries);
  expect(codes.filter((code) => code === 'wrong-password')).toHaveLength(5);
  expect(codes.filter((code) => code === 'sign-in-limited')).toHaveLength(35);
});

test('an account is limited over all addresses, an address over all accounts', async () => {
  const { service } = signIns();
  const codes: string[] = [];
  const attempt = (address: string, email: string) =>
    service
      .redeem(service.begin({ ...request, address }), { ...wrong, email })
      .catch((error: Problem) => codes.push(error.code));
  for (let i = 0; i < 31; i++) await attempt(`198.51.100.${i}`, 'ada@example.org');
  expect(codes.at(-1)).toBe('sign-in-limited');
  codes.length = 0;
  for (let i = 0; i < 61; i++) await attempt('203.0.113.50', `person-${i}@example.org`);
  expect(codes.at(-1)).toBe('sign-in-limited');
  expect(codes.at(-2)).toBe('wrong-password');
});

test('each refusal is in the audit log with its reason', async () => {
  const { service, events } = signIns();
  const code = {
    provider: 'oidc',
    code: 'c',
    codeVerifier: 'v',
    nonce: 'n',
    redirectUri: 'https://p.example/cb',
  } as const;
  await expect(service.redeem(service.begin(request), code)).rejects.toMatchObject({ code: 'id-token-refused' });
  await expect(service.redeem(service.begin(request), { ...code, provider: 'github' })).rejects.toMatchObject({
    code: 'sign-in-off',
  });
  expect(events.map(({ code: kind, detail }) => [kind, detail?.['reason']])).toEqual([
    ['sign-in.failed', 'id-token-refused'],
    ['sign-in.failed', 'sign-in-off'],
  ]);
});

test('without the audit log nobody gets in', async () => {
  const { service, live } = signIns({
    audit: () => {
      throw new Problem('audit-unavailable', 503, 'no');
    },
  });
  const id = service.begin(request);
  await expect(service.redeem(id, right)).rejects.toMatchObject({ code: 'audit-unavailable' });
  expect(service.finish(id)).toBeUndefined();
  expect(live.size).toBe(0);
});
