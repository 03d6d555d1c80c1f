/**
 * Terminals of running sessions. sessions/ makes a {@link Terminal} before the session's container, gives its
 * {@link Terminal.terminal} to the sandbox runtime, claims it when a person opens a session, ends it when they leave.
 */
import type { Readable } from 'node:stream';
import { Problem } from '../domain/problem.ts';
import { BrowserSockets, type PageUpgrade } from './browser-socket.ts';
import type { PageFacts, Terminal } from './contract.ts';
import { SessionTerminal, type TerminalDeps } from './session-terminal.ts';
import { Tickets } from './tickets.ts';

export class Terminals implements AsyncDisposable {
  readonly #deps: TerminalDeps;
  readonly #terminals = new Map<string, SessionTerminal>();
  readonly #tickets: Tickets;
  readonly #sockets = new BrowserSockets();

  constructor(deps: TerminalDeps) {
    this.#deps = deps;
    this.#tickets = new Tickets(deps.now);
  }

  /** For a new sandbox or one taken up after a restart. */
  open(sandbox: string, secret: Buffer): Terminal {
    const terminal: SessionTerminal = new SessionTerminal(sandbox, secret, this.#deps, () => {
      if (this.#terminals.get(sandbox) === terminal) this.#terminals.delete(sandbox);
    });
    this.#terminals.set(sandbox, terminal);
    return terminal;
  }

  find(sandbox: string): Terminal | undefined {
    return this.#terminals.get(sandbox);
  }

  /** Bytes that wait here for each attached page: for /metrics. */
  *queued(): Generator<number> {
    for (const terminal of this.#terminals.values()) yield terminal.queued;
  }

  /** Single use, 30 s. */
  issueTicket(session: string, user: string, webSession: string): { ticket: string; expiresAt: Date } {
    return this.#tickets.issue({ session, user, webSession });
  }

  /**
   * A page's WebSocket. The caller has checked Origin, the sign-in and that the session is this person's; here the
   * ticket (subprotocol `ticket.<ticket>`) is redeemed against both. `signal` aborts when the sign-in ends. Throws
   * Problem `ticket-refused`, `terminal-away`, `invalid-request`, nothing having been answered.
   */
  upgrade(upgrade: PageUpgrade, session: string, page: PageFacts): void {
    const ticket = BrowserSockets.ticket(upgrade.request);
    const bound = { session, user: page.user, webSession: page.webSession };
    if (!ticket || !this.#tickets.redeem(ticket, bound))
      throw new Problem('ticket-refused', 403, 'The ticket is missing, used, older than 30 s or of another session.', {
        next: 'Ask for a new ticket and connect again.',
      });
    this.#sockets.accept(upgrade, this.#running(session, { opening: true }), page);
  }

  /**
   * Puts a tar stream's files into a folder of the sandbox; resolves with its length. Counts as human input while bytes move. Throws
   * Problem `terminal-away`, `file-refused`, `file-too-large`, `file-interrupted`, `file-busy`.
   */
  async upload(session: string, path: string, body: AsyncIterable<Uint8Array>): Promise<number> {
    const terminal = this.#running(session);
    terminal.human();
    return await terminal.transfers.upload(path, body);
  }

  /** A file or folder of the sandbox as a tar stream. Counts as human input while bytes move. Throws as {@link upload}. */
  async download(session: string, path: string): Promise<Readable> {
    const terminal = this.#running(session);
    terminal.human();
    return await terminal.transfers.download(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#terminals.values()].map((terminal) => terminal.release()));
    this.#sockets.close();
  }

  #running(session: string, { opening = false } = {}): SessionTerminal {
    const terminal = this.#terminals.get(session);
    if (!terminal || (!opening && !terminal.facts))
      throw new Problem('terminal-away', 503, 'No terminal of this session runs here.', {
        next: 'Open a new session where this one has ended.',
      });
    return terminal;
  }
}
