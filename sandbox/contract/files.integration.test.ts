import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../e2e/machine/until.ts';
import { FromHost, json, parseJson, ToHost } from '../../protocol/frames.ts';
import type { HostFileResult } from '../../protocol/frames.ts';
import { TestPortal, WAYS } from './fixture.ts';
import type { TestSandbox } from './fixture.ts';

type Entry = {
  name: string;
  type?: 'file' | 'symlink' | 'link' | 'directory' | 'fifo' | 'character-device' | 'block-device';
  pax?: Record<string, string>;
  content?: Buffer;
  linkname?: string;
};

const HOME_BYTES = 32 * 1024 * 1024;

async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, type = 'file', content = Buffer.alloc(0), linkname, pax } of entries)
    tar.entry(
      { name, type, size: content.length, mode: 0o6750, ...(linkname && { linkname }), ...(pax && { pax }) },
      content,
    );
  tar.finalize();
  return buffer(tar as unknown as AsyncIterable<Uint8Array>);
}

async function connection(box: TestSandbox, direction: 'upload' | 'download', path: string) {
  const id = randomUUID();
  const count = box.links.length;
  const terminal = box.link;
  terminal.send(ToHost.file, json({ id, direction, path }));
  const link = await box.nextLink(count);
  expect(link.hello).toMatchObject({ purpose: 'file', file: id });
  // The terminal's stays the one that `box.link` names.
  box.links.splice(count, 1);
  const result = async (): Promise<HostFileResult> => {
    const found = () => link.frames.find((frame) => frame.type === FromHost.fileResult);
    await until(() => found() !== undefined, { what: 'the transfer’s result', within: 60_000 });
    return parseJson<HostFileResult>(found()!.payload);
  };
  return { link, result };
}

async function upload(box: TestSandbox, path: string, tar: Buffer): Promise<HostFileResult> {
  const { link, result } = await connection(box, 'upload', path);
  const ended = result();
  let over = false;
  void ended.then(() => (over = true));
  for (let at = 0; at < tar.length && !over; at += 64 * 1024) {
    link.send(ToHost.fileData, tar.subarray(at, at + 64 * 1024));
    if (link.stream.writableNeedDrain) {
      const drained = new Promise<void>((resolve) => link.stream.once('drain', resolve));
      await Promise.race([drained, ended]);
    }
  }
  if (!over) link.send(ToHost.fileData);
  return ended;
}

async function download(box: TestSandbox, path: string) {
  const { link, result } = await connection(box, 'download', path);
  const outcome = await result();
  const data = link.frames.filter((frame) => frame.type === FromHost.fileData).map((frame) => frame.payload);
  const entries: Record<string, string> = {};
  const reader = extract();
  reader.end(Buffer.concat(data));
  if (outcome.ok)
    for await (const entry of reader) {
      const { name, type, linkname } = entry.header;
      const content = await buffer(entry as unknown as AsyncIterable<Uint8Array>);
      entries[name] = type === 'symlink' ? `-> ${linkname}` : content.toString();
    }
  return { outcome, entries };
}

