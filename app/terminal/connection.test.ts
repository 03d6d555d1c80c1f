/** The connection against a model of the portal: whatever is cut, whenever, nothing is lost and nothing doubled. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  FromBrowser,
  json,
  readU32,
  readU64,
  ToBrowser,
  u32,
  u64,
} from '../../protocol/frames.ts';
import { Connection, type ConnectionSink, type ConnectionStatus } from './connection.ts';

const STREAM = 7;
const HEADER = 13;

/** The portal and session host, as the protocol says they behave. Messages wait in `down` and `up` until delivered. */
class Model implements ConnectionSink {
  readonly connection = new Connection(STREAM, this, () => 0.5);
  /** All output so far; each piece is a log record, so offsets run ahead of the bytes. */
  output: { bytes: Uint8Array; end: number }[] = [];
  typed: number[] = [];
  pty: number[] = [];
  screen: number[] = [];
  down: Uint8Array[] = [];
  up: Uint8Array[] = [];
  open = false;
  /** Whether the portal still holds the log from the asked offset, or has only a snapshot. */
  canResume = true;
  acked = 0;
  statuses: ConnectionStatus[] = [];
  writing: { bytes: Uint8Array; offset: number; reset: boolean }[] = [];
  #wantsTicket = false;

  get end(): number {
    return this.output.at(-1)?.end ?? 0;
  }

  produce(bytes: Uint8Array): void {
    const piece = { bytes, end: this.end + HEADER + bytes.length };
    this.output.push(piece);
    if (this.open) this.down.push(encodeMessage(ToBrowser.output, u64(piece.end), bytes));
  }

  typeText(bytes: Uint8Array): void {
    if (this.connection.type(bytes)) this.typed.push(...bytes);
  }

  cut(): void {
    if (!this.open) return;
    this.open = false;
    this.down = [];
    this.up = [];
    this.connection.closed();
  }

  deliverDown(): void {
    const message = this.down.shift();
    if (message && this.open) this.connection.message(message);
  }

  deliverUp(): void {
    const message = this.up.shift();
    if (!message) return;
    const { type, payload } = decodeMessage(message);
    if (type === FromBrowser.ack) this.acked = Math.max(this.acked, readU64(payload));
    if (type !== FromBrowser.input) return;
    expect(readU32(payload)).toBe(STREAM);
    const position = readU64(payload, 4);
    const bytes = payload.subarray(12);
    // The host writes what it has not: a gap would be a bug of the page.
    expect(position).toBeLessThanOrEqual(this.pty.length);
    this.pty.push(...bytes.subarray(this.pty.length - position));
    if (this.open) this.down.push(encodeMessage(ToBrowser.inputAck, u32(STREAM), u64(this.pty.length)));
  }

  render(): void {
    const next = this.writing.shift();
    if (!next) return;
    if (next.reset) this.screen = [];
    this.screen.push(...next.bytes);
    this.connection.rendered(next.offset);
  }

  step(): void {
    if (this.#wantsTicket) {
      this.#wantsTicket = false;
      this.connection.ticket('t');
    } else if (this.connection.status.kind === 'waiting') this.connection.retry();
  }

  requestTicket(): void {
    this.#wantsTicket = true;
  }
  dial(_ticket: string, offset: number | null): void {
    this.open = true;
    const resumes = offset !== null && this.canResume && (offset === 0 || this.output.some((o) => o.end === offset));
    const from = resumes ? offset : this.end;
    this.down.push(
      encodeMessage(
        ToBrowser.attached,
        json({ offset: from, live: this.end, inputPosition: this.pty.length, cols: 80, rows: 24 }),
      ),
    );
    if (resumes) {
      // What a page has when it comes back counts as shown, as server/terminal/page.ts does.
      this.acked = Math.max(this.acked, from);
      for (const piece of this.output)
        if (piece.end > offset) this.down.push(encodeMessage(ToBrowser.output, u64(piece.end), piece.bytes));
    } else {
      const all = Uint8Array.from(this.output.flatMap((piece) => [...piece.bytes]));
      this.down.push(encodeMessage(ToBrowser.snapshot, u64(this.end), all));
    }
  }
  send(message: Uint8Array): void {
    if (this.open) this.up.push(message);
  }
  hangUp(): void {
    this.cut();
  }
  retryAfter(): void {}
  write(bytes: Uint8Array, output: { offset: number; reset: boolean }): void {
    this.writing.push({ bytes, ...output });
  }
  size(): void {}
  session(): void {}
  banner(): void {}
  status(status: ConnectionStatus): void {
    this.statuses.push(status);
  }

