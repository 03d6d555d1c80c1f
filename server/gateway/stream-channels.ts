/**
 * What passes through an exec, attach or port-forward, told apart by channel: over WebSocket (Kubernetes' remote-command
 * subprotocols, KEP-4006), over SPDY/3.1, and SPDY within a WebSocket. A tap: the bytes themselves go their own way.
 */
import { constants, inflateSync } from 'node:zlib';
import { spdyDictionary, SpdyFrames, spdyHeaders } from '../domain/spdy-frames.ts';
import { UnknownProtocol, WebSocketFrames } from '../domain/websocket-frames.ts';

export type Channel = 'stdin' | 'stdout' | 'stderr' | 'error' | 'resize';
export type Direction = 'up' | 'down';

export type StreamSink = {
  data(channel: Channel, bytes: Uint8Array): void;
  /** A connection to a port of the pod; its bytes are counted and not looked at. */
  connected(connection: number, port: string): void;
  moved(connection: number, direction: Direction, bytes: number): void;
  closed(connection: number): void;
};

export interface StreamTap {
  /** Throws UnknownProtocol: what follows cannot be told apart any more. */
  push(direction: Direction, chunk: Uint8Array): void;
}

/** v4 and v5 differ in how a channel is closed. */
const REMOTE_COMMAND = new Set(['v5.channel.k8s.io', 'v4.channel.k8s.io']);
const TUNNEL = 'SPDY/3.1+portforward.k8s.io';

/** Whether a stream by that subprotocol can be told apart; for WebSocket one of those that the client offers. */
export function isKnownStream(how: 'websocket' | 'spdy', subresource: string, subprotocol: string): boolean {
  if (how === 'spdy') return true;
  return subresource === 'portforward' ? subprotocol === TUNNEL : REMOTE_COMMAND.has(subprotocol);
}

export function tapOf(how: 'websocket' | 'spdy', subresource: string, sink: StreamSink): StreamTap {
  const forward = subresource === 'portforward';
  if (how === 'spdy') return new SpdyTap(sink, forward);
  return forward ? new TunnelTap(sink) : new RemoteCommandTap(sink);
}

const byNumber: Record<Direction, Record<number, Channel>> = {
  up: { 0: 'stdin', 4: 'resize' },
  down: { 1: 'stdout', 2: 'stderr', 3: 'error' },
};

/** A message's first byte is its channel; 255 closes another, and says nothing more. */
class RemoteCommandTap implements StreamTap {
  readonly #frames = { up: new WebSocketFrames(), down: new WebSocketFrames() };
  readonly #channel: Record<Direction, Channel | null> = { up: null, down: null };
  readonly #sink: StreamSink;

  constructor(sink: StreamSink) {
    this.#sink = sink;
  }

  push(direction: Direction, chunk: Uint8Array): void {
    for (const { first, data } of this.#frames[direction].push(chunk)) {
      let bytes = data;
      if (first) this.#channel[direction] = null;
      if (this.#channel[direction] === null) {
        if (bytes.length === 0) continue;
        this.#channel[direction] = byNumber[direction][bytes[0]!] ?? null;
        bytes = bytes.subarray(1);
      }
      const channel = this.#channel[direction];
      if (channel && bytes.length > 0) this.#sink.data(channel, bytes);
    }
  }
}

/** The client opens the streams, and says in each one's headers what it is. */
class SpdyTap implements StreamTap {
  readonly #frames = { up: new SpdyFrames(), down: new SpdyFrames() };
  readonly #headers = new HeaderBlocks();
  readonly #channels = new Map<number, Channel>();
  readonly #connections = new Map<number, { ended: Set<Direction> }>();
  readonly #sink: StreamSink;
  readonly #forward: boolean;

  constructor(sink: StreamSink, forward: boolean) {
    this.#sink = sink;
    this.#forward = forward;
  }

  push(direction: Direction, chunk: Uint8Array): void {
    for (const frame of this.#frames[direction].push(chunk)) {
      if (frame.kind === 'headers') {
        if (direction === 'up') this.#opened(frame.stream, this.#headers.read(frame.block));
      } else if (frame.kind === 'closed') this.#close(frame.stream);
      else this.#data(direction, frame);
    }
  }

  #opened(stream: number, headers: Map<string, string>): void {
    const type = headers.get('streamtype') ?? '';
    if (this.#forward) {
      if (type !== 'data') return;
      this.#connections.set(stream, { ended: new Set() });
      this.#sink.connected(stream, headers.get('port') ?? '');
    } else if (isChannel(type)) this.#channels.set(stream, type);
    else throw new UnknownProtocol(`a stream of type "${type.slice(0, 40)}"`);
  }

  #data(direction: Direction, { stream, data, fin }: { stream: number; data: Uint8Array; fin: boolean }): void {
    const connection = this.#connections.get(stream);
    if (connection) {
      if (data.length > 0) this.#sink.moved(stream, direction, data.length);
      if (fin && connection.ended.add(direction).size === 2) this.#close(stream);
      return;
    }
    const channel = this.#channels.get(stream);
    if (channel && data.length > 0) this.#sink.data(channel, data);
  }

  #close(stream: number): void {
    if (this.#connections.delete(stream)) this.#sink.closed(stream);
  }
}

function isChannel(type: string): type is Channel {
  return type === 'stdin' || type === 'stdout' || type === 'stderr' || type === 'error' || type === 'resize';
}

class TunnelTap implements StreamTap {
  readonly #frames = { up: new WebSocketFrames(), down: new WebSocketFrames() };
  readonly #spdy: SpdyTap;

  constructor(sink: StreamSink) {
    this.#spdy = new SpdyTap(sink, true);
  }

  push(direction: Direction, chunk: Uint8Array): void {
    for (const { data } of this.#frames[direction].push(chunk)) this.#spdy.push(direction, data);
  }
}

const DICTIONARY = spdyDictionary();
/** One compression runs through all of a connection's header blocks; these are some ten bytes each. */
const BLOCKS_MOST = 64 * 1024;
const HEADERS_MOST = 4 * 1024 * 1024;

class HeaderBlocks {
  #compressed = Buffer.alloc(0);
  #known = 0;

  /** Throws UnknownProtocol. */
  read(block: Uint8Array): Map<string, string> {
    this.#compressed = Buffer.concat([this.#compressed, block]);
    if (this.#compressed.length > BLOCKS_MOST) throw new UnknownProtocol('more streams than are followed');
    try {
      const options = { dictionary: DICTIONARY, finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: HEADERS_MOST };
      const all = inflateSync(this.#compressed, options);
      const fresh = all.subarray(this.#known);
      this.#known = all.length;
      return spdyHeaders(fresh);
    } catch (cause) {
      if (cause instanceof UnknownProtocol) throw cause;
      throw new UnknownProtocol('SPDY headers that do not inflate', { cause });
    }
  }
}
