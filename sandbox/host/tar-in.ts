/** An upload: puts a tar stream's files and folders into a folder. */
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { extract } from 'tar-stream';
import type { Extract } from 'tar-stream';
import type { Confinement } from './confine.ts';
import { explain, TransferError } from './confine.ts';

type Entry = Extract extends AsyncIterable<infer Each> ? Each : never;

/** A tar of empty files could hold millions within its size. */
const ENTRIES_MAX = 20_000;

/** Throws TransferError on what may not be unpacked, with nothing undone of what came before it. */
export async function unpack(tar: AsyncIterable<Uint8Array>, path: string, confinement: Confinement): Promise<void> {
  const base = await confinement.folder(path);
  const entries = extract();
  const fed = feed(tar, entries);
  // Reported by the loop below, which the failure ends.
  fed.catch(() => {});
  let count = 0;
  try {
    for await (const entry of entries) {
      count += 1;
      if (count > ENTRIES_MAX) throw new TransferError(`An upload holds at most ${ENTRIES_MAX} files.`);
      await unpackOne(entry, base, confinement);
    }
  } catch (error) {
    if (error instanceof TransferError) throw error;
    throw new TransferError(`The upload is not a whole tar stream: ${(error as Error).message}`, { cause: error });
  } finally {
    entries.destroy();
  }
  await fed;
}

async function feed(tar: AsyncIterable<Uint8Array>, entries: Extract): Promise<void> {
  try {
    for await (const chunk of tar)
      if (!entries.write(chunk)) await new Promise<void>((resolve) => whenReady(entries, resolve));
    entries.end(null);
  } catch (error) {
    entries.destroy(error as Error);
    throw error;
  }
}

function whenReady(entries: Extract, resolve: () => void): void {
  entries.once('drain', resolve);
  entries.once('close', resolve);
}

async function unpackOne(entry: Entry, base: string, confinement: Confinement): Promise<void> {
  const { name, type, mode } = entry.header;
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (name.startsWith('/') || parts.includes('..') || name.includes('\0'))
    throw new TransferError(`The upload names ${name}, which leads out of the folder.`);
  const inside = parts.join('/');
  if (type === 'directory') {
    await confinement.folder(join(base, inside));
    entry.resume();
    return;
  }
  if (type !== 'file' && type !== 'contiguous-file')
    throw new TransferError(`${name} is a ${type ?? 'special file'}: an upload holds files and folders only.`);
  if (inside === '') throw new TransferError('The upload holds a file without a name.');
  const folder = await confinement.folder(join(base, dirname(inside)));
  const file = await confinement.openForWriting(folder, parts.at(-1)!, 0o600);
  try {
    for await (const chunk of entry) await writeAll(file, chunk as Buffer);
    await chmod(`/proc/self/fd/${file.fd}`, (mode ?? 0o644) & 0o777);
  } catch (error) {
    throw error instanceof TransferError ? error : explain(error, name);
  } finally {
    await file.close();
  }
}

async function writeAll(file: { write(data: Buffer): Promise<{ bytesWritten: number }> }, chunk: Buffer) {
  for (let at = 0; at < chunk.length;) at += (await file.write(chunk.subarray(at))).bytesWritten;
}
