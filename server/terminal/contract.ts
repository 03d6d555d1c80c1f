/** What the terminal room is for others, what it needs of them and what it tells them: context.ts joins the ends. */
import type { Duplex } from 'node:stream';
import type { Banner, Claim } from '../../protocol/frames.ts';
import type { RecordingFacts, RecordingKey, Screen } from '../domain/recording.ts';

/** One sandbox's terminal, from before its container runs until its session has ended. */
export type Terminal = {
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
  /**
   * After a restart of the portal, for a host that was claimed before: continues its recording. Throws as claim.
   * `exited` is told again where the recording ends with the shell's exit.
   */
  resume(facts: RecordingFacts, lease: number): Promise<void>;
  /** Resolves with the shell's first output behind the greeting, recorded. Rejects with `terminal-closed`. */
  readonly firstOutput: Promise<void>;
  readonly recordedBytes: number;
  /** Whether the session host is connected. */
  readonly answering: boolean;
  /** A renewed kubeconfig token; kept for a host that is away for a moment. */
  setCredential(token: string): void;
  /** Sends a session state (server/http/schemas.ts `Session`) to the attached page, and to each page that attaches. */
  state(session: unknown): void;
  banner(banner: Banner): void;
  /** Hangs up the shell and waits until it has drained into the recording, at most `drainMs`; then as release. */
  end(reason: string, drainMs?: number): Promise<void>;
  /** Closes the page (it reconnects) and the recording; the shell runs on. */
  release(): Promise<void>;
};

/** One session's recording, open for writing. */
export type Recorder = {
  /** Bytes of the log that are written: where the host is asked to continue. */
  readonly size: number;
  /** Bytes handed over and not written yet. */
  readonly pending: number;
  /** In order. `written` runs once write(2) has returned for all of these bytes; never after an error. */
  append(bytes: Uint8Array, written: () => void): void;
  /** Called once, where writing failed (disk full, I/O error); nothing is written any more. */
  onError: ((error: Error) => void) | undefined;
  close(): Promise<void>;
};

/** What the terminal needs of recording/. */
export type Recordings = {
  /** Creates the recording, or continues it at its last whole record. Throws Problem `recording-failed`. */
  record(facts: RecordingFacts): Promise<Recorder>;
  /** At most `length` bytes of the log from `offset`; fewer at its end. */
  read(key: RecordingKey, offset: number, length: number): Promise<Uint8Array>;
  /** The screen once the log up to `upTo` (a record's boundary) has been shown. */
  screenAt(key: RecordingKey, upTo: number): Promise<Screen>;
  /** A good moment for a checkpoint of the screen at this offset. Returns at once. */
  checkpoint(key: RecordingKey, offset: number): void;
};

/** The page that holds a session. */
export type PageFacts = { user: string; webSession: string; clientAddress: string };

/** What a terminal tells sessions/. None of them may throw. */
export type TerminalEvents = {
  /** Somebody typed or moved a file (emulator replies and focus reports are nobody); at most once a second. */
  humanInput(session: string, at: Date): void;
  attached(session: string, page: PageFacts): void;
  /** No page is left. */
  detached(session: string): void;
  /** The shell exited, and everything up to its exit is recorded. */
  exited(session: string, exit: { code: number | null; signal: number | null }): void;
  /** The terminal cannot go on; the message may be shown to the person. */
  fault(session: string, message: string): void;
  /** The session host has been away for some seconds (false), and is back (true). */
  answers(session: string, answers: boolean): void;
  /** The shell reads without echo: what is typed is not recorded. */
  hiddenShell(session: string, detail: string): void;
};

export type Log = {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
};
