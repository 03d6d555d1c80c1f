/** What a cluster's refusal says of itself, read as it passes. */
import type { IncomingMessage } from 'node:http';
import { statusReason, type StatusReason } from '../domain/audit-status.ts';

/** A Status is some hundred bytes; of a longer answer nothing is kept. */
const MOST_BYTES = 16 * 1024;

export class RefusalTap {
  readonly #readable: boolean;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor({ headers }: Pick<IncomingMessage, 'headers'>) {
    this.#readable =
      (headers['content-type'] ?? '').startsWith('application/json') && headers['content-encoding'] === undefined;
  }

  add(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#readable && this.#size <= MOST_BYTES) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  reason(): StatusReason {
    return this.#chunks.length > 0 ? statusReason(Buffer.concat(this.#chunks).toString('utf8')) : {};
  }
}
