/** Takes each byte of each input stream once, in order, however often it is sent. See docs/protocol.md. */

/** One per page load; a session that sees more loads than this has long lost the oldest pages. */
export const STREAMS_REMEMBERED = 64;

export class InputStreams {
  #positions = new Map<number, number>();

  /** The part of the bytes that has not been taken yet; empty where all has, or where bytes before it are missing. */
  take(stream: number, position: number, bytes: Uint8Array): Uint8Array {
    const expected = this.#positions.get(stream) ?? 0;
    if (position > expected) return bytes.subarray(0, 0);
    const fresh = bytes.subarray(Math.min(expected - position, bytes.length));
    // Set anew, so that the map's order is the order of use.
    this.#positions.delete(stream);
    this.#positions.set(stream, expected + fresh.length);
    if (this.#positions.size > STREAMS_REMEMBERED) this.#positions.delete(this.#positions.keys().next().value!);
    return fresh;
  }

  /** Up to where the stream's bytes have been taken. */
  position(stream: number): number {
    return this.#positions.get(stream) ?? 0;
  }

  /** All streams, the newest last. */
  entries(): [stream: number, position: number][] {
    return [...this.#positions];
  }
}
