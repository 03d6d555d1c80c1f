/**
 * A way around a fault of xterm.js 6.0, for each emulator that reads what programs print: the pages', the replay's and
 * the portal's own.
 */

type Params = (number | number[])[];
type Handler = (params: Params) => boolean;

/** What the workaround needs of xterm's `Terminal`, with a screen or without. */
export type ErasingTerminal = {
  readonly cols: number;
  readonly parser: { registerCsiHandler(id: { prefix?: string; final: string }, handler: Handler): unknown };
};

type Inside = {
  buffers: { active: { x: number; y: number; lines: { length: number } } };
  _inputHandler: {
    eraseInDisplay(params: { params: Params }, respectProtect: boolean): boolean;
    eraseInLine(params: { params: Params }, respectProtect: boolean): boolean;
  };
};

/**
 * `CSI 1 J` and `CSI ? 1 J` in the last cell of a screen without scrollback throw in xterm.js 6.0 (it looks for the
 * line below), which stops the emulator for good: any program could freeze a terminal. There, the last cell is erased
 * by itself.
 */
export function eraseAboveSafely(terminal: ErasingTerminal): void {
  terminal.parser.registerCsiHandler({ final: 'J' }, (params) => eraseAbove(terminal, params, false));
  terminal.parser.registerCsiHandler({ prefix: '?', final: 'J' }, (params) => eraseAbove(terminal, params, true));
}

function eraseAbove(terminal: ErasingTerminal, params: Params, respectProtect: boolean): boolean {
  const { buffers, _inputHandler } = (terminal as unknown as { _core: Inside })._core;
  const { active } = buffers;
  if (params[0] !== 1 || active.x + 1 < terminal.cols || active.lines.length > active.y + 1) return false;
  const { x } = active;
  active.x = terminal.cols - 2;
  _inputHandler.eraseInDisplay({ params: [1] }, respectProtect);
  active.x = terminal.cols - 1;
  _inputHandler.eraseInLine({ params: [0] }, respectProtect);
  active.x = x;
  return true;
}
