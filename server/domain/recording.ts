/** What a recording is called and what its header says. Its bytes: protocol/log.ts. */

/** The facts in a recording's header. Never a credential. */
export type RecordingFacts = {
  session: string;
  /** Decides the recording's folder, so it must be the row's `opened_at`. */
  openedAt: Date;
  user: { id: string; name: string; email: string };
  cluster: { id: string; name: string };
  role: string;
  serviceAccount: string;
  /** The emulator's size at the start; the log holds each change of it. */
  cols: number;
  rows: number;
};

/** Where a running or finished recording lies. */
export type RecordingKey = Pick<RecordingFacts, 'session' | 'openedAt'>;

/** The screen at an offset of the log. */
export type Screen = {
  /** Escape sequences that bring a fresh emulator of `cols` × `rows` to the state at `offset`. */
  snapshot: Uint8Array;
  offset: number;
  cols: number;
  rows: number;
};

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `<yyyy>/<mm>/<session>`, UTC. Throws TypeError where the session id is no UUID: it becomes part of a path. */
export function recordingFolder(key: RecordingKey): string {
  if (!UUID.test(key.session)) throw new TypeError('a session id is a lower-case UUID');
  return `${key.openedAt.toISOString().slice(0, 7).replace('-', '/')}/${key.session}`;
}
