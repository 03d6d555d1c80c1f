/** Passes what one end of a stream says on to the other, as fast as that one takes it, and frees it as it goes. */
import type { Duplex } from 'node:stream';

/** Less is not worth the call. */
const FREED_LEAST = 1024;

/**
 * Like `from.pipe(to)`, of sockets: `to` has no use for a piece that it says is written, as a transform would. `seen` is
 * told of each piece first; nothing may keep one, since it is freed then. What `seen` answers is waited for before the
 * next piece.
 */
export function passStream(from: Duplex, to: Duplex, seen: (chunk: Buffer) => Promise<void> | null): void {
  let holds = 0;
  const hold = () => {
    holds += 1;
    from.pause();
  };
  const letGo = () => {
    holds -= 1;
    if (holds === 0) from.resume();
  };
  let full = false;
  from.on('data', (chunk: Buffer) => {
    const behind = seen(chunk);
    if (behind) {
      hold();
      void behind.then(letGo);
    }
    if (!to.writable) return;
    gatherWrites(to);
    const takesMore = to.write(chunk, (error) => {
      // Of one that failed the system may hold the memory still.
      if (!error) free(chunk);
    });
    if (takesMore || full) return;
    full = true;
    hold();
    to.once('drain', () => {
      full = false;
      letGo();
    });
  });
  from.once('end', () => to.end());
}

/**
 * What is written until the next look at the network goes out as one: TLS gives 16 KiB at a time, and each would cost
 * a system call of its own, here and where it arrives.
 */
function gatherWrites(to: Duplex): void {
  if (to.writableCorked > 0) return;
  to.cork();
  setImmediate(() => to.uncork());
}

/**
 * Left to the collector, each piece counts for V8's old generation until all of the heap has been marked again: every
 * 30 MB that pass, at more cost than passing them. A piece that is a part of some memory is not alone there.
 */
function free(chunk: Buffer): void {
  const { buffer } = chunk;
  if (chunk.length >= FREED_LEAST && chunk.length === buffer.byteLength && buffer instanceof ArrayBuffer)
    buffer.transfer(0);
}
