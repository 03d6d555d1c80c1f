/**
 * Plays a session log on an emulator: at true timing, faster, or at once to any moment. Screens are kept every
 * {@link KEYFRAME_BYTES} or so while it goes along, so that going back does not start from the beginning.
 */
import type { SerializeAddon } from '@xterm/addon-serialize';
import { Store } from '../lib/store.ts';
import { makeEmulator, type Emulator } from '../terminal/emulator.ts';
import { advance, nextSpeed } from './clock.ts';
import { firstAfter, type SessionLog } from './session-log.ts';

/** xterm parses 5–35 MB/s: a seek parses at most about this much, some tens of milliseconds. */
const KEYFRAME_BYTES = 512 * 1024;
/** A screen that is kept costs some 20 ms and 100 kB: of a long recording they lie further apart. */
const MOST_KEYFRAMES = 100;
/** Bytes handed to xterm before it is waited for: it keeps what it has not parsed in memory. */
const BATCH_BYTES = 256 * 1024;
/** What a page shows behind the screen; a screen that is kept holds no more. */
const SCROLLBACK_LINES = 1_000;

/** JetBrains Mono is 0.6 em wide; its line height times the emulator's. */
const CELL_WIDTH = 0.602;
const CELL_HEIGHT = 1.53;
const SCROLLBAR_PX = 18;
const FONT_LEAST = 5;
const FONT_MOST = 15;

type Keyframe = { index: number; cols: number; rows: number; screen: string };

export type PlayerView = { playing: boolean; atMs: number; speed: number; skipIdle: boolean; seeking: boolean };

export class Player {
  readonly view = new Store<PlayerView>({ playing: false, atMs: 0, speed: 1, skipIdle: true, seeking: false });
  readonly log: SessionLog;
  readonly #emulator: Emulator;
  readonly #serialize: SerializeAddon;
  /** The next record to be shown. */
  #index = 0;
  #keyframes: Keyframe[] = [];
  #sinceKeyframe = 0;
  #frame = 0;
  #lastTick = 0;
  #ticking: Promise<void> = Promise.resolve();
  /** The newest wish wins: an older seek that is still parsing stops. */
  #wish = 0;
  #disposed = false;

  static async make(log: SessionLog, nonce: string | undefined): Promise<Player> {
    const emulator = await makeEmulator(nonce, false);
    const { SerializeAddon } = await import('@xterm/addon-serialize');
    emulator.term.options.scrollback = SCROLLBACK_LINES;
    const serialize = new SerializeAddon();
    emulator.term.loadAddon(serialize);
    return new Player(log, emulator, serialize);
  }

  constructor(log: SessionLog, emulator: Emulator, serialize: SerializeAddon) {
    this.log = log;
    this.#emulator = emulator;
    this.#serialize = serialize;
  }

  /** Puts it into the page. `room` says how large the screen may be; its font becomes as large as fits. */
  mount(host: HTMLElement, room: () => { width: number; height: number }): { fit: () => void; dispose: () => void } {
    const { term } = this.#emulator;
    const fit = () => {
      const { width, height } = room();
      const size = Math.min((width - SCROLLBAR_PX) / (term.cols * CELL_WIDTH), height / (term.rows * CELL_HEIGHT));
      // Half pixels keep the glyphs sharp; below the least nothing can be read, and the frame scrolls instead.
      term.options.fontSize = Math.max(FONT_LEAST, Math.min(FONT_MOST, Math.floor(size * 2) / 2));
    };
    this.#emulator.open(host);
    fit();
    const resized = term.onResize(fit);
    return { fit, dispose: () => resized.dispose() };
  }

