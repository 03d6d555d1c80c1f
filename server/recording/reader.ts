/** Reads a log from the disk, also while it is being written; never holds more than a block of it. */
import { open } from 'node:fs/promises';
import { decodeRecords, type LogRecord } from '../../protocol/log.ts';

/** Small, so that work between two reads never keeps a keystroke waiting; more than the longest record. */
const BLOCK_BYTES = 128 * 1024;

export type RecordBlock = {
  records: LogRecord[];
  /** Offset of the first record. */
  start: number;
  /** Offset after the last record. */
  end: number;
};

/** At most `length` bytes from `offset`; fewer at the end of the log. */
export async function readLog(path: string, offset: number, length: number): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/**
 * The whole records between two offsets, block by block; a record's data is valid until the next block is asked for.
 * `from` is a record's boundary. Ends at `to`, at the end of the file, or before a record that is not whole.
 * Throws CorruptLogError.
 */
export async function* readRecords(
  path: string,
  from = 0,
  to = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<RecordBlock, void, undefined> {
  await using file = await open(path, 'r');
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  let at = from;
  while (at < to) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(BLOCK_BYTES, to - at), at);
    const { records, consumed } = decodeRecords(buffer.subarray(0, bytesRead));
    if (consumed === 0) return;
    yield { records, start: at, end: at + consumed };
    at += consumed;
  }
}
