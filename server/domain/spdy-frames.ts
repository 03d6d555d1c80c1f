/**
 * Reads the frames of one direction of SPDY/3.1 (the draft of the Chromium project, 2.2 and 2.6) as they stream by, at
 * any cut: as much of it as Kubernetes' exec, attach and port-forward use. Pure; header blocks come out compressed.
 */
import { UnknownProtocol } from './websocket-frames.ts';

export type SpdyFrame =
  | { kind: 'headers'; stream: number; block: Uint8Array }
  | { kind: 'data'; stream: number; data: Uint8Array; fin: boolean }
  | { kind: 'closed'; stream: number };

const FRAME_HEADER = 8;
/** Header blocks of these streams are some hundred bytes. */
const CONTROL_MOST = 64 * 1024;
const [SYN_STREAM, SYN_REPLY, RST_STREAM, HEADERS] = [1, 2, 3, 8];
const FIN = 1;

export class SpdyFrames {
  readonly #header = new Uint8Array(FRAME_HEADER);
  #headerBytes = 0;
  #frame: { control: number | null; stream: number; flags: number } | null = null;
  #left = 0;
  /** Of a control frame, until it is whole. */
  #held: Uint8Array[] = [];

  /** Throws UnknownProtocol. */
  *push(chunk: Uint8Array): Generator<SpdyFrame> {
    for (let at = 0; at < chunk.length;) {
      if (this.#frame === null) {
        this.#header[this.#headerBytes++] = chunk[at++]!;
        if (this.#headerBytes < FRAME_HEADER) continue;
        this.#headerBytes = 0;
        this.#begin();
        if (this.#left > 0) continue;
      }
      const size = Math.min(this.#left, chunk.length - at);
      const part = chunk.subarray(at, at + size);
      at += size;
      this.#left -= size;
      yield* this.#take(part);
    }
  }

  #begin(): void {
    const view = new DataView(this.#header.buffer);
    const first = view.getUint32(0);
    const rest = view.getUint32(4);
    this.#left = rest & 0xffffff;
    if (first >>> 31 === 0) {
      this.#frame = { control: null, stream: first, flags: rest >>> 24 };
      return;
    }
    if (first >>> 16 !== 0x8003) throw new UnknownProtocol(`SPDY of version ${(first >>> 16) & 0x7fff}`);
    if (this.#left > CONTROL_MOST) throw new UnknownProtocol(`a SPDY control frame of ${this.#left} bytes`);
    this.#frame = { control: first & 0xffff, stream: 0, flags: rest >>> 24 };
    this.#held = [];
  }

  *#take(part: Uint8Array): Generator<SpdyFrame> {
    const { control, stream, flags } = this.#frame!;
    const ended = this.#left === 0;
    if (ended) this.#frame = null;
    if (control === null) {
      const fin = ended && (flags & FIN) !== 0;
      if (part.length > 0 || fin) yield { kind: 'data', stream, data: part, fin };
      return;
    }
    // A copy: a Buffer's own slice would be none, and the chunk is gone once it has been pushed.
    this.#held.push(new Uint8Array(part));
    if (!ended) return;
    yield* framesOf(control, joined(this.#held), (flags & FIN) !== 0);
    this.#held = [];
  }
}

/** Of a whole control frame. */
function* framesOf(kind: number, payload: Uint8Array, fin: boolean): Generator<SpdyFrame> {
  if (kind !== SYN_STREAM && kind !== SYN_REPLY && kind !== HEADERS && kind !== RST_STREAM) return;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  // The stream's id stands first; of SYN_STREAM an associated one and a priority follow.
  const skip = kind === SYN_STREAM ? 10 : 4;
  if (payload.length < skip) throw new UnknownProtocol('a SPDY frame that is cut off');
  const stream = view.getUint32(0) & 0x7fffffff;
  if (kind === RST_STREAM) return yield { kind: 'closed', stream };
  yield { kind: 'headers', stream, block: payload.subarray(skip) };
  if (fin) yield { kind: 'data', stream, data: new Uint8Array(), fin: true };
}

function joined(parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A header block once it is inflated (2.6.10): names in lower case. Throws UnknownProtocol. */
export function spdyHeaders(block: Uint8Array): Map<string, string> {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const decoder = new TextDecoder();
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new UnknownProtocol('a SPDY header block that is cut off');
    at += 4;
    return view.getUint32(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (at + length > block.length) throw new UnknownProtocol('a SPDY header block that is cut off');
    at += length;
    return decoder.decode(block.subarray(at - length, at));
  };
  const found = new Map<string, string>();
  for (let left = Math.min(number(), 100); left > 0; left--) found.set(text().toLowerCase(), text());
  return found;
}

/** What both ends' compression starts from (2.6.10.1): words with their lengths, then a text. */
export function spdyDictionary(): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const words = DICTIONARY_WORDS.split(',').flatMap((word) => [0, 0, 0, word.length, ...encoder.encode(word)]);
  return Uint8Array.from([...words, ...encoder.encode(DICTIONARY_TEXT)]);
}

const DICTIONARY_WORDS =
  'options,head,post,put,delete,trace,accept,accept-charset,accept-encoding,accept-language,accept-ranges,age,allow,' +
  'authorization,cache-control,connection,content-base,content-encoding,content-language,content-length,' +
  'content-location,content-md5,content-range,content-type,date,etag,expect,expires,from,host,if-match,' +
  'if-modified-since,if-none-match,if-range,if-unmodified-since,last-modified,location,max-forwards,pragma,' +
  'proxy-authenticate,proxy-authorization,range,referer,retry-after,server,te,trailer,transfer-encoding,upgrade,' +
  'user-agent,vary,via,warning,www-authenticate,method,get,status,200 OK,version,HTTP/1.1,url,public,set-cookie,' +
  'keep-alive,origin';
const DICTIONARY_TEXT =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized' +
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,' +
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';
