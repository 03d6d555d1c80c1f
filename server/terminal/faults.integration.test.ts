/** What a terminal does when the disk, the host or somebody in the sandbox does what must not be. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../e2e/machine/until.ts';
import { encodeFrame, FrameReader, FromHost, json, ToHost, u64, type Frame } from '../../protocol/frames.ts';
import { encodeProof, openChallenge } from '../../protocol/handshake.ts';
import { encodeRecord, RecordKind } from '../../protocol/log.ts';
import { recordingFolder } from '../domain/recording.ts';
import { testClaim, testFacts, TestHost, TestPage, TestPortal } from './host.harness.ts';

let dataDir: string;
let host: TestHost;
let portal: TestPortal;
let facts: ReturnType<typeof testFacts>;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sp-data-'));
  host = await TestHost.start();
  facts = testFacts();
});
afterEach(async () => {
  await portal[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

/** Speaks the host's part by hand. The real host is away: its socket is another. */
class FakeHost {
  readonly socket: Socket;
  frames: Frame[] = [];
  closed = false;
  readonly #reader = new FrameReader();

  constructor(secret: Buffer) {
    this.socket = connect(join(host.folder, 'terminal.sock'));
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.closed = true));
    const nonce = randomBytes(32);
    this.socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#reader.push(chunk)) {
        if (frame.type !== ToHost.challenge) this.frames.push(frame);
        else {
          const portalNonce = openChallenge(secret, frame.payload, nonce) ?? randomBytes(32);
          this.send(FromHost.proof, encodeProof(secret, portalNonce, nonce));
        }
      }
    });
    this.send(
      FromHost.hello,
      json({
        protocol: 1,
        purpose: 'terminal',
        nonce: nonce.toString('base64url'),
        state: 'warm',
        generation: 0,
        start: 0,
        end: 0,
      }),
    );
  }

  send(type: number, ...parts: Uint8Array[]): void {
    this.socket.write(encodeFrame(type, ...parts));
  }

  async attach(): Promise<void> {
    await until(() => this.frames.some(({ type }) => type === ToHost.attach), { what: 'the portal attaches' });
    this.send(FromHost.attached, json({ generation: 1, offset: 0, end: 0, cols: 80, rows: 24, inputs: [] }));
  }
}

/** No real host dials while a fake one is tried. */
const withoutHost = async () => {
  host.child.kill('SIGKILL');
  await until(() => host.exitCode !== undefined, { what: 'the host is gone' });
  portal = await TestPortal.start(dataDir, host, facts.session);
};
const output = (text: string) =>
  encodeRecord({ kind: RecordKind.output, time: 1_700_000_000_000_000n, data: Buffer.from(text) });

