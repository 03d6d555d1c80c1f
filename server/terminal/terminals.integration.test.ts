/** A terminal between a real session host and pages: what may break and must not lose or double a byte. Long, as that list is. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pack, extract } from 'tar-stream';
import { until } from '../../e2e/machine/until.ts';
import { CloseCode } from '../../protocol/frames.ts';
import { decodeMark, decodeRecords, RecordKind } from '../../protocol/log.ts';
import { createEmulator, feed } from '../recording/emulator.ts';
import { testClaim, testFacts, TestHost, TestPage, TestPortal } from './host.harness.ts';

function tarOf(name: string, content: Buffer): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name }, content);
  tar.finalize();
  return buffer(tar as unknown as AsyncIterable<Uint8Array>);
}

let dataDir: string;
let host: TestHost;
let portal: TestPortal;
let facts: ReturnType<typeof testFacts>;
const page = (options: ConstructorParameters<typeof TestPage>[2] = {}) => new TestPage(portal, facts.session, options);

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'sp-data-'));
  host = await TestHost.start();
  facts = testFacts();
  portal = await TestPortal.start(dataDir, host, facts.session);
});
afterEach(async () => {
  await portal[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

const claim = () => portal.terminal.claim(facts, 1, testClaim);
const restartPortal = async () => {
  await portal[Symbol.asyncDispose]();
  portal = await TestPortal.start(dataDir, host, facts.session);
  await portal.terminal.resume(facts, 2);
};
const recorded = async () => {
  const bytes = await readFile(portal.recordings.path(facts));
  const { records, consumed } = decodeRecords(bytes);
  expect(consumed).toBe(bytes.length);
  return records;
};
const recordedOutput = async () =>
  Buffer.concat((await recorded()).filter(({ kind }) => kind === RecordKind.output).map(({ data }) => data));

describe('a terminal', () => {
  test('claim, type, see, exit', async () => {
    await portal.terminal.connected;
    await claim();
    await portal.terminal.firstOutput;
    const first = page();
    await first.shows('Welcome');
    first.type('echo $((40+2))\r');
    await first.shows('42');
    await until(() => first.inputAcked === 15, { what: 'the input is acknowledged' });
    expect(portal.heard.human).toHaveLength(1);
    first.type('exit 3\r');
    await until(() => portal.heard.exits.length > 0, { what: 'the exit is told' });
    expect(portal.heard.exits).toEqual([{ code: 3, signal: null }]);
    const records = await recorded();
    expect(decodeMark(records.at(-1)!.data)).toEqual({ mark: 'exit', code: 3, signal: null });
    await until(() => host.exitCode === 3, { what: 'the host leaves with the shell’s code' });
    expect(first.output.length).toBeGreaterThan(0);
    expect(Buffer.concat(first.output)).toEqual(await recordedOutput());
  });

  test('a page may connect before the claim', async () => {
    const early = page({ cols: 100, rows: 30 });
    await until(() => early.socket.readyState === 1, { what: 'the page is open' });
    await claim();
    await early.shows('$ ');
    early.type('stty size\r');
    await early.shows('30 100');
  });

  test('a flood is the same at the page and in the recording', async () => {
    await claim();
    const reader = page();
    await reader.shows('$ ');
    reader.type('head -c 20000000 /dev/urandom | base64 -w 100; echo END-OF-IT\r');
    await until(() => reader.tail.includes('END-OF-IT\r\n'), { what: 'the end shows', within: 60_000 });
    await until(() => portal.terminal.recordedBytes >= reader.offset, { what: 'the prompt is recorded' });
    const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
    const shown = Buffer.concat(reader.output);
    expect(hash((await recordedOutput()).subarray(0, shown.length))).toBe(hash(shown));
  });

  test('a page that does not read holds less than 1 MiB here, and Ctrl-C works when it reads again', async () => {
    await claim();
    const stalled = page();
    await stalled.shows('$ ');
    stalled.acking = false;
    stalled.type('yes\r');
    await until(() => stalled.outputBytes > 100_000, { what: 'the output comes' });
    stalled.socket.pause();
    let before = -1;
    await until(
      () => {
        const now = portal.terminal.recordedBytes;
        const same = now === before;
        before = now;
        return same && now > 500_000;
      },
      { what: 'the host stops' },
    );
    expect(before - stalled.offset).toBeLessThan(1024 * 1024);
    stalled.socket.resume();
    stalled.acking = true;
    stalled.ack();
    const asked = performance.now();
    stalled.type('\x03');
    await until(() => stalled.tail.endsWith('^C\r\n$ '), { what: 'the prompt is back' });
    expect(performance.now() - asked).toBeLessThan(2000);
  });

  test('a page that acknowledges without reading gets no more than the socket may hold', async () => {
    await claim();
    const liar = page();
    await liar.shows('$ ');
    liar.type('yes | head -c 16000000; echo DONE\r');
    await until(() => liar.outputBytes > 100_000, { what: 'the output comes' });
    liar.acking = false;
    liar.socket.pause();
    await until(() => portal.terminal.recordedBytes > 400_000, { what: 'the program is held back or done' });
    const held = [...portal.terminals.queued()];
    expect(Math.max(...held)).toBeLessThan(1024 * 1024);
    liar.socket.resume();
    liar.acking = true;
    liar.ack();
    await until(() => liar.tail.endsWith('DONE\r\n$ '), { what: 'all of it comes', within: 30_000 });
    // compared without toEqual, which takes seconds for 16 MB
    expect(Buffer.concat(liar.output).equals(await recordedOutput())).toBe(true);
  });

  test('reload: the screen is as before', async () => {
    await claim();
    const first = page();
    await first.shows('$ ');
    first.type('for i in $(seq 1 9000); do echo "line $i"; done; printf "\\033[31mred\\033[?2004h\\033[5;10H"\r');
    await first.shows('line 9000\r\n\x1b[31mred');
    await until(() => first.offset >= portal.terminal.recordedBytes, { what: 'all is shown' });
    const whole = createEmulator(80, 24);
    await feed(whole, Buffer.concat(first.output));
    const second = page();
    await until(() => second.snapshot !== undefined, { what: 'a snapshot comes' });
    expect(second.attached).toMatchObject({ cols: 80, rows: 24 });
    const restored = createEmulator(80, 24);
    await feed(restored, second.snapshot!);
    const lines = (emulator: typeof whole) =>
      Array.from({ length: emulator.buffer.normal.length }, (_, y) =>
        emulator.buffer.normal.getLine(y)!.translateToString(),
      );
    expect(lines(restored)).toEqual(lines(whole));
    expect(lines(restored)).toHaveLength(1024);
    expect(restored.modes).toEqual(whole.modes);
    expect([restored.buffer.normal.cursorX, restored.buffer.normal.cursorY]).toEqual([
      whole.buffer.normal.cursorX,
      whole.buffer.normal.cursorY,
    ]);
    await until(() => first.superseded && first.closeCode === CloseCode.superseded, { what: 'the first page is told' });
    expect(portal.heard.detached).toBe(0);
    second.socket.close();
    await until(() => portal.heard.detached === 1, { what: 'nobody is left' });
  });

  test('a lost network: output goes on where it was, input is not doubled', async () => {
    await claim();
    const first = page();
    await first.shows('$ ');
    first.type('cat\r');
    await first.shows('cat\r\n');
    first.socket.terminate();
    await until(() => portal.heard.detached === 1, { what: 'the page is gone' });
    const second = page({ stream: first.stream, offset: first.offset });
    await until(() => second.attached !== undefined, { what: 'it is attached' });
    expect(second.attached!.offset).toBe(first.offset);
    expect(second.attached!.inputPosition).toBe(4);
    // the end of the former input again, and more
    second.typeAt(0, 'cat\rone\r');
    await second.shows('one\r\none\r\n');
    expect(second.snapshot).toBeUndefined();
    expect(Buffer.concat([...first.output, ...second.output]).subarray(0, 5000)).toEqual(
      (await recordedOutput()).subarray(0, 5000),
    );
  });

  test('a restarted portal continues: no gap, no double, in neither direction', async () => {
    await claim();
    const first = page();
    await first.shows('$ ');
    first.type('for i in $(seq 1 20000); do echo "n$i"; done; echo END; cat\r');
    await first.shows('n2000\r\n');
    await restartPortal();
    await until(() => first.closeCode === CloseCode.stopping, { what: 'the first page is closed' });
    const second = page({ stream: first.stream });
    await second.shows('END\r\n', 30_000);
    second.typeAt(0, 'for i in $(seq 1 20000); do echo "n$i"; done; echo END; cat\rback\r');
    await second.shows('back\r\nback\r\n');
    const output = (await recordedOutput()).toString();
    const numbers = [...output.matchAll(/^n(\d+)\r$/gm)].map((match) => Number(match[1]));
    expect(numbers).toEqual(Array.from({ length: 20000 }, (_, i) => i + 1));
    expect(output.match(/back\r\n/g)).toHaveLength(2);
  });

  test('the exit of a shell that left while no portal was there', async () => {
    await claim();
    const first = page();
    await first.shows('$ ');
    first.type('read; exit 5\r');
    await first.shows('exit 5\r\n');
    first.type('\r');
    await until(() => first.inputAcked === 14, { what: 'the input is taken' });
    await restartPortal();
    await until(() => portal.heard.exits.length > 0, { what: 'the exit is told' });
    expect(portal.heard.exits).toEqual([{ code: 5, signal: null }]);
    await until(() => host.exitCode === 5, { what: 'the host leaves' });
  });

  test('a password is nowhere', async () => {
    await claim();
    const typist = page();
    await typist.shows('$ ');
    typist.type('read -s -p "Password: " x; echo ok\r');
    await typist.shows('Password: ');
    await until(() => typist.output.at(-1)!.toString().endsWith('Password: '), { what: 'the prompt reads' });
    typist.type('hunter2-secret\r');
    // the echo of the command holds "ok" as well: only the prompt behind it says that the password was read
    await typist.shows('ok\r\n$ ');
    const all = await readFile(portal.recordings.path(facts));
    expect(all.includes('hunter2')).toBe(false);
    typist.type('exit\r');
    await until(() => portal.heard.exits.length > 0, { what: 'the exit is recorded' });
    const marks = (await recorded()).filter(({ kind }) => kind === RecordKind.mark).map(({ data }) => decodeMark(data));
    expect(marks).toEqual([{ mark: 'secret' }, { mark: 'exit', code: 0, signal: null }]);
    expect((await readFile(portal.recordings.path(facts))).includes('hunter2')).toBe(false);
  });

  test('end hangs up the shell and keeps its last words', async () => {
    await claim();
    const last = page();
    await last.shows('$ ');
    last.type('trap "echo goodbye; exit" HUP; echo ready\r');
    await last.shows('ready\r\n');
    await portal.terminal.end('idle');
    await until(() => last.closeCode === CloseCode.ended, { what: 'the page is closed' });
    expect((await recordedOutput()).toString()).toContain('goodbye');
    expect(portal.heard.exits).toHaveLength(1);
    await expect(portal.terminal.claim(facts, 1, testClaim)).rejects.toMatchObject({ code: 'terminal-closed' });
  });

  test('a transfer past 256 MiB stops there, whatever was said beforehand, and the next one works', async () => {
    await claim();
    await portal.terminal.firstOutput;
    // The same file over and over, so that no disk is filled; the two blocks of zeros that end a tar are left out.
    const entry = (await tarOf('x', Buffer.alloc(32 << 20))).subarray(0, -1024);
    async function* endless() {
      for (;;) yield entry;
    }
    const tooLarge = { code: 'file-too-large', status: 413 };
    await expect(portal.terminals.upload(facts.session, '.', endless())).rejects.toMatchObject(tooLarge);
    await truncate(join(host.folder, 'x'), 300 << 20);
    const archive = await portal.terminals.download(facts.session, 'x');
    let bytes = 0;
    const downloaded = async () => {
      for await (const chunk of archive) bytes += (chunk as Buffer).length;
    };
    await expect(downloaded()).rejects.toMatchObject({ message: expect.stringContaining('256 MiB') });
    expect(bytes).toBeLessThanOrEqual(256 << 20);
    await portal.terminals.upload(facts.session, '.', Readable.from([await tarOf('y', Buffer.from('y'))]));
    expect(await readFile(join(host.folder, 'y'), 'utf8')).toBe('y');
  });

  test('files up and down', async () => {
    await claim();
    await portal.terminal.firstOutput;
    const content = Buffer.alloc(3_000_000, 'sallyport ');
    const tar = pack();
    tar.entry({ name: 'dir/file.txt' }, content);
    tar.finalize();
    const bytes = await portal.terminals.upload(facts.session, '.', Readable.from(tar));
    expect(bytes).toBeGreaterThan(content.length);
    expect(await readFile(join(host.folder, 'dir/file.txt'))).toEqual(content);
    const archive = await portal.terminals.download(facts.session, 'dir');
    const found: Record<string, Buffer> = {};
    const reader = extract();
    reader.on('entry', (header, stream, next) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk as Buffer));
      stream.on('end', () => {
        found[header.name] = Buffer.concat(chunks);
        next();
      });
    });
    await new Promise((resolve, reject) => {
      archive
        .pipe(reader)
        .on('finish', () => resolve(undefined))
        .on('error', reject);
      archive.on('error', reject);
    });
    expect(Object.entries(found).find(([name]) => name.endsWith('file.txt'))?.[1]).toEqual(content);
    await expect(portal.terminals.download(facts.session, '/etc/passwd')).rejects.toMatchObject({
      code: 'file-refused',
    });
    await expect(portal.terminals.download(facts.session, 'nothing')).rejects.toMatchObject({ code: 'file-refused' });
    expect(portal.heard.human.length).toBeGreaterThan(0);
    await until(() => portal.terminal.recordedBytes > 0, { what: 'the marks are recorded' });
  });
});
