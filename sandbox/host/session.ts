/** The session that the host carries: warm until claimed, then a shell on its PTY, its log, its brakes, its end. */
import { readFileSync } from 'node:fs';
import { FrameError, parseJson, readU32, readU64, ToHost } from '../../protocol/frames.ts';
import type { Claim, Credential, FileRequest, Frame } from '../../protocol/frames.ts';
import { encodeMark, encodeResize, RecordKind } from '../../protocol/log.ts';
import type { Mark } from '../../protocol/log.ts';
import { Brakes } from './brakes.ts';
import { writeCredential, writeKubeconfig } from './credentials.ts';
import { InputStreams } from './input-streams.ts';
import type { HostOptions } from './options.ts';
import type { Pty, PtyExit } from './pty.ts';
import { PtyInput } from './pty-input.ts';
import { SecretInput } from './secret-input.ts';
import { SessionLog } from './session-log.ts';
import { hangUp, shellEnvironment, startShell } from './shell.ts';

/** The same bound as the page's; a larger screen breaks programs before it helps anybody. */
const SIZE_MAX = 1000;

export class HostSession {
  state: 'warm' | 'running' | 'exited' = 'warm';
  readonly log = new SessionLog(() => performance.timeOrigin + performance.now());
  /** Input of the stream up to the position has reached the PTY. */
  onInputDone: (stream: number, position: number) => void = () => {};
  /** The portal asks for a file transfer. */
  onFile: (request: FileRequest) => void = () => {};
  /** The shell has exited and everything is recorded. */
  onOver: (exit: PtyExit) => void = () => {};
  #options: HostOptions;
  #scored: <T>(start: () => T) => T;
  #brakes = new Brakes();
  #streams = new InputStreams();
  #secrets = new SecretInput();
  #pty: Pty | null = null;
  #input: PtyInput | null = null;
  #size = { cols: 80, rows: 24 };
  #held = false;
  #exit: PtyExit | null = null;

  /** `scored` runs what starts the shell. */
  constructor(options: HostOptions, scored: <T>(start: () => T) => T) {
    this.#options = options;
    this.#scored = scored;
  }

  /** The shell's process id; 0 before. */
  get shell(): number {
    return this.#pty?.pid ?? 0;
  }

  /** Starts the shell, once. What went wrong, or null. */
  claim(claim: Claim): string | null {
    if (this.state !== 'warm') return null;
    try {
      writeCredential(this.#options, claim);
      writeKubeconfig(this.#options, claim.kubeconfig);
      this.#size = clampSize(claim.cols, claim.rows);
      this.log.append(RecordKind.resize, encodeResize(this.#size.cols, this.#size.rows));
      if (claim.greeting) this.log.append(RecordKind.output, new TextEncoder().encode(claim.greeting));
      const env = shellEnvironment(this.#options, claim.env);
      const events = {
        output: (record: Uint8Array) => this.#output(record),
        end: (exit: PtyExit) => this.#ended(exit),
      };
      const pty = this.#scored(() => startShell(this.#options, env, this.#size, events));
      this.#pty = pty;
      this.#input = new PtyInput(pty, {
        written: (bytes, secret) => this.#written(bytes, secret),
        done: (stream, position) => this.onInputDone(stream, position),
      });
      this.state = 'running';
      return null;
    } catch (error) {
      return `the shell could not be started: ${(error as Error).message}`;
    }
  }

  /** A frame of the connection that holds the host. Throws FrameError on one that cannot be. */
  frame({ type, payload }: Frame): void {
    switch (type) {
      case ToHost.recorded:
        return this.recorded(readU64(payload));
      case ToHost.rendered:
        this.#brakes.rendered(readU64(payload), this.log.end);
        return this.brake();
      case ToHost.viewer:
        this.#brakes.viewer(payload[0] === 1, this.log.end);
        return this.brake();
      case ToHost.input:
        return this.#take(readU32(payload), readU64(payload, 4), payload.subarray(12));
      case ToHost.resize:
        if (payload.length !== 4) throw new FrameError('a resize frame holds four bytes');
        return this.#resize(payload);
      case ToHost.credential:
        return writeCredential(this.#options, parseJson<Credential>(payload));
      case ToHost.end:
        if (this.state === 'running') hangUp(this.#pty!);
        return;
      case ToHost.file:
        return this.onFile(parseJson<FileRequest>(payload));
      default:
        throw new FrameError(`no frame of type ${type} exists`);
    }
  }

  mark(mark: Mark): void {
    this.log.append(RecordKind.mark, encodeMark(mark));
  }

  /** The holder is gone, and its browser with it. */
  detached(): void {
    this.#brakes.viewer(false, this.log.end);
    this.brake();
  }

  recorded(offset: number): void {
    this.#brakes.recorded(offset, this.log.end);
    this.log.trim(this.#brakes.recordedTo);
    this.brake();
    if (this.#exit && this.#brakes.recordedTo === this.log.end) this.onOver(this.#exit);
  }

  attachFacts() {
    return { ...this.#size, inputs: this.#streams.entries() };
  }

  /** Stops or resumes reading the PTY as the brakes say. */
  brake(): void {
    const held = this.#brakes.hold(this.log.end);
    if (held === this.#held || !this.#pty) return;
    this.#held = held;
    if (held) this.#pty.pause();
    else this.#pty.resume();
  }

  #take(stream: number, position: number, bytes: Uint8Array): void {
    const fresh = this.#streams.take(stream, position, bytes);
    const taken = this.#streams.position(stream);
    if (fresh.length > 0 && this.state === 'running') this.#input!.push(stream, fresh, taken);
    else this.onInputDone(stream, taken);
  }

  #written(bytes: Uint8Array, secret: { reader: number } | null): void {
    this.#secrets.seen(secret !== null);
    if (!secret) return this.log.append(RecordKind.input, bytes);
    const reader = () => commandName(secret.reader);
    for (const mark of this.#secrets.written(bytes, newestProcess, reader)) this.mark(mark);
  }

  #output(record: Uint8Array): void {
    const modes = this.#pty?.modes();
    if (modes) this.#secrets.seen(modes.canonical && !modes.echo);
    this.log.appendOutputInPlace(record);
    this.#input?.pump();
  }

  #resize(payload: Uint8Array): void {
    const view = new DataView(payload.buffer, payload.byteOffset);
    const { cols, rows } = clampSize(view.getUint16(0), view.getUint16(2));
    if ((cols === this.#size.cols && rows === this.#size.rows) || this.state !== 'running') return;
    this.#size = { cols, rows };
    this.#pty!.resize(cols, rows);
    this.log.append(RecordKind.resize, encodeResize(cols, rows));
  }

  #ended(exit: PtyExit): void {
    this.#input?.dispose();
    this.state = 'exited';
    this.#exit = exit;
    this.mark({ mark: 'exit', ...exit });
  }
}

function clampSize(cols: number, rows: number) {
  const clamp = (value: number) => Math.min(SIZE_MAX, Math.max(1, Math.floor(value) || 1));
  return { cols: clamp(cols), rows: clamp(rows) };
}

/** The newest process id given out in the sandbox; it moves when anything is started. */
function newestProcess(): number {
  return Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1));
}

function commandName(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'a program';
  }
}
