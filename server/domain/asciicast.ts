/**
 * A recording as asciicast v3 (docs.asciinema.org/manual/asciicast/v3): one header line, then `[interval, code, data]`
 * a line. An export, not the record: the format holds UTF-8 text, so bytes that are none become U+FFFD, and a marker
 * says so. Feed it all records in order; memory stays constant.
 */
import { decodeMark, decodeResize, RecordKind, type LogRecord, type Mark, withReturns } from '../../protocol/log.ts';
import type { RecordingFacts } from './recording.ts';

const REPLACED = 'bytes that are not UTF-8 are shown as U+FFFD';

export class CastWriter {
  readonly #facts: RecordingFacts;
  readonly #output = new Utf8Stream();
  readonly #input = new Utf8Stream();
  /** µs since the epoch of the last event; the intervals add up to the recording's length without drift. */
  #last: bigint | undefined;
  /** Where what is recorded wrote to no terminal. */
  #lines: ((bytes: Uint8Array) => Uint8Array) | null = null;

  constructor(facts: RecordingFacts) {
    this.#facts = facts;
  }

  header(): string {
    const { cols, rows, openedAt, cluster, user } = this.#facts;
    return `${JSON.stringify({
      version: 3,
      term: { cols, rows, type: 'xterm-256color' },
      timestamp: Math.floor(openedAt.getTime() / 1000),
      title: `${user.email} on ${cluster.name}, session ${this.#facts.session}`,
    })}\n`;
  }

  /** The lines of one record; none where it holds the beginning of a character only. */
  lines(record: LogRecord): string {
    if (record.kind === RecordKind.resize) {
      const { cols, rows } = decodeResize(record.data);
      return this.#event(record.time, 'r', `${cols}x${rows}`);
    }
    if (record.kind === RecordKind.mark) {
      const mark = decodeMark(record.data);
      if (mark.mark === 'stream') this.#lines = mark.tty ? null : withReturns;
      return this.#event(record.time, 'm', markText(mark));
    }
    if (record.kind === RecordKind.input) return this.#text(record.time, 'i', this.#input.push(record.data));
    // The format knows one output: stderr is shown where it came.
    const data = this.#lines ? this.#lines(record.data) : record.data;
    return this.#text(record.time, 'o', this.#output.push(data));
  }

  /** What stood cut off at the end. */
  end(): string {
    const time = this.#last ?? 0n;
    return this.#text(time, 'o', this.#output.end()) + this.#text(time, 'i', this.#input.end());
  }

  #text(time: bigint, code: string, { text, replaced }: Decoded): string {
    const marker = replaced ? this.#event(time, 'm', REPLACED) : '';
    return text === '' ? marker : marker + this.#event(time, code, text);
  }

  #event(time: bigint, code: string, data: string): string {
    const from = this.#last ?? BigInt(this.#facts.openedAt.getTime()) * 1000n;
    // a clock that was set back makes no negative interval
    const to = time > from ? time : from;
    this.#last = to;
    return `${JSON.stringify([Number(to - from) / 1e6, code, data])}\n`;
  }
}

function markText(mark: Mark): string {
  if (mark.mark === 'secret') return 'secret input, not recorded';
  if (mark.mark === 'hidden-shell') return `the shell reads without echo: ${mark.detail}`;
  if (mark.mark === 'stream') return mark.what;
  if (mark.mark === 'cut') return `not recorded from here on: ${mark.why}`;
  if (mark.mark === 'exit') return `exit ${mark.code ?? `by signal ${mark.signal}`}`;
  return `file ${mark.direction}: ${mark.path} (${mark.bytes} bytes)`;
}

type Decoded = {
  text: string;
  /** Bytes that are not UTF-8 appeared, for the first time since it was well. */
  replaced: boolean;
};

/** UTF-8 whose characters are cut anywhere. */
class Utf8Stream {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #broken = false;
  /** Bytes still to come of an EF BF BD that has begun. */
  #missing = 0;

  push(bytes: Uint8Array): Decoded {
    return this.#result(this.#decoder.decode(bytes, { stream: true }), this.#genuine(bytes));
  }

  end(): Decoded {
    return this.#result(this.#decoder.decode(), 0);
  }

  #result(text: string, genuine: number): Decoded {
    const before = this.#broken;
    this.#broken = count(text, '\ufffd') > genuine;
    return { text, replaced: this.#broken && !before };
  }

  /** How many U+FFFD the program wrote itself, as EF BF BD: those that end in these bytes. */
  #genuine(bytes: Uint8Array): number {
    let found = 0;
    for (const byte of bytes) {
      if (byte === 0xef) this.#missing = 2;
      else if (this.#missing === 2 && byte === 0xbf) this.#missing = 1;
      else if (this.#missing === 1 && byte === 0xbd) {
        this.#missing = 0;
        found++;
      } else this.#missing = 0;
    }
    return found;
  }
}

function count(text: string, character: string): number {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found++;
  return found;
}
