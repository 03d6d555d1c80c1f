/** The mark with which a recording ends, read from its tail: a log has no index, and its whole may be gigabytes. */
import { readU32 } from '../../protocol/frames.ts';
import { decodeRecords, RECORD_HEADER_BYTES, RecordKind, type LogRecord } from '../../protocol/log.ts';

/** Marks are short. */
export const LAST_MARK_BYTES = 512;

/** The mark that ends where `tail` does; undefined where the log ends with something else. */
export function lastMark(tail: Uint8Array): LogRecord | undefined {
  for (let at = tail.length - RECORD_HEADER_BYTES; at >= 0; at--) {
    if (tail[at] !== RecordKind.mark || readU32(tail, at + 9) !== tail.length - at - RECORD_HEADER_BYTES) continue;
    return decodeRecords(tail.subarray(at)).records[0];
  }
  return undefined;
}
