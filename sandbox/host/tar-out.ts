/** A download: a file or folder as a tar stream. */
import { lstat, readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import type { Confinement } from './confine.ts';
import { explain, TransferError } from './confine.ts';

/** The tar stream's bytes. Throws TransferError. Links are sent as links; sockets, pipes and devices are left out. */
export async function* packed(path: string, confinement: Confinement): AsyncGenerator<Uint8Array> {
  const real = await confinement.existing(path);
  const tar = pack();
  const added = add(tar, real, basename(real), confinement).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error instanceof TransferError ? error : explain(error, path)),
  );
  try {
    for await (const chunk of tar) yield chunk as Uint8Array;
  } finally {
    tar.destroy();
    await added;
  }
}

async function add(tar: Pack, path: string, name: string, confinement: Confinement): Promise<void> {
  const found = await lstat(path);
  const header = { name, mode: found.mode & 0o777, mtime: found.mtime };
  if (found.isDirectory()) {
    await entry(tar, { ...header, name: `${name}/`, type: 'directory' });
    for (const child of await readdir(path)) await add(tar, join(path, child), `${name}/${child}`, confinement);
  } else if (found.isSymbolicLink()) {
    await entry(tar, { ...header, type: 'symlink', linkname: await readlink(path) });
  } else if (found.isFile()) {
    const file = await confinement.openForReading(path);
    try {
      const { size } = await file.stat();
      const sink = tar.entry({ ...header, size });
      if (size === 0) sink.end(null);
      // What is appended meanwhile is not part of it; what is cut off meanwhile makes the stream fail, as it should.
      else await pipeline(file.createReadStream({ end: size - 1, autoClose: false }), sink);
    } finally {
      await file.close();
    }
  }
}

function entry(tar: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}