  settle(): void {
    for (let i = 0; i < 10_000; i++) {
      this.step();
      if (this.up.length) this.deliverUp();
      else if (this.down.length) this.deliverDown();
      else if (this.writing.length) this.render();
      else if (this.connection.status.kind === 'open' && this.connection.input.pending === 0) return;
    }
    throw new Error('never settled');
  }
}

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
const action = fc.oneof(
  { weight: 3, arbitrary: bytes.map((b) => (m: Model) => m.produce(b)) },
  { weight: 3, arbitrary: bytes.map((b) => (m: Model) => m.typeText(b)) },
  { weight: 1, arbitrary: fc.constant((m: Model) => m.typeText(new Uint8Array(70_000).fill(65))) },
  { weight: 4, arbitrary: fc.constant((m: Model) => m.deliverDown()) },
  { weight: 4, arbitrary: fc.constant((m: Model) => m.deliverUp()) },
  { weight: 3, arbitrary: fc.constant((m: Model) => m.render()) },
  { weight: 3, arbitrary: fc.constant((m: Model) => m.step()) },
  { weight: 2, arbitrary: fc.constant((m: Model) => m.cut()) },
  {
    weight: 1,
    arbitrary: fc.boolean().map((can) => (m: Model) => {
      m.canResume = can;
    }),
  },
);

test('any cut, any order of deliveries: no byte lost, no byte doubled, either way', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const model = new Model();
      model.connection.start();
      for (const act of actions) act(model);
      model.settle();
      // As buffers: comparing arrays of this length element by element takes seconds.
      expect(Buffer.from(model.pty).equals(Buffer.from(model.typed))).toBe(true);
      expect(Buffer.from(model.screen).equals(Buffer.concat(model.output.map((piece) => piece.bytes)))).toBe(true);
      expect(model.acked).toBe(model.end);
    }),
    { numRuns: 200 },
  );
}, 30_000);

describe('the way of a connection', () => {
  test('waits longer after each failure, and starts over once attached', () => {
    const model = new Model();
    model.connection.start();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      model.connection.refused(0);
      const { status } = model.connection;
      if (status.kind === 'waiting') waits.push(status.retryMs);
      model.connection.retry();
    }
    expect(waits).toEqual([150, 300, 600, 1200, 2400, 3750, 3750, 3750]);
    model.settle();
    model.cut();
    expect(model.connection.status).toMatchObject({ kind: 'waiting', retryMs: 150 });
  });

  test.each([
    [401, 'signed-out'],
    [404, 'gone'],
    [409, 'gone'],
    [410, 'gone'],
    [503, 'waiting'],
    [0, 'waiting'],
  ])('a ticket refused with %d leads to %s', (status, kind) => {
    const model = new Model();
    model.connection.start();
    model.connection.refused(status);
    expect(model.connection.status.kind).toBe(kind);
  });

  test.each([
    [4001, 'superseded'],
    [4002, 'gone'],
    [4003, 'signed-out'],
    [1006, 'waiting'],
    [1012, 'waiting'],
  ])('a socket closed with %d leads to %s', (code, kind) => {
    const model = new Model();
    model.connection.start();
    model.settle();
    model.connection.closed(code);
    expect(model.connection.status.kind).toBe(kind);
  });

  test('superseded stays so until it is taken back, and then continues without a gap', () => {
    const model = new Model();
    model.connection.start();
    model.produce(Uint8Array.of(1, 2));
    model.settle();
    model.down.push(encodeMessage(ToBrowser.superseded, json({ reason: 'another page' })));
    model.deliverDown();
    expect(model.connection.status).toEqual({ kind: 'superseded', reason: 'another page' });
    model.produce(Uint8Array.of(3));
    model.connection.retry();
    expect(model.connection.status.kind).toBe('superseded');
    model.connection.start();
    model.settle();
    expect(model.screen).toEqual([1, 2, 3]);
  });

  test('a message that makes no sense costs the connection, and a snapshot heals the screen', () => {
    const model = new Model();
    model.connection.start();
    model.produce(Uint8Array.of(9));
    model.settle();
    model.down.push(Uint8Array.of(ToBrowser.output, 1, 2));
    model.deliverDown();
    expect(model.connection.status.kind).toBe('waiting');
    model.settle();
    expect(model.screen).toEqual([9]);
  });

  test('types of message that this page does not know are passed over', () => {
    const model = new Model();
    model.connection.start();
    model.settle();
    model.down.push(Uint8Array.of(0xfe, 1, 2, 3));
    model.deliverDown();
    expect(model.connection.status.kind).toBe('open');
  });

  test('too much typed while the portal is away is refused, not dropped silently', () => {
    const model = new Model();
    model.connection.start();
    expect(model.connection.type(new Uint8Array(200_000))).toBe(true);
    expect(model.connection.type(new Uint8Array(200_000))).toBe(false);
  });
});
