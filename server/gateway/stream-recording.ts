/** The recording of one exec, attach or port-forward, from the request to its end, as its role wants it. */
import type { IncomingMessage } from 'node:http';
import type { KubeRequest, Refusal } from '../domain/kube-request.ts';
import { Problem } from '../domain/problem.ts';
import { type StreamFacts, streamFacts } from '../domain/stream-facts.ts';
import { UnknownProtocol } from '../domain/websocket-frames.ts';
import type { ApiCall } from './api-call.ts';
import { type Direction, isKnownStream, type StreamTap, tapOf } from './stream-channels.ts';
import { StreamRecorder } from './stream-recorder.ts';

export class StreamRecording {
  readonly #call: ApiCall;
  readonly #facts: StreamFacts;
  readonly #how: 'websocket' | 'spdy';
  readonly #subresource: string;
  readonly #required: boolean;
  #recorder: StreamRecorder | null = null;
  #tap: StreamTap | null = null;

  private constructor(call: ApiCall, facts: StreamFacts, how: 'websocket' | 'spdy', subresource: string) {
    this.#call = call;
    this.#facts = facts;
    this.#how = how;
    this.#subresource = subresource;
    this.#required = call.rules!.policy.recordStreams === 'required';
  }

  /** Null for what is no such stream. */
  static of(call: ApiCall, request: KubeRequest, how: 'websocket' | 'spdy'): StreamRecording | null {
    const facts = streamFacts(request);
    return facts && new StreamRecording(call, facts, how, request.subresource);
  }

  /** What the audit log has of it while it runs. */
  get started(): object {
    return { ...this.#facts, startedAt: this.#call.startedAt };
  }

  /** Why the stream must not be opened: a recording is required, and none can be made of what the client offers. */
  refusal({ headers }: IncomingMessage): Refusal | null {
    if (!this.#required) return null;
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    if (offered.some((one) => isKnownStream(this.#how, this.#subresource, one))) return null;
    return {
      code: 'recording-required',
      status: 403,
      message: `The role "${this.#call.rules!.role}" wants ${this.#facts.kind} recorded, and this client offers no protocol of which a recording can be made (${offered.join(', ').slice(0, 100) || 'none'}). Use kubectl of 1.30 or newer.`,
    };
  }

  /** What the client sends without what would make the frames unreadable: nobody has to offer extensions. */
  headers(headers: readonly string[]): string[] {
    return headers.flatMap((name, at) =>
      at % 2 === 0 && name.toLowerCase() !== 'sec-websocket-extensions' ? [name, headers[at + 1]!] : [],
    );
  }

  /** Before the cluster is asked. Throws Problem `recording-failed` where one is required and cannot be written. */
  async open(cluster: string): Promise<void> {
    const { most } = this.#call.recordings;
    const log =
      this.#facts.kind === 'port-forward'
        ? null
        : await this.#call.openRecording(cluster).catch((error: unknown) => {
            if (this.#required) throw error;
            return null;
          });
    this.#recorder = new StreamRecorder(this.#facts, {
      log,
      most: this.#required ? Number.POSITIVE_INFINITY : most,
      now: () => this.#call.now(),
      onFailed: (cause) => {
        if (this.#required) this.#call.abort(failed(cause));
      },
    });
    if (!log && this.#facts.kind !== 'port-forward') this.#recorder.cut('no recording could be made');
    this.#tap = tapOf(this.#how, this.#subresource, this.#recorder);
  }

  /** The cluster has changed protocols. Throws Problem `recording-required` for one of which none can be made. */
  begun({ headers }: IncomingMessage): void {
    const chosen = headers['sec-websocket-protocol'] ?? '';
    if (headers['sec-websocket-extensions'] === undefined && isKnownStream(this.#how, this.#subresource, chosen))
      return;
    const problem = this.#lost(`the cluster chose the protocol "${chosen.slice(0, 60)}"`);
    if (problem) throw problem;
  }

  /** Bytes as they pass. Where the disk is far behind, they wait until this resolves. */
  push(direction: Direction, chunk: Buffer): Promise<void> | null {
    if (!this.#tap || !this.#recorder) return null;
    try {
      this.#tap.push(direction, chunk);
    } catch (error) {
      if (!(error instanceof UnknownProtocol)) throw error;
      const problem = this.#lost(error.message);
      if (problem) this.#call.abort(problem);
      return null;
    }
    return this.#recorder.drained();
  }

  /** Bytes that wait for the disk. */
  get pending(): number {
    return this.#recorder?.pending ?? 0;
  }

  /** Once both ends are closed, or the stream never began. */
  async finish(): Promise<void> {
    if (this.#recorder) this.#call.stream = await this.#recorder.finish();
  }

  /** What follows is not recorded; the Problem to end the stream with, where it must be. */
  #lost(why: string): Problem | null {
    this.#tap = null;
    if (this.#required)
      return new Problem('recording-required', 403, `This stream must be recorded, and cannot be: ${why}.`, {
        next: 'Use kubectl of 1.30 or newer, or a role that does not ask for recordings.',
      });
    this.#recorder?.cut(why);
    return null;
  }
}

function failed(cause: Error): Problem {
  return new Problem('recording-failed', 503, `The recording cannot be written: ${cause.message}.`, {
    next: 'Ask an administrator to look at the data directory’s disk.',
    cause,
  });
}
