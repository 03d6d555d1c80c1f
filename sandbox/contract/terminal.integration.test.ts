import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../e2e/machine/until.ts';
import { ToHost, u64 } from '../../protocol/frames.ts';
import { decodeRecords, decodeResize, RecordKind } from '../../protocol/log.ts';
import { RECORD_LIMIT, RENDER_LIMIT } from '../host/brakes.ts';
import { FULL, TestPortal, WAYS } from './fixture.ts';

function outputOf(log: Buffer): Buffer {
  const outputs = decodeRecords(log).records.filter((record) => record.kind === RecordKind.output);
  return Buffer.concat(outputs.map((record) => record.data));
}

/** Resolves once the value has stood still for 300 ms, whatever was on its way to us before. */
async function stands(value: () => number): Promise<void> {
  let last = Number.NaN;
  let since = 0;
  await until(
    () => {
      if (value() !== last) [last, since] = [value(), performance.now()];
      return performance.now() - since > 300;
    },
    { what: 'nothing more comes' },
  );
}

describe.each(WAYS)('a terminal by %s', (way) => {
  let portal: TestPortal;
  beforeAll(async () => {
    portal = await TestPortal.start(way);
  });
  afterAll(() => portal[Symbol.asyncDispose]());

  test('the host proves itself, is warm until claimed, and greets before the first prompt', async () => {
    await using box = await portal.warm();
    expect(box.link.hello).toMatchObject({ protocol: 1, purpose: 'terminal', state: 'warm', generation: 0, end: 0 });
    box.link.claim({ cols: 100, rows: 30, greeting: 'You are on dev.\r\n', env: { SALLYPORT_CLUSTER: 'dev' } });
    expect(await box.link.attach(1, 0)).toMatchObject({ generation: 1, offset: 0, cols: 100, rows: 30, inputs: [] });
    await box.link.shows('$ ');
    expect(box.link.output().toString()).toMatch(/^You are on dev\.\r\n.*dev/s);
    const [first] = box.link.records();
    expect(first!.kind).toBe(RecordKind.resize);
    expect(decodeResize(first!.data)).toEqual({ cols: 100, rows: 30 });
    expect(await box.run('stty size')).toBe('30 100\n');
  });

  test('input is echoed, recorded and acknowledged; a resize reaches the program', async () => {
    await using box = await portal.open();
    box.link.type('echo one-$((1+1))\r');
    await box.link.shows('one-2');
    await until(() => box.link.acked.get(1) === 18, { what: 'the input is acknowledged' });
    expect(box.link.inputRecorded().toString()).toBe('echo one-$((1+1))\r');
    box.link.send(ToHost.resize, Buffer.from([0, 200, 0, 50]));
    expect(await box.run('stty size')).toBe('50 200\n');
    box.link.send(ToHost.resize, Buffer.from([0, 0, 0xff, 0xff]));
    box.link.type('stty size\r');
    await box.link.shows('1000 1\r\n');
  });

  test('a flood is byte-exact', async () => {
    await using box = await portal.open();
    const size = 20 * 1024 * 1024;
    const at = box.link.output().length;
    box.link.type(`stty -opost; echo START; yes 0123456789abcdef | head -c ${size}; echo END; stty opost\r`);
    await box.link.shows('END\n', 60_000);
    const shown = box.link.output().subarray(at);
    const from = shown.indexOf('START\n') + 6;
    const expected = Buffer.alloc(size, '0123456789abcdef\n');
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    expect(hash(shown.subarray(from, from + size))).toBe(hash(expected));
    expect(shown.subarray(from + size, from + size + 4).toString()).toBe('END\n');
  });

  test('nothing rendered: the program stops at the brake, and Ctrl-C stops it for good', async () => {
    await using box = await portal.open();
    box.link.send(ToHost.viewer, Buffer.from([1]));
    const start = box.link.logEnd;
    box.link.type('yes\r');
    await until(() => box.link.logEnd - start > RENDER_LIMIT, { what: 'the limit is reached' });
    await stands(() => box.link.logEnd);
    expect(box.link.logEnd - start).toBeLessThan(RENDER_LIMIT + 200_000);
    box.link.type('\x03');
    const rendered = setInterval(() => box.link.send(ToHost.rendered, u64(box.link.logEnd)), 5);
    const interrupted = performance.now();
    try {
      await box.link.shows(/\^C[^y]*\$ $/);
      // Far below what the rest of the output would take; the figure itself is the bench's.
      expect(performance.now() - interrupted).toBeLessThan(5_000);
      expect(await box.run('echo alive')).toBe('alive\n');
    } finally {
      clearInterval(rendered);
    }
  });

  test('nobody there: it goes on up to what may be unrecorded, and the next portal gets all of it', async () => {
    await using box = await portal.open();
    const first = box.link;
    first.type('seq 1 1000000\r');
    await until(() => first.logEnd > 200_000, { what: 'it produces' });
    const count = box.links.length;
    first.drop();
    const second = await box.nextLink(count);
    // Recorded is what the first portal acknowledged in time; it received more.
    const offset = second.hello!.start;
    expect(offset).toBeLessThanOrEqual(first.logEnd);
    await second.attach(2, offset);
    await second.shows('\r\n1000000\r\n', 60_000);
    const whole = Buffer.concat([Buffer.concat(first.log).subarray(0, offset), ...second.log]);
    const shown = outputOf(whole).toString();
    const numbers = Array.from({ length: 1_000_000 }, (_, index) => `${index + 1}\r\n`).join('');
    expect(shown.slice(shown.indexOf('\r1\r\n') + 1).startsWith(numbers)).toBe(true);
  });

  test('without a recorder the program stops after 4 MiB', async () => {
    await using box = await portal.open();
    box.link.recording = false;
    box.link.type('yes\r');
    await until(() => box.link.logEnd > RECORD_LIMIT, { what: 'the limit is reached', within: 30_000 });
    await stands(() => box.link.logEnd);
    expect(box.link.logEnd).toBeLessThan(RECORD_LIMIT + 200_000);
  });

  test('input resent after a reconnect is taken once, and what was never sent is asked for', async () => {
    await using box = await portal.open();
    box.link.input(9, 0, 'echo A');
    await until(() => box.link.acked.get(9) === 6, { what: 'the input is acknowledged' });
    const end = box.link.logEnd;
    box.link.drop();
    const second = await box.nextLink();
    const attached = await second.attach(2, end);
    expect(attached.inputs).toContainEqual([9, 6]);
    // From the start again, then past a gap, then what was missing.
    second.input(9, 0, 'echo AB');
    second.input(9, 50, 'lost');
    second.input(9, 5, 'ABCD\r');
    await second.shows('ABCD\r\n');
    await until(() => second.acked.get(9) === 10, { what: 'the input is acknowledged' });
    expect(second.inputRecorded().toString()).toBe('BCD\r');
  });

  test('the newest generation holds the host; an older one, and an offset that is gone, are refused', async () => {
    await using box = await portal.open();
    const first = box.link;
    await box.run('seq 1 1000');
    const end = first.logEnd;
    first.drop();
    const second = await box.nextLink();
    await expect(second.attach(0, end)).rejects.toThrow('stale-generation');
    const third = await box.nextLink();
    await expect(third.attach(5, 1)).rejects.toThrow('offset-gone');
    const fourth = await box.nextLink();
    expect(fourth.hello!.generation).toBe(1);
    await fourth.attach(5, end);
    fourth.typeFrom(first.acked.get(1)!);
    expect(await box.run('echo taken over', fourth)).toBe('taken over\n');
  });

  test('a frame that cannot be ends its connection, and the host lives on', async () => {
    await using box = await portal.open();
    const end = box.link.logEnd;
    const acked = box.link.acked.get(1) ?? 0;
    box.link.stream.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    const second = await box.nextLink();
    expect(box.links.at(-2)!.refusal?.code).toBe('protocol');
    await second.attach(2, end);
    second.typeFrom(acked);
    second.send(0x70);
    const third = await box.nextLink();
    expect(second.refusal?.code).toBe('protocol');
    await third.attach(3, second.logEnd);
    third.typeFrom(acked);
    expect(await box.run('echo alive', third)).toBe('alive\n');
  });

  test('a 10 MB paste arrives whole, acknowledged as it goes', async () => {
    await using box = await portal.open();
    const line = `${'x'.repeat(99)}\n`;
    const size = (FULL ? 10_000_000 : 1_000_000) / line.length;
    box.link.type(`cat | sha256sum; echo PAS""TED\r`);
    const bytes = Buffer.from(line.repeat(size));
    let position = 0;
    while (position < bytes.length) {
      const acked = box.link.acked.get(2) ?? 0;
      const part = bytes.subarray(position, Math.min(bytes.length, acked + 64 * 1024));
      if (part.length > 0) box.link.input(2, position, part);
      position += part.length;
      await until(() => (box.link.acked.get(2) ?? 0) > acked || position === bytes.length, {
        what: 'the paste goes on',
      });
    }
    box.link.input(2, position, '\x04');
    await box.link.shows('PASTED', 60_000);
    expect(box.link.output().toString()).toContain(createHash('sha256').update(bytes).digest('hex'));
  }, 120_000);

  test('the shell’s exit: everything it wrote, the mark, its code; it waits until all is recorded', async () => {
    await using box = await portal.open();
    box.link.recording = false;
    box.link.type('seq 1 5000; exit 42\r');
    await until(() => box.link.marks().some((mark) => mark.mark === 'exit'), { what: 'the exit is logged' });
    expect(box.link.marks().at(-1)).toEqual({ mark: 'exit', code: 42, signal: null });
    expect(box.link.output().toString()).toContain('4999\r\n5000\r\n');
    let over = false;
    void box.sandbox.exited.then(() => (over = true));
    await pause(200);
    expect(over).toBe(false);
    // The portal dies before it acknowledges: the next one is given what is missing.
    const end = box.link.logEnd;
    box.link.drop();
    const second = await box.nextLink();
    expect(second.hello!.state).toBe('exited');
    expect(second.hello!.end).toBe(end);
    await second.attach(2, second.hello!.start);
    await expect(box.sandbox.exited).resolves.toEqual({ code: 42, oomKilled: false, error: null });
  });

  test('End hangs up the shell, what ignores it included', async () => {
    await using box = await portal.open();
    box.link.type('trap "" HUP TERM; bash -c \'trap "" HUP; sleep 1000\'\r');
    await until(() => box.link.output().includes('sleep 1000'), { what: 'it is typed' });
    box.link.send(ToHost.end, Buffer.from('{"reason":"ended-by-person"}'));
    expect(await box.sandbox.exited).toMatchObject({ oomKilled: false });
    expect(box.link.marks().at(-1)).toMatchObject({ mark: 'exit' });
  });

  test('a token that is renewed replaces the old one', async () => {
    await using box = await portal.open({ token: 'first', kubeconfig: 'kind: Config\n' });
    expect(await box.run('cat /run/sallyport-user/token ~/.kube/config')).toBe('firstkind: Config\n');
    box.link.send(ToHost.credential, Buffer.from('{"token":"second"}'));
    await until(async () => (await box.run('cat /run/sallyport-user/token')) === 'second', {
      what: 'the token is renewed',
    });
  });
});

test('shells that exit in the midst of their output lose none of it', async () => {
  await using portal = await TestPortal.start('sockets');
  const rounds = FULL ? 200 : 8;
  for (let round = 0; round < rounds; round += 1) {
    await using box = await portal.open();
    if (round % 2 === 0) box.link.send(ToHost.viewer, Buffer.from([1]));
    const at = box.link.output().length;
    // The end is written right before the exit, and half of the rounds exit while the brake holds.
    box.link.type(`exec sh -c 'seq 1 ${round % 2 === 0 ? 200000 : 3000}; printf LAST; exit ${round % 100}'\r`);
    if (round % 2 === 0) {
      await until(() => box.link.logEnd > RENDER_LIMIT, { what: 'the brake holds' });
      const rendered = setInterval(() => box.link.send(ToHost.rendered, u64(box.link.logEnd)), 2);
      await box.sandbox.exited.finally(() => clearInterval(rendered));
    }
    expect(await box.sandbox.exited).toMatchObject({ code: round % 100 });
    expect(box.link.output().subarray(at).toString().endsWith('LAST')).toBe(true);
  }
}, 600_000);
