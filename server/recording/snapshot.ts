/**
 * An emulator's whole state as escape sequences for a fresh one of the same size: both buffers with scrollback and
 * wrapped lines, cursors (also waiting to wrap), saved cursors, attributes, links, character sets, scroll regions, tab
 * stops, modes, title. The serialize add-on of xterm.js leaves out about half of these. Long because each part depends
 * on the order in which the others are set.
 *
 * Not carried: the stack of titles, palette changes, DECSTR's leftovers in an inactive alternate buffer, wrapped lines
 * of an emulator that is one row high, and a character set that restoring the cursor put beside G0 to G3.
 */
import {
  inside,
  type Attributes,
  type Cell,
  type Charset,
  type Emulator,
  type Inside,
  type Line,
  type ScreenBuffer,
} from './emulator.ts';

const CSI = '\x1b[';
const COLOUR_MODE = 0x3000000;
const P16 = 0x1000000;
const P256 = 0x2000000;
const HAS_EXTENDED = 0x10000000;
const PROTECTED = 0x20000000;
const UNDERLINE_STYLE = 0x1c000000;

export function snapshot(emulator: Emulator, letters: Map<Charset, string>): string {
  const core = inside(emulator);
  const { normal, alt, active } = core.buffers;
  const screen = new Writer(core, emulator.cols, emulator.rows, letters);
  screen.buffer(normal);
  if (active === alt) {
    screen.bufferState(normal, false);
    screen.out += `${CSI}0m${CSI}?1047h${CSI}H`;
    screen.buffer(alt);
  }
  screen.bufferState(active, true);
  screen.modes();
  return screen.out;
}

class Writer {
  out = '';
  readonly #core: Inside;
  readonly #cols: number;
  readonly #rows: number;
  readonly #letters: Map<Charset, string>;
  /** Style and link as the reader has them at this point. */
  #style = `${CSI}0m`;
  #link = '';

  constructor(core: Inside, cols: number, rows: number, letters: Map<Charset, string>) {
    this.#core = core;
    this.#cols = cols;
    this.#rows = rows;
    this.#letters = letters;
  }

  /** Every line, scrollback first; the cursor ends wherever that leads. */
  buffer(buffer: ScreenBuffer): void {
    const cell = buffer.getNullCell();
    for (let row = 0; row < buffer.lines.length; row++) {
      if (row > 0) this.#nextLine(buffer, row, cell);
      this.#line(buffer, row, cell);
    }
    this.#plain();
  }

  /** What belongs to a buffer besides its lines. The inactive one has no cursor of its own. */
  bufferState(buffer: ScreenBuffer, active: boolean): void {
    this.#tabs(buffer);
    this.#savedCursor(buffer);
    if (buffer.scrollTop !== 0 || buffer.scrollBottom !== this.#rows - 1)
      this.out += `${CSI}${buffer.scrollTop + 1};${buffer.scrollBottom + 1}r`;
    if (!active) return;
    const { origin } = this.#core.coreService.decPrivateModes;
    if (origin) this.out += `${CSI}?6h`;
    this.#moveTo(buffer, buffer.x, buffer.y, origin ? buffer.scrollTop : 0);
    this.#apply(this.#core._inputHandler._curAttrData);
    const { _charsets, glevel } = this.#core._charsetService;
    for (const [level, intermediate] of ['(', ')', '*', '+'].entries())
      if (_charsets[level]) this.out += `\x1b${intermediate}${this.#letters.get(_charsets[level]) ?? 'B'}`;
    this.out += ['', '\x0e', '\x1bn', '\x1bo'][glevel] ?? '';
  }

  modes(): void {
    const { coreService, coreMouseService, _inputHandler } = this.#core;
    const modes = coreService.decPrivateModes;
    const set = (on: boolean, sequence: string) => {
      if (on) this.out += CSI + sequence;
    };
    set(modes.applicationCursorKeys, '?1h');
    set(modes.applicationKeypad, '?66h');
    set(modes.bracketedPasteMode, '?2004h');
    set(modes.reverseWraparound, '?45h');
    set(modes.sendFocus, '?1004h');
    set(modes.synchronizedOutput, '?2026h');
    set(!modes.wraparound, '?7l');
    set(coreService.modes.insertMode, '4h');
    set(coreService.isCursorHidden, '?25l');
    const mouse = { X10: 9, VT200: 1000, DRAG: 1002, ANY: 1003 }[coreMouseService.activeProtocol];
    if (mouse) set(true, `?${mouse}h`);
    const encoding = { SGR: 1006, SGR_PIXELS: 1016 }[coreMouseService.activeEncoding];
    if (encoding) set(true, `?${encoding}h`);
    if (modes.cursorStyle) {
      const style = { block: 1, underline: 3, bar: 5 }[modes.cursorStyle];
      set(true, `${style + (modes.cursorBlink ? 0 : 1)} q`);
    }
    if (_inputHandler._windowTitle) this.out += `\x1b]2;${_inputHandler._windowTitle}\x1b\\`;
    if (_inputHandler._iconName) this.out += `\x1b]1;${_inputHandler._iconName}\x1b\\`;
  }

  #line(buffer: ScreenBuffer, row: number, cell: Cell): void {
    const line = buffer.lines.get(row)!;
    let empty = 0;
    let background = 0;
    let wide = false;
    for (let column = 0; column < this.#cols; column++) {
      line.loadCell(column, cell);
      const chars = cell.getChars();
      if (chars === '') {
        // the second half of a wide character is no cell of its own
        if (wide && cell.getWidth() === 0) {
          wide = false;
          continue;
        }
        wide = false;
        const colour = colourOf(cell.bg);
        if (empty > 0 && colour !== background) {
          this.#gap(empty, background, true);
          empty = 0;
        }
        background = colour;
        empty++;
        continue;
      }
      if (empty > 0) this.#gap(empty, background, true);
      empty = 0;
      this.#apply(cell);
      // a combining character that has a cell must not join the one before it
      if (cell.getWidth() === 0) this.out += this.#style;
      this.out += chars;
      wide = cell.getWidth() === 2;
    }
    if (empty > 0) this.#gap(empty, background, false);
  }

