/** Needs Node's streams: pages never import it. */

type Corkable = { readonly writableCorked: number; cork(): void; uncork(): void };

/**
 * Everything that is written to the stream until the running callback returns goes out by one system call, and wakes
 * the other side once. Call it before each write; it costs nothing where it was called already.
 */
export function joinWrites(stream: Corkable): void {
  if (stream.writableCorked > 0) return;
  stream.cork();
  process.nextTick(() => stream.uncork());
}
