/** Against tar-stream, the reader and writer that the other side uses. */
import fc from 'fast-check';
import { extract, pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { makeTar, readTar, TarError } from './tar.ts';

const modifiedAt = new Date('2026-11-22T12:00:00Z');

async function listed(tar: Blob): Promise<{ name: string; text: string; mtime: Date | undefined }[]> {
  const reader = extract();
  const found: { name: string; text: string; mtime: Date | undefined }[] = [];
  reader.end(Buffer.from(await tar.arrayBuffer()));
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    found.push({ name: entry.header.name, text: Buffer.concat(chunks).toString(), mtime: entry.header.mtime });
  }
  return found;
}

const segment = fc
  .stringMatching(/^[a-zA-Z0-9 _.é漢-]{1,60}$/)
  .filter((name) => name !== '.' && name !== '..' && name.trim() === name);
const file = fc.record({
  name: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
  text: fc.string({ maxLength: 2000 }),
});

test('what is made here, tar-stream reads', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(file, { maxLength: 5 }), async (files) => {
      const tar = makeTar(files.map(({ name, text }) => ({ name, body: new Blob([text]), modifiedAt })));
      const want = files.map(({ name, text }) => ({
        name,
        text: Buffer.from(new TextEncoder().encode(text)).toString(),
        mtime: modifiedAt,
      }));
      expect(await listed(tar)).toEqual(want);
      expect((await readTar(tar)).map((entry) => entry.name)).toEqual(files.map(({ name }) => name));
    }),
    { numRuns: 60 },
  );
});

test('what tar-stream makes, is read here: files, folders, links, long names', async () => {
  const writer = pack();
  const long = `${'folder/'.repeat(20)}é.txt`;
  writer.entry({ name: 'a.txt' }, 'hello');
  writer.entry({ name: 'dir', type: 'directory' });
  writer.entry({ name: 'link', type: 'symlink', linkname: 'a.txt' });
  writer.entry({ name: long }, 'deep');
  writer.finalize();
  const chunks: BlobPart[] = [];
  for await (const chunk of writer) chunks.push(new Uint8Array(chunk as Buffer));
  const entries = await readTar(new Blob(chunks));
  expect(entries.map(({ name, kind }) => [name.replace(/\/$/, ''), kind])).toEqual([
    ['a.txt', 'file'],
    ['dir', 'folder'],
    ['link', 'other'],
    [long, 'file'],
  ]);
  expect(await entries[0]!.body.text()).toBe('hello');
});

test('a name cannot climb', async () => {
  const tar = makeTar([{ name: '/../etc//passwd', body: new Blob(['x']), modifiedAt }]);
  expect((await readTar(tar))[0]!.name).toBe('etc/passwd');
});

test('what is no tar is said to be none', async () => {
  await expect(readTar(new Blob(['x'.repeat(1024)]))).rejects.toThrow(TarError);
  const tar = makeTar([{ name: 'a', body: new Blob(['x'.repeat(5000)]), modifiedAt }]);
  await expect(readTar(tar.slice(0, 2048))).rejects.toThrow(TarError);
});