  /** Empty cells: erased to their background, then stepped over where something follows. */
  #gap(count: number, background: number, step: boolean): void {
    if (background !== 0) {
      this.#apply({ fg: 0, bg: background, extended: NO_EXTENDED });
      this.out += `${CSI}${count}X`;
    }
    if (step) this.out += `${CSI}${count}C`;
  }

  #nextLine(buffer: ScreenBuffer, row: number, cell: Cell): void {
    const wrapped = buffer.lines.get(row)!.isWrapped;
    if (!wrapped || this.#rows < 2) {
      // a line that scrolls in takes the background of the moment
      this.#plain();
      this.out += '\r\n';
      return;
    }
    const before = buffer.lines.get(row - 1)!;
    if (this.#wrapsByItself(before, buffer.lines.get(row)!, cell)) return;
    // fill the line's end, overflow it, then put both ends as they were
    this.#plain();
    this.out += `${CSI}${this.#cols}Gxx${CSI}A`;
    this.#lastAgain(before, cell);
    this.#plain();
    this.out += `${CSI}B\r${CSI}X`;
  }

  /** Whether printing the next line's first character wraps to it: the line is full, or one short of a wide one. */
  #wrapsByItself(before: Line, line: Line, cell: Cell): boolean {
    line.loadCell(0, cell);
    const width = cell.getWidth();
    // the background of the character would fill the line
    if (cell.getChars() === '' || width === 0 || colourOf(cell.bg) !== 0) return false;
    const last = lastCell(before, this.#cols, cell);
    if (last.chars !== '') return true;
    return width === 2 && last.background === 0 && before.loadCell(this.#cols - 2, cell).getChars() !== '';
  }

  /** Writes a line's last cell anew; behind it the cursor waits to wrap, where the cell is printed. */
  #lastAgain(line: Line, cell: Cell): void {
    const { chars, column, background } = lastCell(line, this.#cols, cell);
    this.out += `${CSI}${column + 1}G`;
    if (chars === '') {
      this.#apply({ fg: 0, bg: background, extended: NO_EXTENDED });
      this.out += `${CSI}X`;
      return;
    }
    this.#apply(line.loadCell(column, cell));
    this.out += chars;
  }

  #moveTo(buffer: ScreenBuffer, x: number, y: number, top: number): void {
    this.out += `${CSI}${y - top + 1};${Math.min(x, this.#cols - 1) + 1}H`;
    const line = buffer.lines.get(buffer.ybase + y);
    if (x < this.#cols || !line) return;
    const cell = buffer.getNullCell();
    if (lastCell(line, this.#cols, cell).chars !== '') this.#lastAgain(line, cell);
  }

  #savedCursor(buffer: ScreenBuffer): void {
    const { savedX, savedCurAttrData: attributes, savedCharset } = buffer;
    const y = Math.min(Math.max(buffer.savedY - buffer.ybase, 0), this.#rows - 1);
    if (savedX === 0 && buffer.savedY === 0 && attributes.fg === 0 && attributes.bg === 0 && !savedCharset) return;
    this.#moveTo(buffer, savedX, y, 0);
    this.#apply({ fg: attributes.fg, bg: attributes.bg & ~HAS_EXTENDED, extended: NO_EXTENDED });
    const letter = savedCharset && this.#letters.get(savedCharset);
    this.out += letter ? `\x1b(${letter}\x1b7\x1b(B` : '\x1b7';
    this.#plain();
  }

  #tabs(buffer: ScreenBuffer): void {
    const stops: number[] = [];
    let usual = true;
    for (let column = 0; column < this.#cols; column++) {
      if (buffer.tabs[column]) stops.push(column);
      if (Boolean(buffer.tabs[column]) !== (column % 8 === 0)) usual = false;
    }
    if (usual) return;
    this.out += `${CSI}3g`;
    for (const column of stops) this.out += `${CSI}${column + 1}G\x1bH`;
  }

  #plain(): void {
    this.#apply({ fg: 0, bg: 0, extended: NO_EXTENDED });
  }

  #apply(attributes: Attributes): void {
    const style = styleOf(attributes);
    if (style !== this.#style) this.out += style;
    this.#style = style;
    const linked = attributes.bg & HAS_EXTENDED && attributes.extended.urlId;
    const data = linked ? this.#core._oscLinkService.getLinkData(attributes.extended.urlId) : undefined;
    const link = data ? `${data.id === undefined ? '' : `id=${data.id}`};${data.uri}` : '';
    if (link !== this.#link) this.out += `\x1b]8;${link || ';'}\x1b\\`;
    this.#link = link;
  }
}

const NO_EXTENDED = { ext: 0, _ext: 0, urlId: 0 };

function lastCell(line: Line, cols: number, cell: Cell) {
  line.loadCell(cols - 1, cell);
  if (cell.getChars() === '' && cell.getWidth() === 0 && line.loadCell(cols - 2, cell).getWidth() === 2)
    return { chars: cell.getChars(), column: cols - 2, background: colourOf(cell.bg) };
  line.loadCell(cols - 1, cell);
  return { chars: cell.getChars(), column: cols - 1, background: colourOf(cell.bg) };
}

/** Mode and value of a colour, without the flags beside it. */
function colourOf(value: number): number {
  return value & COLOUR_MODE ? value & 0x3ffffff : 0;
}

/** SGR from nothing, and DECSCA, which SGR 0 resets too. */
function styleOf({ fg, bg, extended }: Attributes): string {
  const parts = ['0'];
  const flag = (on: number, part: string) => {
    if (on) parts.push(part);
  };
  flag(fg & 0x8000000, '1');
  flag(bg & 0x8000000, '2');
  flag(bg & 0x4000000, '3');
  if (fg & 0x10000000) {
    const style = bg & HAS_EXTENDED ? (extended._ext & UNDERLINE_STYLE) >>> 26 : 1;
    parts.push(`4:${style || 1}`);
  }
  flag(fg & 0x20000000, '5');
  flag(fg & 0x4000000, '7');
  flag(fg & 0x40000000, '8');
  flag(fg & 0x80000000, '9');
  flag(bg & 0x40000000, '53');
  parts.push(...colour(fg, '3', '9', '38'), ...colour(bg, '4', '10', '48'));
  if (bg & HAS_EXTENDED) parts.push(...colour(extended._ext, '', '', '58'));
  const protect = bg & PROTECTED ? `${CSI}1"q` : '';
  return `${CSI}${parts.join(';')}m${protect}`;
}

function colour(value: number, dark: string, bright: string, wide: string): string[] {
  const mode = value & COLOUR_MODE;
  if (mode === 0) return [];
  if (mode === P16 && dark) return [value & 8 ? `${bright}${value & 7}` : `${dark}${value & 7}`];
  if (mode === P16 || mode === P256) return [`${wide}:5:${value & 0xff}`];
  return [`${wide}:2::${(value >>> 16) & 0xff}:${(value >>> 8) & 0xff}:${value & 0xff}`];
}
