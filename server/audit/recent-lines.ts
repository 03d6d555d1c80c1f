/**
 * What was written to the journal last, for who copies it to the database: who keeps up reads no file. Bounded; past the
 * bound all of it is forgotten, and read from the disk.
 */

export type JournalPosition = { segment: number; offset: number };

/** What 2,000 calls a second write in half a second. */
const MOST_CHARACTERS = 2 * 1024 * 1024;

type Chunk = { at: JournalPosition; next: JournalPosition; lines: string[]; characters: number };

export class RecentLines {
  readonly #most: number;
  /** In order; each begins where the one before it ends, or in the next segment. */
  #chunks: Chunk[] = [];
  #characters = 0;

  constructor(most = MOST_CHARACTERS) {
    this.#most = most;
  }

  /** Whole lines that lie between two positions. */
  add(at: JournalPosition, next: JournalPosition, lines: string[]): void {
    const characters = lines.reduce((sum, { length }) => sum + length, 0);
    this.#chunks.push({ at, next, lines, characters });
    this.#characters += characters;
    if (this.#characters > this.#most) this.#forget(this.#chunks.length);
  }

  /** About `size` characters from a position on, of one segment; null where they are not here. Forgets what precedes it. */
  read(from: JournalPosition, size: number): { lines: string[]; next: JournalPosition } | null {
    this.#forget(this.#chunks.findIndex(({ at }) => !isBefore(at, from)));
    const first = this.#chunks[0];
    if (!first || isBefore(from, first.at)) return null;
    const lines: string[] = [];
    let next = from;
    let characters = 0;
    for (const chunk of this.#chunks) {
      if (chunk.at.segment !== from.segment || characters >= size) break;
      lines.push(...chunk.lines);
      characters += chunk.characters;
      next = chunk.next;
    }
    return { lines, next };
  }

  /** So many of the oldest; -1: all. */
  #forget(count: number): void {
    for (const { characters } of this.#chunks.splice(0, count < 0 ? Infinity : count)) this.#characters -= characters;
  }
}

export function isBefore(a: JournalPosition, b: JournalPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);
}
