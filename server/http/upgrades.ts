/**
 * WebSocket handshakes: each is checked here (path, Origin, live sign-in or API token) before its owner sees it, and
 * cut here when the sign-in or token that opened it ends.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Person, Proof } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import type { Logger } from '../log.ts';
import type { Identify } from './app.ts';
import type { AddressRanges } from '../address-ranges.ts';
import { clientAddress } from './client-address.ts';
import { correlate } from '../correlation.ts';
import { asProblem, problemBody, problemHeaders } from './problems.ts';
import { requireSameOrigin } from './same-origin.ts';

/** After a sign-out: time for the owner to say why before the socket is cut. Well within the second that is promised. */
const LAST_WORDS_MS = 500;

export type Upgrade = {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  person: Person;
  /** What the pattern's `:names` matched, decoded. */
  params: Record<string, string>;
  query: URLSearchParams;
  clientAddress: string;
  correlationId: string;
  /** Aborted when the sign-in or token ends: say so and close; the socket is destroyed shortly after. */
  signal: AbortSignal;
};

/** May throw a Problem as long as it has written nothing: it becomes the handshake's answer. */
export type UpgradeHandler = (upgrade: Upgrade) => void | Promise<void>;

export type UpgradeDeps = {
  origin: string;
  trusted: AddressRanges;
  identify: Identify;
  /** See server/auth/live-proofs.ts. */
  hold(proof: Proof): Disposable & { readonly signal: AbortSignal };
  log: Logger;
};

export class Upgrades implements Disposable {
  readonly #deps: UpgradeDeps;
  readonly #routes: { pattern: RegExp; names: string[]; handler: UpgradeHandler }[] = [];
  readonly #open = new Set<Duplex>();

  constructor(deps: UpgradeDeps) {
    this.#deps = deps;
  }

  /** `path` as in `/api/v1/sessions/:id/terminal`. */
  add(path: string, handler: UpgradeHandler): void {
    const names = [...path.matchAll(/:([a-z]+)/gi)].map((match) => match[1]!);
    this.#routes.push({ pattern: new RegExp(`^${path.replace(/:[a-z]+/gi, '([^/]+)')}$`), names, handler });
  }

  /** The `upgrade` listener of the HTTP server. */
  async handle(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { id: correlationId } = correlate({
      correlationId: first(request.headers['x-correlation-id']),
      traceparent: first(request.headers['traceparent']),
    });
    socket.on('error', () => socket.destroy());
    try {
      await this.#dispatch(request, socket, head, correlationId);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status >= 500)
        this.#deps.log.error({ correlationId, err: problem.cause ?? problem }, problem.message);
      refuse(socket, problem, correlationId);
    }
  }

  async #dispatch(request: IncomingMessage, socket: Duplex, head: Buffer, correlationId: string): Promise<void> {
    // Null for what names no address at all, such as `//`.
    const url = URL.parse(request.url ?? '/', this.#deps.origin);
    const found = url && this.#match(url.pathname);
    if (!found)
      throw new Problem('not-found', 404, 'No socket is offered at this address.', {
        next: 'A terminal’s is /api/v1/sessions/{id}/terminal.',
      });
    const { authorization, cookie, origin: from } = request.headers;
    // No page can make a browser send a bearer with a handshake: a script that does need not name an Origin.
    if (authorization === undefined || from !== undefined) requireSameOrigin(from, this.#deps.origin);
    const address = clientAddress(
      request.socket.remoteAddress,
      first(request.headers['x-forwarded-for']),
      this.#deps.trusted,
    );
    const person = await this.#deps.identify({ authorization, cookie });
    if (person?.proof.kind === 'api-token' && !person.proof.scopes.includes('sessions'))
      throw new Problem('token-scope', 403, 'This API token lacks the scope "sessions".', {
        next: 'Make a token with that scope.',
      });
    if (!person) throw notSignedIn();
    if (socket.destroyed) return;
    const signal = this.#hold(person.proof, socket);
    // An end between the look and the hold was told to nobody.
    if (!(await this.#deps.identify({ authorization, cookie }))) throw notSignedIn();
    if (socket.destroyed) return;
    await found.handler({
      request,
      socket,
      head,
      person,
      params: found.params,
      query: url.searchParams,
      clientAddress: address,
      correlationId,
      signal,
    });
  }

  #match(pathname: string): { handler: UpgradeHandler; params: Record<string, string> } | undefined {
    for (const { pattern, names, handler } of this.#routes) {
      const match = pattern.exec(pathname);
      if (!match) continue;
      try {
        return {
          handler,
          params: Object.fromEntries(names.map((name, i) => [name, decodeURIComponent(match[i + 1]!)])),
        };
      } catch {
        return undefined; // malformed percent-encoding names nothing
      }
    }
    return undefined;
  }

  #hold(proof: Proof, socket: Duplex): AbortSignal {
    const hold = this.#deps.hold(proof);
    const cut = () => setTimeout(() => socket.destroy(), LAST_WORDS_MS);
    hold.signal.addEventListener('abort', cut, { once: true });
    this.#open.add(socket);
    socket.once('close', () => {
      hold[Symbol.dispose]();
      this.#open.delete(socket);
    });
    return hold.signal;
  }

  /** Cuts every socket that is still open: the end of a drain. */
  [Symbol.dispose](): void {
    for (const socket of this.#open) socket.destroy();
  }
}

const notSignedIn = () =>
  new Problem('not-signed-in', 401, 'This needs a sign-in.', { next: 'Sign in, then reconnect.' });

/** Answers a handshake with an error and closes. Nothing that follows on the socket is read (CVE-2018-1002105). */
function refuse(socket: Duplex, problem: Problem, correlationId: string): void {
  if (socket.destroyed || !socket.writable) return;
  const body = JSON.stringify(problemBody(problem, correlationId));
  const headers = { ...problemHeaders(problem), 'content-length': Buffer.byteLength(body), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} Refused\r\n${lines.join('')}\r\n${body}`, () => socket.destroy());
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
