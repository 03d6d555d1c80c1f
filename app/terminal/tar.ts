/**
 * The tar streams of file transfers, made and read in the browser: ustar (POSIX.1-1988) with pax headers
 * (POSIX.1-2001) for names that do not fit. Bodies stay blobs, so that a large file is never copied into memory.
 */
const BLOCK = 512;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Entry = { name: string; size: number; type: 'file' | 'pax'; modifiedAt: Date };

function header(entry: Entry): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number, most: number) => block.set(encoder.encode(text).subarray(0, most), at);
  const octal = (value: number, at: number, digits: number) => put(value.toString(8).padStart(digits, '0'), at, digits);
  put(entry.name, 0, 100);
  octal(0o644, 100, 7);
  octal(1000, 108, 7);
  octal(1000, 116, 7);
  octal(entry.size, 124, 11);
  octal(Math.max(0, Math.floor(entry.modifiedAt.getTime() / 1000)), 136, 11);
  block[156] = entry.type === 'pax' ? 0x78 : 0x30;
  put('ustar\u000000', 257, 8);
  // The checksum counts its own field as spaces.
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  octal(sum, 148, 6);
  block[154] = 0;
  return block;
}

/** "LENGTH path=NAME\n", where the length counts itself. */
function paxRecord(name: string): Uint8Array<ArrayBuffer> {
  const rest = encoder.encode(` path=${name}\n`).length;
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return new Uint8Array(encoder.encode(`${length} path=${name}\n`));
}

function padding(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** A tar of regular files. Names are relative; a leading `/` and `..` are taken out. */
export function makeTar(files: { name: string; body: Blob; modifiedAt: Date }[]): Blob {
  const parts: BlobPart[] = [];
  for (const { name, body, modifiedAt } of files) {
    const clean = name
      .split('/')
      .filter((part) => part !== '' && part !== '.' && part !== '..')
      .join('/');
    // ustar promises 7-bit names only; pax is UTF-8 by definition.
    if (encoder.encode(clean).length > 100 || /[^ -~]/.test(clean)) {
      const record = paxRecord(clean);
      parts.push(header({ name: 'pax', size: record.length, type: 'pax', modifiedAt }), record, padding(record.length));
    }
    parts.push(header({ name: clean, size: body.size, type: 'file', modifiedAt }), body, padding(body.size));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts, { type: 'application/x-tar' });
}

export type TarEntry = { name: string; kind: 'file' | 'folder' | 'other'; body: Blob };

export class TarError extends Error {
  override name = 'TarError';
}

/** Lists a tar without reading its bodies. Throws TarError where a header's checksum is wrong or it is cut off. */
export async function readTar(tar: Blob): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  let pax: string | null = null;
  for (let at = 0; at + BLOCK <= tar.size;) {
    const block = new Uint8Array(await tar.slice(at, at + BLOCK).arrayBuffer());
    if (block.every((byte) => byte === 0)) return entries;
    const text = (from: number, length: number) => {
      const field = block.subarray(from, from + length);
      const end = field.indexOf(0);
      return decoder.decode(end < 0 ? field : field.subarray(0, end));
    };
    const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
    if (sum !== Number.parseInt(text(148, 8).trim(), 8)) throw new TarError('this is no tar, or it is damaged');
    const size = Number.parseInt(text(124, 12).trim() || '0', 8);
    const body = tar.slice(at + BLOCK, at + BLOCK + size);
    if (body.size !== size) throw new TarError('the tar is cut off');
    const type = String.fromCharCode(block[156]! || 0x30);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    if (type === 'x') {
      pax = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(await body.text())?.[1] ?? null;
      continue;
    }
    if (type === 'g') continue;
    const prefix = text(345, 155);
    const name = pax ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100));
    pax = null;
    entries.push({ name, kind: type === '0' ? 'file' : type === '5' ? 'folder' : 'other', body });
  }
  return entries;
}
