/**
 * Splits terminal output into what an emulator may be fed before its screen is serialised, and a tail that stands in
 * the middle of something: half a UTF-8 character, an escape sequence that goes on, and the last printed character,
 * which combining characters, REP and a pending wrap still refer to. A snapshot is the serialised screen and then the
 * tail, raw; so it continues at any byte.
 *
 * It follows the states of the VT500 parser (vt100.net/emu/dec_ansi_parser) as xterm.js implements it. Holding back
 * too much is harmless, so it errs that way.
 */

type State = 'ground' | 'escape' | 'csi' | 'osc' | 'string';

/** A longer sequence (an image, a clipboard) is let go; a snapshot in its midst shows its rest as text. */
const HELD_MOST = 64 * 1024;
/** Printed characters held for what may combine with them. */
const TEXT_MOST = 64;

export class OutputTail {
  #held: Uint8Array = new Uint8Array();
  #state: State = 'ground';
  /** Continuation bytes still to come, and the character so far. */
  #missing = 0;
  #character = 0;
  #length = 0;
  /** Printed characters at the tail's start; a sequence may follow them. */
  #text = 0;
  /** Where they end in the tail. */
  #textEnd = 0;

  /** What stands after everything that {@link push} and {@link release} returned. */
  get held(): Uint8Array {
    return this.#held;
  }

  /** The bytes that may be fed now. */
  push(bytes: Uint8Array): Uint8Array {
    const all = this.#held.length === 0 ? bytes : concat(this.#held, bytes);
    let safe = 0;
    for (let at = this.#held.length; at < all.length; at++) {
      const byte = all[at]!;
      if (this.#missing > 0 && (byte & 0xc0) === 0x80) {
        this.#character = (this.#character << 6) | (byte & 0x3f);
        this.#length++;
        if (--this.#missing > 0) continue;
      } else {
        this.#length = 1;
        this.#missing = byte < 0xc2 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : byte < 0xf5 ? 3 : 0;
        this.#character = byte < 0x80 ? byte : byte & (0x3f >> this.#missing);
        // what begins no character is dropped by the emulator
        if (byte >= 0x80) continue;
      }
      safe = this.#step(this.#character, at + 1 - this.#length, at + 1, safe);
    }
    if (all.length - safe > HELD_MOST) safe = all.length;
    // a copy: the caller's buffer is used again
    this.#held = all.slice(safe);
    this.#textEnd = Math.max(0, this.#textEnd - safe);
    return all.subarray(0, safe);
  }

  /** The printed characters of the tail, before the screen's size changes; a sequence stays. */
  release(): Uint8Array {
    const text = this.#held.slice(0, this.#textEnd);
    this.#held = this.#held.slice(this.#textEnd);
    this.#text = this.#textEnd = 0;
    return text;
  }

  /** The new safe offset, after the character that lies at [start, end). */
  #step(character: number, start: number, end: number, safe: number): number {
    if (character === 0x18 || character === 0x1a) return this.#ground(end);
    if (character === 0x1b) return this.#begin('escape', safe);
    if (character >= 0x80 && character < 0xa0) return this.#c1(character, end, safe);
    if (this.#state === 'ground') return this.#printed(character, start, end, safe);
    if (this.#state === 'escape') return this.#escape(character, end, safe);
    if (this.#state === 'csi') return character >= 0x40 && character <= 0x7e ? this.#ground(end) : safe;
    if (this.#state === 'osc' && character === 0x07) return this.#ground(end);
    return safe;
  }

  #printed(character: number, start: number, end: number, safe: number): number {
    if (character < 0x20 || character === 0x7f) return this.#ground(end);
    const alone = character < 0x80 || this.#text >= TEXT_MOST;
    this.#textEnd = end;
    this.#text = alone ? 1 : this.#text + 1;
    return alone ? start : safe;
  }

  #escape(character: number, end: number, safe: number): number {
    if (character === 0x5b) this.#state = 'csi';
    else if (character === 0x5d) this.#state = 'osc';
    else if (character === 0x50 || character === 0x58 || character === 0x5e || character === 0x5f)
      this.#state = 'string';
    else if (character >= 0x30 && character <= 0x7e) return this.#ground(end);
    return safe;
  }

  #c1(character: number, end: number, safe: number): number {
    if (character === 0x9b) return this.#begin('csi', safe);
    if (character === 0x9d) return this.#begin('osc', safe);
    if (character === 0x90 || character === 0x98 || character === 0x9e || character === 0x9f)
      return this.#begin('string', safe);
    return this.#ground(end);
  }

  /** What stands before it stays: REP refers to the text, and a string takes effect only with what ends it. */
  #begin(state: State, safe: number): number {
    this.#state = state;
    return safe;
  }

  #ground(end: number): number {
    this.#state = 'ground';
    this.#text = this.#textEnd = 0;
    return end;
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  const out = new Uint8Array(first.length + second.length);
  out.set(first);
  out.set(second, first.length);
  return out;
}
