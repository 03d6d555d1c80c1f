/**
 * Keeps file transfers inside some folders. The person owns every file here and may swap a folder for a link while
 * a transfer runs, so what counts is where the kernel says an open file is, not what its path said before.
 */
import { constants } from 'node:fs';
import { mkdir, open, readlink, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** Says in a sentence, which may be shown to the person, why a transfer cannot be. */
export class TransferError extends Error {
  override name = 'TransferError';
}

export class Confinement {
  #roots: string[];
  #home: string;

  /** The first of the folders is what relative paths start from. */
  constructor(folders: string[]) {
    this.#roots = folders;
    this.#home = folders[0]!;
  }

  /** The path with its links resolved. Throws TransferError where it lies elsewhere, or is not there. */
  async existing(path: string): Promise<string> {
    const real = await realpath(resolve(this.#home, path)).catch((error: unknown) => {
      throw explain(error, path);
    });
    await this.#check(real, path);
    return real;
  }

  /** As existing; folders that are missing are made. */
  async folder(path: string): Promise<string> {
    const absolute = resolve(this.#home, path);
    const missing: string[] = [];
    let there = absolute;
    while (there !== dirname(there)) {
      const found = await realpath(there).catch(() => null);
      if (found !== null) break;
      missing.unshift(basename(there));
      there = dirname(there);
    }
    let real = await this.existing(there);
    for (const name of missing) {
      await mkdir(join(real, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw explain(error, path);
      });
      real = await this.existing(join(real, name));
    }
    return real;
  }

  /** Opens a regular file for reading; a link is not followed. Throws TransferError. */
  async openForReading(path: string): Promise<FileHandle> {
    return this.#open(path, path, constants.O_RDONLY);
  }

  /** Opens a regular file in the folder for writing, made or emptied; a link is not followed. Throws TransferError. */
  async openForWriting(folder: string, name: string, mode: number): Promise<FileHandle> {
    const shown = join(folder, name);
    const parent = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY).catch((error: unknown) => {
      throw explain(error, shown);
    });
    try {
      await this.#check(await whereIs(parent), shown);
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
      return await this.#open(`/proc/self/fd/${parent.fd}/${name}`, shown, flags, mode);
    } finally {
      await parent.close();
    }
  }

  async #open(path: string, shown: string, flags: number, mode?: number): Promise<FileHandle> {
    // Without O_NONBLOCK a pipe in the file's place would hang the transfer.
    const file = await open(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode).catch((error: unknown) => {
      throw explain(error, shown);
    });
    try {
      await this.#check(await whereIs(file), shown);
      if (!(await file.stat()).isFile()) throw new TransferError(`${shown} is not a regular file.`);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #check(real: string, shown: string): Promise<void> {
    for (const root of this.#roots) {
      const realRoot = await realpath(root);
      if (real === realRoot || real.startsWith(realRoot + sep)) return;
    }
    throw new TransferError(`${shown} is outside of ${this.#roots.join(' and ')}: files move only there.`);
  }
}

function whereIs(file: FileHandle): Promise<string> {
  return readlink(`/proc/self/fd/${file.fd}`);
}

/** A sentence for what the file system said. */
export function explain(error: unknown, path: string): TransferError {
  const code = (error as NodeJS.ErrnoException).code;
  const said: Record<string, string> = {
    ENOENT: `There is no ${path}.`,
    EACCES: `${path} may not be read or written by you.`,
    EPERM: `${path} may not be read or written by you.`,
    ENOSPC: `There is no room left for ${path}.`,
    EFBIG: `${path} is larger than a file may be here.`,
    EISDIR: `${path} is a folder.`,
    ENOTDIR: `A part of ${path} is not a folder.`,
    ELOOP: `${path} is a symbolic link.`,
    ENXIO: `${path} is not a regular file.`,
    ENAMETOOLONG: `The name ${path.slice(0, 100)}… is too long.`,
    EROFS: `${path} is on a read-only file system.`,
  };
  return new TransferError(said[code ?? ''] ?? `${path}: ${(error as Error).message}`, { cause: error });
}
