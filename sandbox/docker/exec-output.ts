/** The engine's multiplexed output of an exec without a terminal: u8 stream, 3 zero bytes, u32 length, data. */
import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';

const HEADER_BYTES = 8;
const STDOUT = 1;

/** Passes on standard output; standard error is dropped. */
export class ExecOutput extends Transform {
  #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #left = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const count = chunk.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes);
        at += count;
        this.#headerBytes += count;
        if (this.#headerBytes < HEADER_BYTES) break;
        this.#headerBytes = 0;
        this.#left = this.#header.readUInt32BE(4);
      } else {
        const data = chunk.subarray(at, at + this.#left);
        at += data.length;
        this.#left -= data.length;
        if (this.#header[0] === STDOUT) this.push(data);
      }
    }
    done();
  }
}
