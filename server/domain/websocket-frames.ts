/**
 * Reads the frames of one direction of a WebSocket (RFC 6455, 5) as they stream by, at any cut, holding no more than a
 * frame's header. Pure. What it does not know it says, and reads no further: extensions change what frames mean.
 */

export type WebSocketPiece = {
  /** Of the message that it belongs to: 1 text, 2 binary. */
  opcode: 1 | 2;
  /** The message begins here. */
  first: boolean;
  /** It ends here. */
  last: boolean;
  /** Unmasked; valid until the next piece is asked for. */
  data: Uint8Array;
};

export class UnknownProtocol extends Error {
  override name = 'UnknownProtocol';
}

const HEADER_MOST = 14;

export class WebSocketFrames {
  readonly #header = new Uint8Array(HEADER_MOST);
  #headerBytes = 0;
  /** Of the frame's payload. */
  #left = 0;
  #mask: Uint8Array | null = null;
  #maskAt = 0;
  #frame = { opcode: 0, fin: false };
  /** Of the message under way; 0 between messages. */
  #message: 0 | 1 | 2 = 0;
  #fresh = false;
  /** Of what was masked: as long as the longest piece, which is no longer than what came at once. */
  #words = new Uint32Array(0);

  /** The pieces of messages in these bytes; control frames are passed over. Throws UnknownProtocol. */
  *push(chunk: Uint8Array): Generator<WebSocketPiece> {
    for (let at = 0; at < chunk.length;) {
      if (!this.#pending) {
        at += this.#takeHeader(chunk, at);
        if (!this.#pending) return;
      }
      const size = Math.min(this.#left, chunk.length - at);
      const data = this.#unmasked(chunk.subarray(at, at + size));
      at += size;
      this.#left -= size;
      const ended = this.#left === 0;
      const { opcode, fin } = this.#frame;
      if (opcode < 8 && (size > 0 || ended)) {
        const piece = { opcode: this.#message as 1 | 2, first: this.#fresh, last: ended && fin, data };
        this.#fresh = false;
        if (piece.last) this.#message = 0;
        if (ended) this.#pending = false;
        yield piece;
      } else if (ended) this.#pending = false;
    }
  }

  /** A frame's header has been read, its payload not all. */
  #pending = false;

  /** Bytes taken. */
  #takeHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[at++]!;
      if (this.#headerBytes < 2 || this.#headerBytes < headerLength(this.#header)) continue;
      this.#begin();
      this.#headerBytes = 0;
      break;
    }
    return at - from;
  }

  #begin(): void {
    const [first, second] = [this.#header[0]!, this.#header[1]!];
    if (first & 0x70) throw new UnknownProtocol('a WebSocket frame of an extension');
    const opcode = first & 0x0f;
    const fin = (first & 0x80) !== 0;
    const view = new DataView(this.#header.buffer);
    const short = second & 0x7f;
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
    if (!Number.isSafeInteger(length)) throw new UnknownProtocol('a WebSocket frame without end');
    const masked = (second & 0x80) !== 0;
    this.#mask = masked ? this.#header.slice(this.#headerBytes - 4, this.#headerBytes) : null;
    this.#maskAt = 0;
    this.#left = length;
    this.#frame = { opcode, fin };
    this.#pending = true;
    if (opcode >= 8) {
      if (opcode > 10 || !fin || length > 125) throw new UnknownProtocol('a WebSocket control frame that is none');
      return;
    }
    if (opcode > 2) throw new UnknownProtocol(`a WebSocket frame of kind ${opcode}`);
    // A message begins with its kind, and goes on with frames of kind 0.
    if ((opcode === 0) !== (this.#message !== 0)) throw new UnknownProtocol('WebSocket frames out of order');
    if (opcode !== 0) {
      this.#message = opcode as 1 | 2;
      this.#fresh = true;
    }
  }

  #unmasked(bytes: Uint8Array): Uint8Array {
    if (!this.#mask) return bytes;
    const mask = this.#mask;
    // Four bytes at once, in a copy that begins where the machine's words do: a large upload passes through here.
    const count = (bytes.length + 3) >>> 2;
    if (this.#words.length < count) this.#words = new Uint32Array(count);
    const words = this.#words;
    const out = new Uint8Array(words.buffer, 0, bytes.length);
    out.set(bytes);
    const turned = Uint8Array.from({ length: 4 }, (_, at) => mask[(this.#maskAt + at) & 3]!);
    const word = new Uint32Array(turned.buffer)[0]!;
    for (let at = 0; at < count; at++) words[at]! ^= word;
    this.#maskAt = (this.#maskAt + bytes.length) & 3;
    return out;
  }
}

function headerLength(header: Uint8Array): number {
  const short = header[1]! & 0x7f;
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (header[1]! & 0x80 ? 4 : 0);
}