describe('faults', () => {
  test('a full disk: the terminal stops and says why, to the page and to the session', async () => {
    const folder = join(dataDir, 'recordings', recordingFolder(facts));
    await mkdir(folder, { recursive: true });
    await symlink('/dev/full', join(folder, 'log'));
    portal = await TestPortal.start(dataDir, host, facts.session);
    await portal.terminal.claim(facts, 1, testClaim);
    await until(() => portal.heard.faults.length > 0, { what: 'the fault is told' });
    expect(portal.heard.faults).toEqual([expect.stringContaining('the disk that holds recordings is full')]);
    const page = new TestPage(portal, facts.session);
    await until(() => page.banners.length > 0, { what: 'the page is told' });
    expect(page.banners[0]).toMatchObject({ code: 'terminal-fault', text: expect.stringContaining('is full') });
    expect(page.outputBytes).toBe(0);
    // ending does not wait for a shell that nobody hears
    const before = performance.now();
    await portal.terminal.end('fault');
    expect(performance.now() - before).toBeLessThan(4_000); // draining takes 8 s
  });

  test('no folder for recordings: no terminal', async () => {
    await writeFile(join(dataDir, 'recordings'), 'a file where a folder should be');
    portal = await TestPortal.start(dataDir, host, facts.session);
    await expect(portal.terminal.claim(facts, 1, testClaim)).rejects.toMatchObject({
      code: 'recording-failed',
      status: 503,
    });
  });

  test('a program in the sandbox that does not know the secret gets nothing', async () => {
    await withoutHost();
    const thief = new FakeHost(randomBytes(32));
    const claimed = expect(portal.terminal.claim(facts, 1, testClaim)).rejects.toMatchObject({
      code: 'terminal-closed',
    });
    await until(() => thief.closed, { what: 'it is shown the door' });
    expect(thief.frames).toEqual([]);
    await portal.terminal.release();
    await claimed;
  });

  test('connections that prove nothing keep the host from nothing', async () => {
    portal = await TestPortal.start(dataDir, host, facts.session);
    const silent = Array.from({ length: 40 }, () => {
      const socket = connect(join(host.folder, 'terminal.sock'));
      socket.on('error', () => {});
      return socket;
    });
    await portal.terminal.claim(facts, 1, testClaim);
    await portal.terminal.firstOutput;
    for (const socket of silent) socket.destroy();
  });

  test.each<[string, (fake: FakeHost, due: Uint8Array) => void, string]>([
    ['a record that cannot be', (fake, due) => fake.send(FromHost.log, due, Buffer.alloc(40, 9)), 'no record kind 9'],
    ['a cut record', (fake, due) => fake.send(FromHost.log, due, output('cut').subarray(0, 14)), 'cut off'],
    ['a gap', (fake) => fake.send(FromHost.log, u64(100), output('x')), 'missing or doubled'],
    ['a length that cannot be', (fake) => fake.socket.write(Buffer.alloc(8, 0xff)), 'cannot be'],
    ['a frame that is not due', (fake) => fake.send(0x7f), 'no frame of type 127'],
    ['half a number', (fake) => fake.send(FromHost.inputAck, Buffer.alloc(3)), 'shorter than its type'],
  ])('a corrupted frame (%s) ends the terminal with a sentence', async (_, corrupt, sentence) => {
    await withoutHost();
    const fake = new FakeHost(host.secret);
    await portal.terminal.claim(facts, 1, testClaim);
    await fake.attach();
    fake.send(FromHost.log, u64(0), output('before'));
    await until(() => portal.terminal.recordedBytes > 0, { what: 'what came before is recorded' });
    const recorded = portal.terminal.recordedBytes;
    corrupt(fake, u64(recorded));
    await until(() => portal.heard.faults.length > 0, { what: 'the fault is told' });
    expect(portal.heard.faults[0]).toContain(sentence);
    expect(portal.terminal.recordedBytes).toBe(recorded);
  });

  test.each<[string, (page: TestPage) => void]>([
    ['text', (page) => page.socket.send('hello')],
    ['an empty frame', (page) => page.socket.send(Buffer.alloc(0))],
    ['an unknown frame', (page) => page.socket.send(Buffer.of(0x55))],
    ['an acknowledgement of what was never sent', (page) => page.ack(1_000_000)],
    ['a size of nothing', (page) => page.resize(0, 0)],
    ['a size past all screens', (page) => page.resize(1001, 10)],
    [
      'input of another page',
      (page) => page.socket.send(Buffer.concat([Buffer.of(1), Buffer.alloc(12), Buffer.of(65)])),
    ],
  ])('a page that sends %s is cut off; the session goes on', async (_, misbehave) => {
    portal = await TestPortal.start(dataDir, host, facts.session);
    await portal.terminal.claim(facts, 1, testClaim);
    const page = new TestPage(portal, facts.session, { stream: 77 });
    await page.shows('$ ');
    misbehave(page);
    await until(() => page.closeCode !== undefined, { what: 'it is cut off' });
    expect(page.closeCode).toBe(4004);
    const next = new TestPage(portal, facts.session);
    await next.shows('$ ');
    expect(portal.heard.faults).toEqual([]);
  });

  test('a long paste arrives whole', { timeout: 60_000 }, async () => {
    portal = await TestPortal.start(dataDir, host, facts.session);
    await portal.terminal.claim(facts, 1, testClaim);
    const page = new TestPage(portal, facts.session);
    await page.shows('$ ');
    // 10 MB take 10 s through a terminal.
    const size = process.env['SALLYPORT_ROUNDS'] === 'full' ? 10_000_000 : 1_500_000;
    page.type(`stty raw -echo; head -c ${size} | sha256sum; stty sane\r`);
    await until(() => page.tail.endsWith('sane\r\n'), { what: 'the program reads' });
    const paste = Buffer.alloc(size, 'a paste of many lines\n');
    const start = page.inputAcked;
    for (let at = 0; at < paste.length; at += 16 * 1024) {
      page.type(paste.subarray(at, at + 16 * 1024));
      await until(() => page.inputAcked - start > at - 48 * 1024, { what: 'the window opens' });
    }
    await page.shows(createHash('sha256').update(paste).digest('hex'), 30_000);
  });
});
