/** A page's WebSocket: the upgrade, and its frames to the session's terminal. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { CloseCode, decodeMessage, FrameError, FromBrowser, readU64 } from '../../protocol/frames.ts';
import { CorruptLogError, decodeResize } from '../../protocol/log.ts';
import { Problem } from '../domain/problem.ts';
import type { PageFacts } from './contract.ts';
import { Page } from './page.ts';
import type { PageRequest, SessionTerminal } from './session-terminal.ts';

export const SUBPROTOCOL = 'sallyport.v1';
const TICKET = /^ticket\.([A-Za-z0-9_-]{1,100})$/;
/** A page sends at most INPUT_WINDOW bytes of input in a frame; room for its header. */
const MESSAGE_MAX = 128 * 1024;
/** A page that lost its network is noticed after two of these, and the session counts as detached. */
const PING_MS = 20_000;

export type PageUpgrade = { request: IncomingMessage; socket: Duplex; head: Buffer; signal: AbortSignal };

export class BrowserSockets {
  /** Compression would cost a context per socket and time per key; terminal output is mostly small. */
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MESSAGE_MAX,
    clientTracking: true,
    handleProtocols: () => SUBPROTOCOL,
  });
  readonly #quiet = new WeakSet<WebSocket>();
  /** One for all pages, and only while there are any. */
  #ping: NodeJS.Timeout | undefined;

  /** The ticket among the subprotocols that the page offers, where it offers ours too. */
  static ticket(request: IncomingMessage): string | undefined {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (!offered.includes(SUBPROTOCOL)) return undefined;
    for (const name of offered) {
      const ticket = TICKET.exec(name)?.[1];
      if (ticket) return ticket;
    }
    return undefined;
  }

  /** Takes the socket over. */
  accept({ request, socket, head, signal }: PageUpgrade, terminal: SessionTerminal, facts: PageFacts): void {
    const asked = pageRequest(request);
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      this.#watch(ws);
      // ws closes by itself after an error and says why to the page
      ws.on('error', () => {});
      const page = terminal.attachPage((source) => new Page(ws, socket, facts, asked.stream, source), asked);
      const signedOut = () => page.close(CloseCode.signedOut, 'signed out');
      signal.addEventListener('abort', signedOut, { once: true });
      ws.once('close', () => signal.removeEventListener('abort', signedOut));
      if (signal.aborted) signedOut();
      ws.on('message', (message: Buffer, binary) => {
        try {
          if (!binary) throw new FrameError('frames are binary');
          fromPage(terminal, page, message);
        } catch (error) {
          if (!(error instanceof FrameError || error instanceof CorruptLogError)) throw error;
          page.close(CloseCode.badFrame, error.message);
        }
      });
    });
  }

  close(): void {
    clearInterval(this.#ping);
    for (const ws of this.#server.clients) ws.terminate();
    this.#server.close();
  }

  #watch(ws: WebSocket): void {
    ws.on('pong', () => this.#quiet.delete(ws));
    this.#ping ??= setInterval(() => {
      for (const client of this.#server.clients) {
        // a paused socket does not read its pongs
        if (client.isPaused) continue;
        if (this.#quiet.has(client)) client.terminate();
        this.#quiet.add(client);
        client.ping();
      }
      if (this.#server.clients.size > 0) return;
      clearInterval(this.#ping);
      this.#ping = undefined;
    }, PING_MS).unref();
  }
}

/** One frame of the page's. Throws FrameError, CorruptLogError. A page that was superseded is not listened to. */
function fromPage(terminal: SessionTerminal, page: Page, message: Buffer): void {
  if (terminal.page !== page) return;
  const { type, payload } = decodeMessage(message);
  if (type === FromBrowser.input) return terminal.input(page, payload);
  if (type === FromBrowser.ack) {
    if (!page.ack(readU64(payload))) throw new FrameError('an acknowledgement of what was never sent');
    return;
  }
  if (type === FromBrowser.resize) {
    const { cols, rows } = decodeResize(payload);
    if (!isSize(cols) || !isSize(rows)) throw new FrameError('a terminal has 1 to 1,000 columns and rows');
    return terminal.resize(cols, rows);
  }
  throw new FrameError(`no frame of type ${type} is due`);
}

/** Throws Problem `invalid-request`. */
function pageRequest(request: IncomingMessage): PageRequest {
  const query = new URL(request.url ?? '/', 'http://portal').searchParams;
  const number = (name: string) => (/^\d{1,16}$/.test(query.get(name) ?? '') ? Number(query.get(name)) : Number.NaN);
  const [stream, cols, rows, offset] = [number('stream'), number('cols'), number('rows'), number('offset')];
  if (!(stream <= 0xffff_ffff)) throw badQuery('stream', 'a number below 2^32');
  if (!isSize(cols)) throw badQuery('cols', 'a number from 1 to 1,000');
  if (!isSize(rows)) throw badQuery('rows', 'a number from 1 to 1,000');
  return { stream, cols, rows, offset: Number.isSafeInteger(offset) ? offset : undefined };
}

function badQuery(field: string, expected: string): Problem {
  return new Problem('invalid-request', 400, `The request does not fit: ${field}: expected ${expected}.`, {
    next: 'See docs/protocol.md for what a page asks with.',
  });
}

function isSize(value: number): boolean {
  return value >= 1 && value <= 1000;
}
