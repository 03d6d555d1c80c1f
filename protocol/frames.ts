/**
 * Frames: `u8 type | payload`. On a byte stream (portal ⇄ session host) each is preceded by its length as u32, big
 * endian, type included; on a WebSocket (browser ⇄ portal) one binary message is one frame. See docs/protocol.md.
 *
 * One file, although long: it is the whole vocabulary, and each type stands where its number, payload and reader do.
 */

/** Past this a frame is refused and its connection closed: a log frame of a few records with room to spare. */
export const FRAME_MAX = 1024 * 1024;

/** Session host → portal. */
export const FromHost = {
  /** json {@link HostHello}: the first frame of each connection. */
  hello: 0x01,
  /** 32 bytes: HMAC-SHA256(secret, "host" | portal's nonce | host's nonce). */
  proof: 0x02,
  /** json {@link HostRefusal}: why the host closes this connection; its last frame. */
  refused: 0x03,
  /** json {@link HostAttached}: answers an attach; the log from its offset follows. */
  attached: 0x04,
  /** u64 offset | whole log records. */
  log: 0x10,
  /** u32 stream | u64 position: all input of that stream up to the position has been written to the PTY. */
  inputAck: 0x11,
  /** json {@link HostFileResult}: the last frame of a file connection. */
  fileResult: 0x21,
  /** raw bytes of a tar stream, on a file connection. */
  fileData: 0x20,
} as const;

/** Portal → session host. */
export const ToHost = {
  /** 32 bytes nonce | 32 bytes HMAC-SHA256(secret, "portal" | host's nonce). */
  challenge: 0x81,
  /** json {@link Claim}: turns a warm host into a session's; starts the shell. A running host ignores it. */
  claim: 0x82,
  /**
   * u64 generation | u64 offset: this connection now holds the host; send the log from the offset, which is a record's
   * start. An older holder's connection is closed; a generation older than the newest is refused.
   */
  attach: 0x83,
  /** u64 offset, a record's end: everything before it is written to the recording. */
  recorded: 0x84,
  /** u64 offset: everything before it is on the attached person's screen. */
  rendered: 0x85,
  /** u8: 1 while a browser is attached, 0 while nobody is. */
  viewer: 0x86,
  /** u32 stream | u64 position of the first byte in that stream | bytes. */
  input: 0x87,
  /** u16 cols | u16 rows. */
  resize: 0x88,
  /** json {@link Credential}: a renewed kubeconfig token. */
  credential: 0x89,
  /** json {reason}: hang up the shell, drain, exit. */
  end: 0x8a,
  /** json {@link FileRequest}: the host dials a new connection for it. */
  file: 0x8b,
  /** raw bytes of a tar stream, on a file connection (upload); an empty payload is its end. */
  fileData: 0xa0,
} as const;

/**
 * Browser → portal, on `WS /api/v1/sessions/{id}/terminal?stream=&cols=&rows=[&offset=]`: `stream` is the u32 that the
 * page load chose for its input (what {@link Attached} `inputPosition` counts), `cols` and `rows` its size, `offset`
 * the output that it already has. Given an offset that the portal can continue from, it sends output from there;
 * else, and without one, a snapshot. A page that was superseded takes the session back by connecting anew.
 */
export const FromBrowser = {
  /** u32 stream | u64 position | bytes. */
  input: 0x01,
  /** u16 cols | u16 rows. */
  resize: 0x02,
  /** u64 offset of the last output on the screen, from term.write's callback. */
  ack: 0x03,
  /** u8 0|1: whether OSC 52 writes are consented to, a page hidden and so on are the page's own; none is sent. */
  takeBack: 0x04,
} as const;

/** Portal → browser. */
export const ToBrowser = {
  /** json {@link Attached}: first frame; what follows continues at its offset. */
  attached: 0x81,
  /** u64 offset after these bytes | serialised screen, UTF-8. */
  snapshot: 0x82,
  /** u64 offset after these bytes | raw PTY output. */
  output: 0x83,
  /** u32 stream | u64 position. */
  inputAck: 0x84,
  /** json SessionState (server/http/schemas.ts): the session changed. */
  state: 0x85,
  /** json {@link Banner}. */
  banner: 0x86,
  /** json {reason}: another page holds the session now. */
  superseded: 0x87,
} as const;

/** Why the portal closed a browser's socket: WebSocket close codes of the range for applications. */
export const CloseCode = {
  /** Another page holds the session; do not reconnect by yourself. */
  superseded: 4001,
  /** The access session ended; its state says why. */
  ended: 4002,
  /** The sign-in ended, or the person may no longer be here. */
  signedOut: 4003,
  /** The page broke the protocol. */
  badFrame: 4004,
  /** The portal stops; connect anew, the session lives on. */
  stopping: 1012,
} as const;

/**
 * A sender keeps at most this much input unacknowledged and holds the rest of a paste back, so that a Ctrl-C, which
 * drops what is held back, is never behind more than this.
 */
export const INPUT_WINDOW = 64 * 1024;

export type HostHello = {
  protocol: 1;
  purpose: 'terminal' | 'file';
  /** File connections: the request's id. */
  file?: string;
  /** base64url, 32 bytes. */
  nonce: string;
  state: 'warm' | 'running' | 'exited';
  /** The newest generation the host has served; to attach takes this one again (the holder reconnects) or a newer. */
  generation: number;
  /** Oldest and newest offset that the host's ring holds. */
  start: number;
  end: number;
};