  play(): void {
    if (this.view.get().playing || this.#disposed) return;
    const again = this.view.get().atMs >= this.log.durationMs ? this.seek(0) : Promise.resolve();
    this.#set({ playing: true });
    void again.then(() => {
      this.#lastTick = performance.now();
      this.#frame = requestAnimationFrame(this.#tick);
    });
  }

  pause(): void {
    cancelAnimationFrame(this.#frame);
    this.#set({ playing: false });
  }

  toggle(): void {
    if (this.view.get().playing) this.pause();
    else this.play();
  }

  faster(direction: 1 | -1): void {
    this.setSpeed(nextSpeed(this.view.get().speed, direction));
  }

  setSpeed(speed: number): void {
    this.#set({ speed });
  }

  setSkipIdle(skipIdle: boolean): void {
    this.#set({ skipIdle });
  }

  /** To the next thing that happens on the screen. */
  step(): void {
    this.pause();
    const next = this.log.records[firstAfter(this.log.records, this.view.get().atMs)];
    if (next) void this.seek(next.atMs);
  }

  /** Shows the moment, from the nearest screen that is kept. */
  async seek(toMs: number): Promise<void> {
    const atMs = Math.max(0, Math.min(this.log.durationMs, toMs));
    const wish = ++this.#wish;
    this.#set({ atMs, seeking: true });
    // One at a time: two would mix their writes.
    this.#ticking = this.#ticking.then(async () => {
      if (wish !== this.#wish || this.#disposed) return;
      const target = firstAfter(this.log.records, atMs);
      const from = this.#keyframes.findLast((keyframe) => keyframe.index <= target);
      if (target < this.#index || (from && from.index > this.#index)) await this.#restore(from);
      await this.#showUpTo(target, wish);
      if (wish === this.#wish) this.#set({ seeking: false });
    });
    await this.#ticking;
    this.#lastTick = performance.now();
  }

  dispose(): void {
    this.#disposed = true;
    this.pause();
    this.#emulator.dispose();
  }

  readonly #tick = (now: number) => {
    const view = this.view.get();
    if (!view.playing || this.#disposed) return;
    const elapsed = Math.min(250, now - this.#lastTick);
    this.#lastTick = now;
    if (!view.seeking) {
      const { records, durationMs } = this.log;
      const atMs = advance(
        view.atMs,
        elapsed,
        view,
        durationMs,
        (at) => records[firstAfter(records, at)]?.atMs ?? null,
        (at) => records[firstAfter(records, at) - 1]?.atMs ?? 0,
      );
      this.#set({ atMs });
      const wish = this.#wish;
      this.#ticking = this.#ticking.then(() => this.#showUpTo(firstAfter(records, this.view.get().atMs), wish));
      if (atMs >= durationMs) {
        this.#set({ playing: false });
        return;
      }
    }
    void this.#ticking.then(() => {
      if (this.view.get().playing) this.#frame = requestAnimationFrame(this.#tick);
    });
  };

  async #restore(keyframe: Keyframe | undefined): Promise<void> {
    const { term } = this.#emulator;
    term.reset();
    this.#sinceKeyframe = 0;
    this.#index = keyframe?.index ?? 0;
    if (!keyframe) return;
    term.resize(keyframe.cols, keyframe.rows);
    await this.#write(keyframe.screen);
  }

  async #showUpTo(target: number, wish: number): Promise<void> {
    const { records } = this.log;
    let pending = 0;
    while (this.#index < target) {
      if (wish !== this.#wish || this.#disposed) return;
      const record = records[this.#index]!;
      this.#index += 1;
      if (record.kind === 'resize') {
        await this.#write('');
        // A terminal of one column is none to xterm.
        this.#emulator.term.resize(Math.max(2, record.cols), Math.max(1, record.rows));
        continue;
      }
      pending += record.bytes.length;
      this.#sinceKeyframe += record.bytes.length;
      if (this.#index === target || pending >= BATCH_BYTES) {
        await this.#write(record.bytes);
        pending = 0;
        if (this.#sinceKeyframe >= Math.max(KEYFRAME_BYTES, this.log.bytes / MOST_KEYFRAMES)) this.#keep();
      } else this.#emulator.term.write(record.bytes);
    }
  }

  #keep(): void {
    this.#sinceKeyframe = 0;
    if (this.#keyframes.some((keyframe) => keyframe.index === this.#index)) return;
    const { term } = this.#emulator;
    const screen = this.#serialize.serialize({ scrollback: SCROLLBACK_LINES });
    this.#keyframes.push({ index: this.#index, cols: term.cols, rows: term.rows, screen });
    this.#keyframes.sort((a, b) => a.index - b.index);
  }

  #write(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#emulator.term.write(data, resolve));
  }

  #set(change: Partial<PlayerView>): void {
    this.view.update((view) => ({ ...view, ...change }));
  }
}
