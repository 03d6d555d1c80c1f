import { randomUUID } from 'node:crypto';
import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../domain/audit-codes.ts';
import { AuditLog } from './audit-log.ts';
import { type AuditRow, rowOf } from './entries.harness.ts';

let dir: string;
let rows: Map<string, AuditRow>;
let away: boolean;
let batches: number;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sallyport-audit-'));
  rows = new Map();
  away = false;
  batches = 0;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function open(options: { bound?: number; now?: () => Date } = {}): Promise<AuditLog> {
  return AuditLog.open({
    dir,
    now: () => new Date(),
    onFault: () => {},
    insert: async (batch) => {
      batches++;
      if (away) throw new Error('the database is away');
      // As Postgres does with on conflict do nothing.
      for (const row of batch.map(rowOf))
        if (!rows.has(`${row.at.toISOString()} ${row.key}`)) rows.set(`${row.at.toISOString()} ${row.key}`, row);
    },
    ...options,
  });
}

const event = (over: Partial<AuditEvent> = {}): AuditEvent => ({
  at: new Date(),
  code: 'sign-in.succeeded',
  actorId: null,
  actor: 'alice@example.com',
  ...over,
});
const call = (over: Partial<AuditEvent> = {}) => ({ ...event(), auditId: randomUUID(), changes: true, ...over });
const codes = () => [...rows.values()].map(({ code }) => code);

describe('events', () => {
  test('are rows after a flush, whole', async () => {
    await using log = await open();
    await log.record(event({ sessionId: 's', detail: { a: 1 }, clientAddress: '::1' }));
    expect(await log.flush()).toBe(true);
    expect([...rows.values()][0]).toMatchObject({
      actor: 'alice@example.com',
      sessionId: 's',
      detail: { a: 1 },
      auditId: null,
    });
  });

  test('are in the journal before record resolves, and survive a process that dies then', async () => {
    const dying = await open();
    away = true;
    await dying.record(event());
    const [segment] = (await readdir(dir)).toSorted().slice(-1);
    expect(await readFile(join(dir, segment!), 'utf8')).toContain('alice@example.com');
    away = false;
    await using next = await open();
    expect(await next.flush()).toBe(true);
    expect(rows.size).toBe(1);
    await dying[Symbol.asyncDispose]();
    expect(rows.size).toBe(1);
  });

  test('many at once, each once, in few statements', async () => {
    await using log = await open();
    await Promise.all(Array.from({ length: 5_000 }, (_, n) => log.record(event({ detail: { n } }))));
    expect(await log.flush(10_000)).toBe(true);
    expect(rows.size).toBe(5_000);
    expect(new Set([...rows.values()].map(({ detail }) => detail['n'])).size).toBe(5_000);
    expect(batches).toBeLessThan(100);
  });

  test('a line torn by a crash is passed over, the next ones are not', async () => {
    const first = await open();
    await first.record(event());
    away = true;
    await first[Symbol.asyncDispose]();
    away = false;
    const [segment] = (await readdir(dir)).toSorted().slice(-1);
    await appendFile(join(dir, segment!), '{"kind":"event","key":"torn');
    await using log = await open();
    await log.record(event({ code: 'sign-out' }));
    expect(await log.flush()).toBe(true);
    expect(codes()).toContain('sign-out');
  });

  test('what is in the database leaves the disk', async () => {
    await using log = await open();
    for (let n = 0; n < 12; n++) {
      await Promise.all(
        Array.from({ length: 100 }, () => log.record(event({ detail: { filler: 'x'.repeat(8_000) } }))),
      );
      expect(await log.flush(10_000)).toBe(true);
    }
    expect(log.stats().journalBytes).toBeLessThan(9 * 1024 * 1024);
  });
});

describe('a database that is away', () => {
  test('is caught up with, in order', async () => {
    away = true;
    await using log = await open();
    for (let n = 0; n < 10; n++) await log.record(event({ detail: { n } }));
    expect(await log.flush(200)).toBe(false);
    expect(rows.size).toBe(0);
    away = false;
    await expect
      .poll(() => [...rows.values()].map(({ detail }) => detail['n']))
      .toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('fills the journal: calls that change something are refused first, then everything', async () => {
    away = true;
    await using log = await open({ bound: 2_000 });
    await log.record(event({ detail: { filler: 'x'.repeat(2_000) } }));
    await expect(log.startCall(call()).started).rejects.toMatchObject({ code: 'audit-unavailable', status: 503 });
    await log.startCall({ ...call(), changes: false }).started;
    await log.startCall({ ...call(), changes: false }).started;
    await expect(log.startCall({ ...call(), changes: false }).started).rejects.toThrow('on record');
    await expect(log.record(event())).rejects.toMatchObject({ code: 'audit-unavailable' });
    away = false;
    await expect.poll(() => log.flush()).toBe(true);
    await log.record(event());
  });
});

describe('calls', () => {
  test('are one row at their end', async () => {
    await using log = await open();
    const record = log.startCall(call({ detail: { verb: 'get', status: null } }));
    await record.started;
    await record.finish({ at: new Date(), detail: { status: 200 } });
    await log.flush();
    expect(codes()).toEqual(['api.finished']);
    expect([...rows.values()][0]!.detail).toEqual({ verb: 'get', status: 200 });
  });

  test('that last are seen before their end', async () => {
    let now = Date.now();
    await using log = await open({ now: () => new Date(now) });
    const record = log.startCall(call());
    await record.started;
    now += 3_000;
    await expect.poll(() => codes(), { timeout: 3_000 }).toEqual(['api.started']);
    await record.finish({ at: new Date(now), detail: {} });
    await log.flush();
    expect(codes()).toEqual(['api.started', 'api.finished']);
  });

  test('of a process that died are seen as unfinished, once, however often it is replayed', async () => {
    const dying = await open();
    const done = dying.startCall(call());
    const cut = dying.startCall(call({ detail: { verb: 'create' } }));
    await Promise.all([done.started, cut.started]);
    await done.finish({ at: new Date(), detail: {} });
    away = true;
    for (let n = 0; n < 3; n++) await (await open())[Symbol.asyncDispose]();
    away = false;
    await using log = await open();
    expect(await log.flush()).toBe(true);
    expect(codes().toSorted()).toEqual(['api.finished', 'api.started']);
    await dying[Symbol.asyncDispose]();
  });
});
