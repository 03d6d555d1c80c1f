/**
 * What the person typed and the PTY may not have yet. Positions count bytes of this page load's stream; the session
 * host writes each position once and acknowledges, so resending from the last acknowledged byte doubles nothing.
 */
import { INPUT_WINDOW } from '../../protocol/frames.ts';

/** One frame's worth: small enough that Ctrl-C is never far behind. */
const CHUNK_BYTES = 16 * 1024;
/** Held at most while the portal is away: a person who types this much has not noticed. */
const HELD_BYTES = 256 * 1024;

export type InputChunk = { position: number; bytes: Uint8Array };

export class InputStream {
  /** Chosen at random by each page load: tells the host that positions start anew. */
  readonly stream: number;
  #held: Uint8Array[] = [];
  /** Position of the first held byte. */
  #acked = 0;
  /** Position after the last byte that this connection was given. */
  #sent = 0;
  /** Position after the last byte taken in. */
  #end = 0;

  constructor(stream: number) {
    this.stream = stream;
  }

  /** Bytes not acknowledged yet. */
  get pending(): number {
    return this.#end - this.#acked;
  }

  get acked(): number {
    return this.#acked;
  }

  /** Bytes that a paste may add now without leaving the window. */
  get room(): number {
    return Math.max(0, INPUT_WINDOW - this.pending);
  }

  /** Takes typed bytes in; false where too much is held already, and then nothing was taken. */
  push(bytes: Uint8Array): boolean {
    if (this.pending + bytes.length > HELD_BYTES) return false;
    if (bytes.length > 0) this.#held.push(bytes);
    this.#end += bytes.length;
    return true;
  }

  /** What may be sent now; it counts as sent to this connection. */
  take(): InputChunk[] {
    const chunks: InputChunk[] = [];
    while (this.#sent < this.#end && this.#sent - this.#acked < INPUT_WINDOW) {
      const most = Math.min(CHUNK_BYTES, INPUT_WINDOW - (this.#sent - this.#acked));
      const bytes = this.#slice(this.#sent, most);
      chunks.push({ position: this.#sent, bytes });
      this.#sent += bytes.length;
    }
    return chunks;
  }

  /** All input before the position reached the PTY. Acknowledgements may come late, twice or out of order. */
  ack(position: number): void {
    const to = Math.min(position, this.#end);
    let drop = to - this.#acked;
    if (drop <= 0) return;
    this.#acked = to;
    this.#sent = Math.max(this.#sent, to);
    while (drop > 0) {
      const first = this.#held[0]!;
      if (first.length <= drop) {
        this.#held.shift();
        drop -= first.length;
      } else {
        this.#held[0] = first.subarray(drop);
        drop = 0;
      }
    }
  }

  /** A new connection: what the PTY has is dropped, all else will be sent again. */
  resume(position: number): void {
    this.ack(position);
    this.#sent = this.#acked;
  }

  /** Up to `most` bytes from a position, joined across what was typed. */
  #slice(from: number, most: number): Uint8Array {
    const parts: Uint8Array[] = [];
    let skip = from - this.#acked;
    let left = most;
    for (const part of this.#held) {
      if (left === 0) break;
      if (skip >= part.length) {
        skip -= part.length;
        continue;
      }
      const piece = part.subarray(skip, skip + left);
      parts.push(piece);
      left -= piece.length;
      skip = 0;
    }
    if (parts.length === 1) return parts[0]!;
    const out = new Uint8Array(most - left);
    let at = 0;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}
