/**
 * Whether a file lies in this machine's own file systems. A write into one that another machine serves, or a program,
 * waits for them whenever it likes, and for ever where they are gone: the kernel knows no timeout (nfs(5), `hard`).
 */
import { statfs } from 'node:fs/promises';

/** statfs(2), f_type. What is not listed counts as foreign: that costs some 10 µs a key, no more. */
const OWN: Record<number, string> = {
  0xef53: 'ext2, ext3, ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0xca451a4e: 'bcachefs',
  0xf2f52010: 'f2fs',
  0x2fc12fc1: 'zfs',
  0x794c7630: 'overlayfs',
  0x01021994: 'tmpfs',
};

export function isOwnFileSystem(type: number): boolean {
  return type in OWN;
}

/** Throws the file system's error. */
export async function liesInOwnFileSystem(path: string): Promise<boolean> {
  return isOwnFileSystem((await statfs(path)).type);
}
