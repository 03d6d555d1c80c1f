/** Brings an emulator to what a log shows, and back to a snapshot. Used by the screen worker. */
import { decodeResize, RecordKind, type LogRecord } from '../../protocol/log.ts';
import { charsetLetters, createEmulator, feed, type Emulator } from './emulator.ts';
import { OutputTail } from './output-tail.ts';
import { snapshot } from './snapshot.ts';

export class Replay implements Disposable {
  readonly #emulator: Emulator;
  readonly #tail = new OutputTail();

  constructor(cols: number, rows: number) {
    this.#emulator = createEmulator(cols, rows);
  }

  get cols(): number {
    return this.#emulator.cols;
  }

  get rows(): number {
    return this.#emulator.rows;
  }

  /** Resolves once all is parsed, and the records' bytes may be overwritten. */
  async records(records: LogRecord[]): Promise<void> {
    for (const record of records) {
      if (record.kind === RecordKind.output || record.kind === RecordKind.error) this.#output(record.data);
      else if (record.kind === RecordKind.resize) await this.#resize(record.data);
    }
    // waiting for each record would cost a timer tick each
    await feed(this.#emulator, '');
  }

  /** Takes up a {@link snapshot}. */
  async restore(bytes: Uint8Array): Promise<void> {
    this.#output(bytes);
    await feed(this.#emulator, '');
  }

  /** What a fresh emulator of `cols` × `rows` is fed to be as this one. */
  async snapshot(): Promise<Uint8Array> {
    const screen = snapshot(this.#emulator, await charsetLetters());
    return Buffer.concat([Buffer.from(screen), this.#tail.held]);
  }

  [Symbol.dispose](): void {
    this.#emulator.dispose();
  }

  #output(bytes: Uint8Array): void {
    const safe = this.#tail.push(bytes);
    if (safe.length > 0) this.#emulator.write(safe);
  }

  async #resize(data: Uint8Array): Promise<void> {
    const { cols, rows } = decodeResize(data);
    const text = this.#tail.release();
    await feed(this.#emulator, text);
    this.#emulator.resize(cols, rows);
  }
}
