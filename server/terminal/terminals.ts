/**
 * Terminals of running sessions. sessions/ makes a {@link Terminal} before the session's container, gives its
 * {@link Terminal.terminal} to the sandbox runtime, claims it when a person opens a session, ends it when they leave.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Banner, Claim } from '../../protocol/frames.ts';
import type { PageFacts, RecordingFacts } from './contract.ts';

export interface Terminal {
  readonly sandbox: string;
  /** A stream that the container dialled: pass as `SandboxStreams.terminal`. */
  terminal(stream: Duplex): void;
  /** Resolves when the session host has dialled and proven itself. Rejects with Problem `terminal-closed`. */
  readonly connected: Promise<void>;
  /**
   * Makes a warm host the session's: opens the recording, starts the shell. Resolves when the host has been told;
   * waits for {@link connected}. `lease` is the row's generation: a terminal of a newer lease takes the host over.
   * Throws Problem `recording-failed`, `terminal-closed`.
   */
  claim(facts: RecordingFacts, lease: number, claim: Claim): Promise<void>;
  /** After a restart of the portal, for a host that was claimed before: continues its recording. Throws as claim. */
  resume(facts: RecordingFacts, lease: number): Promise<void>;
  /** Resolves with the first output of the shell (greeting or prompt), recorded. Rejects with `terminal-closed`. */
  readonly firstOutput: Promise<void>;
  readonly recordedBytes: number;
  /** A renewed kubeconfig token; kept for a host that is away for a moment. */
  setCredential(token: string): void;
  /** Sends a session state (server/http/schemas.ts `Session`) to the attached page. */
  state(session: unknown): void;
  banner(banner: Banner): void;
  /** Hangs up the shell and waits until it has drained into the recording, at most `drainMs`; then as release. */
  end(reason: string, drainMs?: number): Promise<void>;
  /** Closes pages (they reconnect) and the recording; the shell runs on. */
  release(): Promise<void>;
}

export interface TerminalService {
  /** For a new sandbox or one taken up after a restart. */
  open(sandbox: string, secret: Buffer): Terminal;
  find(sandbox: string): Terminal | undefined;
  /** Single use, 30 s. */
  issueTicket(session: string, user: string, webSession: string): { ticket: string; expiresAt: Date };
  /**
   * A page's WebSocket. The caller has checked Origin, the sign-in and that the session is this person's; here the
   * ticket (subprotocol `ticket.<ticket>`) is redeemed against both. Refusals answer with a plain HTTP status.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, session: string, page: PageFacts): void;
  /** Closes the sockets of a person, or of one web session, with CloseCode.signedOut. */
  signOut(who: { user: string } | { webSession: string }): void;
}