export type HostRefusal = {
  code:
    | 'protocol' // a frame that cannot be, or not now
    | 'unauthentic' // the portal's side did not prove the secret
    | 'stale-generation' // a newer holder has the host
    | 'superseded' // a newer holder has just taken the host over
    | 'offset-gone' // the log no longer, or not yet, holds the offset, or no record starts there
    | 'spawn-failed'; // the shell could not be started
  message: string;
};

export type HostAttached = {
  generation: number;
  offset: number;
  /** The log's end now: what is before it happened while nobody was attached. */
  end: number;
  cols: number;
  rows: number;
  /** [stream, position]: what the host has taken of each input stream that it remembers, the newest last. */
  inputs: [stream: number, position: number][];
};

export type Credential = { token: string };

export type Claim = Credential & {
  cols: number;
  rows: number;
  /** Shell variables beyond the image's own; never a credential. */
  env: Record<string, string>;
  /** The kubeconfig, which names the token's file and never holds the token. */
  kubeconfig: string;
  /** Printed before the first prompt. */
  greeting: string;
};

export type FileRequest = { id: string; direction: 'upload' | 'download'; path: string };
export type HostFileResult = { ok: true; bytes: number } | { ok: false; message: string };

export type Attached = {
  /** Offset at which the following snapshot or output starts. */
  offset: number;
  /** Output before this offset was answered already: the emulator's replies to it are dropped. */
  live: number;
  /** Input of this browser's stream up to here has reached the PTY: resend the rest, nothing else. */
  inputPosition: number;
  cols: number;
  rows: number;
};

export type Banner = { kind: 'info' | 'warning' | 'error'; code: string; text: string };

export type Frame = { type: number; payload: Uint8Array };

export class FrameError extends Error {
  override name = 'FrameError';
}

/** One frame for a byte stream, from its type and the parts of its payload. */
export function encodeFrame(type: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = 1 + parts.reduce((sum, part) => sum + part.length, 0);
  if (size > FRAME_MAX) throw new FrameError(`a frame of ${size} bytes is longer than ${FRAME_MAX}`);
  const out = new Uint8Array(4 + size);
  new DataView(out.buffer).setUint32(0, size);
  out[4] = type;
  let at = 5;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One frame for a message transport. */
export function encodeMessage(type: number, ...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return encodeFrame(type, ...parts).subarray(4);
}

/** Throws FrameError on an empty message or one past FRAME_MAX. */
export function decodeMessage(message: Uint8Array): Frame {
  if (message.length === 0) throw new FrameError('an empty frame has no type');
  if (message.length > FRAME_MAX)
    throw new FrameError(`a frame of ${message.length} bytes is longer than ${FRAME_MAX}`);
  return { type: message[0]!, payload: message.subarray(1) };
}

/** Cuts a byte stream into frames, whatever its chunks. Payloads are views of the chunks where one chunk holds them. */
export class FrameReader {
  #pending: Uint8Array[] = [];
  #size = 0;

  /** The frames completed by this chunk. Throws FrameError where a length cannot be one; the stream is lost then. */
  push(chunk: Uint8Array): Frame[] {
    this.#pending.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    for (;;) {
      if (this.#size < 4) return frames;
      const head = this.#peek(4);
      const size = new DataView(head.buffer, head.byteOffset, 4).getUint32(0);
      if (size < 1 || size > FRAME_MAX) throw new FrameError(`a frame cannot be ${size} bytes long`);
      if (this.#size < 4 + size) return frames;
      const body = this.#take(4 + size).subarray(4);
      frames.push({ type: body[0]!, payload: body.subarray(1) });
    }
  }

  #peek(count: number): Uint8Array {
    if (this.#pending[0]!.length < count) this.#pending = [concat(this.#pending, this.#size)];
    return this.#pending[0]!.subarray(0, count);
  }

  #take(count: number): Uint8Array {
    if (this.#pending[0]!.length < count) this.#pending = [concat(this.#pending, this.#size)];
    const first = this.#pending[0]!;
    if (first.length === count) this.#pending.shift();
    else this.#pending[0] = first.subarray(count);
    this.#size -= count;
    return first.subarray(0, count);
  }
}

function concat(chunks: Uint8Array[], size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function json(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** Throws FrameError where the payload is not JSON. The caller validates the shape where the sender is not trusted. */
export function parseJson<T>(payload: Uint8Array): T {
  try {
    return JSON.parse(decoder.decode(payload)) as T;
  } catch {
    throw new FrameError('the frame does not hold JSON');
  }
}

/** Offsets travel as u64; below 2^53 they are exact as numbers (9 PB of log). */
export function u64(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value));
  return out;
}

export function u32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value);
  return out;
}

/** Throws FrameError where fewer than `at + 8` bytes are there or the number is past 2^53. */
export function readU64(payload: Uint8Array, at = 0): number {
  if (payload.length < at + 8) throw new FrameError('the frame is shorter than its type says');
  const value = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getBigUint64(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError('an offset is past 2^53');
  return Number(value);
}

export function readU32(payload: Uint8Array, at = 0): number {
  if (payload.length < at + 4) throw new FrameError('the frame is shorter than its type says');
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(at);
}