describe.each(WAYS)('files by %s', (way) => {
  let portal: TestPortal;
  let box: TestSandbox;
  beforeAll(async () => {
    portal = await TestPortal.start(way, { limits: { home: HOME_BYTES } });
    box = await portal.open();
  });
  afterAll(() => portal[Symbol.asyncDispose]());

  test('an upload is there, with its folders and modes; it is marked in the log', async () => {
    const tar = await tarOf([
      { name: 'a/', type: 'directory' },
      { name: 'a/b.txt', content: Buffer.from('hello') },
      { name: './c', content: Buffer.alloc(3_000_000, 'c') },
    ]);
    expect(await upload(box, 'new/place', tar)).toEqual({ ok: true, bytes: tar.length });
    expect(await box.run('cat ~/new/place/a/b.txt; stat -c "%a %s" ~/new/place/c')).toBe('hello750 3000000\n');
    expect(box.link.marks()).toContainEqual({
      mark: 'file',
      direction: 'upload',
      path: 'new/place',
      bytes: tar.length,
    });
  });

  test('a download brings file or folder; links are not followed', async () => {
    await box.run('mkdir -p d/e; echo one > d/one; echo two > d/e/two; ln -s /etc/passwd d/link; mkfifo d/pipe');
    const { outcome, entries } = await download(box, '/home/sallyport/d');
    expect(outcome.ok).toBe(true);
    expect(entries).toEqual({ 'd/': '', 'd/one': 'one\n', 'd/e/': '', 'd/e/two': 'two\n', 'd/link': '-> /etc/passwd' });
    expect((await download(box, 'd/one')).entries).toEqual({ one: 'one\n' });
  });

  test.each([
    ['/etc/passwd', 'outside'],
    ['/proc/self/environ', 'outside'],
    ['/proc/1/mem', ''],
    ['../../etc/passwd', 'outside'],
    ['out', 'outside'],
    ['nowhere', 'There is no nowhere.'],
  ])('a download of %s is refused with a sentence', async (path, message) => {
    await box.run('ln -sfn /etc out');
    const { outcome } = await download(box, path);
    expect(outcome).toMatchObject({ ok: false, message: expect.stringContaining(message) as string });
  });

  test.each<[string, Entry[], string, string]>([
    ['a path that leads out', [{ name: '../../etc/x' }], '.', 'leads out'],
    ['an absolute path', [{ name: '/etc/x' }], '.', 'leads out'],
    ['a symbolic link', [{ name: 'l', type: 'symlink', linkname: '/etc' }], '.', 'symlink'],
    ['a hard link', [{ name: 'l', type: 'link', linkname: '/etc/passwd' }], '.', 'link'],
    ['a pipe', [{ name: 'p', type: 'fifo' }], '.', 'fifo'],
    ['a device', [{ name: 'sda', type: 'block-device' }], '.', 'block-device'],
    ['a terminal', [{ name: 'tty', type: 'character-device' }], '.', 'character-device'],
    ['a path that only a PAX header has', [{ name: 'x', pax: { path: '../../etc/x' } }], '.', 'leads out'],
    ['steps out behind a folder', [{ name: 'a/../../../etc/x' }], '.', 'leads out'],
    ['a file through a link that is there', [{ name: 'out2/x' }], '.', 'outside'],
    ['a file in place of a link', [{ name: 'here' }], '.', 'symbolic link'],
    ['a file in place of a pipe', [{ name: 'pipe' }], '.', 'not a regular file'],
    ['a folder elsewhere', [{ name: 'x' }], '/etc', 'outside'],
    ['the host’s own files', [{ name: 'mem' }], '/proc/self', 'outside'],
  ])('an upload of %s is refused with a sentence', async (_name, entries, path, message) => {
    await box.run('ln -sfn /etc out2; ln -sfn /etc/passwd here; [ -p pipe ] || mkfifo pipe');
    const outcome = await upload(box, path, await tarOf(entries));
    expect(outcome).toMatchObject({ ok: false, message: expect.stringContaining(message) as string });
  });

  test('what is no tar stream, and what is cut off, is refused', async () => {
    expect(await upload(box, '.', Buffer.alloc(4096, 'x'))).toMatchObject({ ok: false });
    const tar = await tarOf([{ name: 'cut', content: Buffer.alloc(100_000) }]);
    expect(await upload(box, '.', tar.subarray(0, 50_000))).toMatchObject({ ok: false });
  });

  test('a file that the home cannot hold is refused with a sentence, and the session goes on', async () => {
    const tar = await tarOf([{ name: 'big', content: Buffer.alloc(2 * HOME_BYTES) }]);
    expect(await upload(box, '.', tar)).toMatchObject({
      ok: false,
      message: expect.stringContaining('no room left') as string,
    });
    expect(await box.run('rm -f big; echo alive')).toBe('alive\n');
  }, 120_000);

  test('closing the connection cancels', async () => {
    const { link } = await connection(box, 'upload', '.');
    link.send(ToHost.fileData, (await tarOf([{ name: 'half', content: Buffer.alloc(1_000_000) }])).subarray(0, 5000));
    link.drop();
    const tar = await tarOf([{ name: 'whole', content: Buffer.from('w') }]);
    expect(await upload(box, '.', tar)).toMatchObject({ ok: true });
  });
});
