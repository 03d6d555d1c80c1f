/** Pasting: what is asked first, what is sent, and in pieces small enough that it can be stopped. */

/** Past this even a single line is asked about: it was hardly meant. */
const ASK_BYTES = 64 * 1024;
/** Characters a piece; at three UTF-8 bytes each it stays below one input window. */
const PIECE_CHARS = 8 * 1024;
/** What the question shows: the start of it is what tells a person what they hold. */
const PREVIEW_LINES = 12;
const PREVIEW_CHARS = 160;

export type PasteQuestion = { lines: number; chars: number; preview: string[]; more: number };

/** What to ask before pasting; null where it can simply be pasted. A newline at the end runs a command, so it counts. */
export function questionFor(text: string): PasteQuestion | null {
  const lines = text.split(/\r\n|\r|\n/);
  const ended = lines.length > 1;
  if (!ended && text.length <= ASK_BYTES) return null;
  // A newline at the end ends the last line; it begins no other.
  if (lines.at(-1) === '') lines.pop();
  const shown = lines.slice(0, PREVIEW_LINES).map((line) => {
    // Control characters are shown, so that what hides in a copied text is seen.
    const visible = line.replace(/\p{Cc}/gu, (char) => `^${String.fromCharCode((char.charCodeAt(0) + 64) % 128)}`);
    return visible.length > PREVIEW_CHARS ? `${visible.slice(0, PREVIEW_CHARS)}…` : visible;
  });
  return { lines: lines.length, chars: text.length, preview: shown, more: Math.max(0, lines.length - shown.length) };
}

const encoder = new TextEncoder();

/** One paste on its way: pieces are taken as the input window has room. */
export class PasteJob {
  readonly #text: string;
  readonly #bracketed: boolean;
  #at = 0;
  #opened = false;
  #ended = false;

  /** `bracketed`: the program asked for pastes to be marked, and the text cannot end the mark itself. */
  constructor(text: string, bracketed: boolean) {
    const lines = text.replace(/\r\n|\n/g, '\r');
    this.#text = bracketed ? lines.replaceAll('\x1b', '\u241b') : lines;
    this.#bracketed = bracketed;
  }

  get total(): number {
    return this.#text.length;
  }

  get sent(): number {
    return this.#at;
  }

  get done(): boolean {
    return this.#ended;
  }

  /** The next piece, of at most `room` bytes; null where there is no room for one or nothing is left. */
  next(room: number): Uint8Array | null {
    const chars = Math.min(PIECE_CHARS, Math.floor((room - 12) / 3));
    if (this.#ended || chars < 2) return null;
    let end = Math.min(this.#at + chars, this.#text.length);
    // A surrogate pair is one character and stays together.
    const last = this.#text.charCodeAt(end - 1);
    if (end < this.#text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    let piece = this.#text.slice(this.#at, end);
    if (this.#bracketed && !this.#opened) piece = `\x1b[200~${piece}`;
    this.#opened = true;
    this.#at = end;
    if (end === this.#text.length) {
      this.#ended = true;
      if (this.#bracketed) piece += '\x1b[201~';
    }
    return encoder.encode(piece);
  }

  /** Stops; what must still be sent so that the program leaves its paste mode. */
  cancel(): Uint8Array {
    const open = this.#bracketed && this.#opened && !this.#ended;
    this.#ended = true;
    return open ? encoder.encode('\x1b[201~') : new Uint8Array();
  }
}
