/** Search in what a recording showed. Reads it through; nothing is indexed, since recordings are searched rarely. */
import { RECORD_HEADER_BYTES, RecordKind } from '../../protocol/log.ts';
import { ScreenText } from '../domain/screen-text.ts';
import { readRecords } from './reader.ts';

export type Hit = {
  /** Of the record in which the line begins. */
  offset: number;
  /** ms since the recording's first record: the moment from which the whole line shows. */
  atMs: number;
  line: string;
};

/** A page of hits; who finds more asks more precisely. */
const HITS_MOST = 200;
/** Around the match in a long line. */
const LINE_SHOWN = 300;

/** The first lines that hold the text, whatever its case. Ends early where `signal` aborts. */
export async function searchRecording(path: string, text: string, signal?: AbortSignal): Promise<Hit[]> {
  const wanted = text.toLowerCase();
  const hits: Hit[] = [];
  let start: bigint | undefined;
  const screen = new ScreenText<{ offset: number; time: bigint }>(({ text: line, at: { offset }, until: { time } }) => {
    const found = line.toLowerCase().indexOf(wanted);
    if (found < 0 || hits.length >= HITS_MOST) return;
    hits.push({ offset, atMs: Number(time - start!) / 1000, line: excerpt(line, found, wanted.length) });
  });
  for await (const block of readRecords(path)) {
    let { start: offset } = block;
    for (const { kind, time, data } of block.records) {
      start ??= time;
      if (kind === RecordKind.output || kind === RecordKind.error) screen.push(data, { offset, time });
      offset += RECORD_HEADER_BYTES + data.length;
    }
    if (hits.length >= HITS_MOST || signal?.aborted) break;
  }
  screen.end();
  return hits;
}

/** Of a long line, what surrounds the match. */
function excerpt(line: string, found: number, length: number): string {
  if (line.length <= LINE_SHOWN) return line;
  const from = Math.max(0, Math.min(found - Math.floor((LINE_SHOWN - length) / 2), line.length - LINE_SHOWN));
  return `${from > 0 ? '…' : ''}${line.slice(from, from + LINE_SHOWN)}${from + LINE_SHOWN < line.length ? '…' : ''}`;
}
