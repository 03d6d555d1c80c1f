/**
 * Input on its way to the session host: kept until the host says that the PTY has it, sent again after the host's
 * connection broke (the host takes what is past the position it knows, so nothing doubles). Bounded by its owner, who
 * stops reading from the page while {@link InputQueue.full}.
 */
import { INPUT_WINDOW } from '../../protocol/frames.ts';

export type Input = { stream: number; position: number; bytes: Uint8Array };

/** What the page may have on its way, and as much again for a page that broke off and resends. */
const FULL_BYTES = 2 * INPUT_WINDOW;
/** Pages whose position is remembered: the attached one and those it took over from. */
const STREAMS = 16;

export class InputQueue {
  readonly #send: (input: Input) => void;
  /** In the order of arrival: first what the host has been sent, then what waits. */
  #queue: Input[] = [];
  #sent = 0;
  #sentBytes = 0;
  #bytes = 0;
  #open = false;
  readonly #acked = new Map<number, number>();

  /** `send` is called while the host is there, never past INPUT_WINDOW unacknowledged bytes. */
  constructor(send: (input: Input) => void) {
    this.#send = send;
  }

  get full(): boolean {
    return this.#bytes >= FULL_BYTES;
  }

  push(input: Input): void {
    if (input.bytes.length === 0) return;
    this.#queue.push(input);
    this.#bytes += input.bytes.length;
    this.#flush();
  }

  /** The host has written the stream up to the position. */
  ack(stream: number, position: number): void {
    this.#remember(stream, position);
    const queue: Input[] = [];
    let sent = 0;
    this.#bytes = this.#sentBytes = 0;
    for (const [index, input] of this.#queue.entries()) {
      if (input.stream === stream && input.position + input.bytes.length <= position) continue;
      queue.push(input);
      this.#bytes += input.bytes.length;
      if (index >= this.#sent) continue;
      sent++;
      this.#sentBytes += input.bytes.length;
    }
    this.#queue = queue;
    this.#sent = sent;
    this.#flush();
  }

  /** Where the page's stream stands, as far as is known here: 0 for a stream that is new. */
  position(stream: number): number {
    return this.#acked.get(stream) ?? 0;
  }

  /** The host is (again) there: everything unacknowledged is sent. */
  open(): void {
    this.#open = true;
    this.#sent = this.#sentBytes = 0;
    this.#flush();
  }

  /** The host is away: input waits. */
  close(): void {
    this.#open = false;
  }

  #flush(): void {
    while (this.#open && this.#sent < this.#queue.length) {
      const next = this.#queue[this.#sent]!;
      if (this.#sentBytes > 0 && this.#sentBytes + next.bytes.length > INPUT_WINDOW) return;
      this.#sent++;
      this.#sentBytes += next.bytes.length;
      this.#send(next);
    }
  }

  #remember(stream: number, position: number): void {
    const known = this.#acked.get(stream) ?? 0;
    this.#acked.delete(stream);
    this.#acked.set(stream, Math.max(known, position));
    if (this.#acked.size > STREAMS) this.#acked.delete(this.#acked.keys().next().value!);
  }
}
