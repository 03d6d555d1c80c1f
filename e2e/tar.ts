/** Archives as files travel in them. */
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';

/** A tar with one file in it. */
export async function tarOf(name: string, content: string): Promise<Uint8Array<ArrayBuffer>> {
  const files = pack();
  files.entry({ name }, content);
  files.finalize();
  return new Uint8Array(await buffer(files));
}
