/** All of a body whose length nobody vouches for. */

/** `progress` hears of each chunk. Past `most` bytes it throws what `tooLong` makes; else what the source throws. */
export async function readBounded(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  most: number,
  tooLong: () => Error,
  progress: () => void = () => {},
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > most) throw tooLong();
    chunks.push(chunk);
    progress();
  }
  return Buffer.concat(chunks);
}
