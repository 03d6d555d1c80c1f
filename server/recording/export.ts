/** A recording as asciicast v3, as a stream: a log of a gigabyte takes no more memory than a short one. */
import { CastWriter } from '../domain/asciicast.ts';
import type { RecordingFacts } from '../domain/recording.ts';
import { readRecords } from './reader.ts';

/** Up to `to`, the log's size when the export began: a running session grows on. */
export async function* asciicast(path: string, facts: RecordingFacts, to: number): AsyncGenerator<string> {
  const cast = new CastWriter(facts);
  yield cast.header();
  for await (const { records } of readRecords(path, 0, to)) {
    const lines = records.map((record) => cast.lines(record)).join('');
    if (lines !== '') yield lines;
  }
  yield cast.end();
}
