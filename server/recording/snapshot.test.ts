import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeResize, RecordKind, type LogRecord } from '../../protocol/log.ts';
import {
  charsetLetters,
  createEmulator,
  feed,
  inside,
  type Attributes,
  type Emulator,
  type ScreenBuffer,
} from './emulator.ts';
import { Replay } from './replay.ts';

const HAS_EXTENDED = 0x10000000;

/** What a person and a program can tell of an emulator's state. */
function stateOf(emulator: Emulator) {
  const core = inside(emulator);
  const { normal, alt, active } = core.buffers;
  const attributes = ({ fg, bg, extended }: Attributes) => ({
    fg,
    bg: bg & ~HAS_EXTENDED,
    ...(bg & HAS_EXTENDED
      ? { extended: extended._ext & 0x1fffffff, link: core._oscLinkService.getLinkData(extended.urlId) }
      : {}),
  });
  const bufferOf = (buffer: ScreenBuffer) => {
    const cell = buffer.getNullCell();
    const lines = [];
    for (let row = 0; row < buffer.lines.length; row++) {
      const line = buffer.lines.get(row)!;
      const cells = [];
      for (let column = 0; column < emulator.cols; column++) {
        line.loadCell(column, cell);
        const chars = cell.getChars();
        cells.push(chars === '' ? { bg: cell.bg & 0x3ffffff } : { chars, width: cell.getWidth(), ...attributes(cell) });
      }
      lines.push({ wrapped: row > 0 && emulator.rows > 1 && line.isWrapped, cells });
    }
    return {
      lines,
      region: [buffer.scrollTop, buffer.scrollBottom],
      tabs: Array.from({ length: emulator.cols }, (_, column) => Boolean(buffer.tabs[column])),
      saved: [
        buffer.savedX,
        Math.max(buffer.savedY - buffer.ybase, 0),
        buffer.savedCurAttrData.fg,
        buffer.savedCurAttrData.bg & ~HAS_EXTENDED,
      ],
    };
  };
  return {
    size: [emulator.cols, emulator.rows],
    alternate: active === alt,
    normal: bufferOf(normal),
    alt: active === alt ? bufferOf(alt) : null,
    cursor: [active.x, active.y],
    current: attributes(core._inputHandler._curAttrData),
    charset: [core._charsetService.glevel, ...Array.from({ length: 4 }, (_, i) => core._charsetService._charsets[i])],
    modes: {
      ...core.coreService.decPrivateModes,
      insert: core.coreService.modes.insertMode,
      hidden: core.coreService.isCursorHidden,
    },
    mouse: [core.coreMouseService.activeProtocol, core.coreMouseService.activeEncoding],
    title: core._inputHandler._windowTitle,
  };
}

const record = (kind: LogRecord['kind'], data: Uint8Array): LogRecord => ({ kind, time: 0n, data });
type Step = { bytes: Uint8Array } | { cols: number; rows: number };
const toRecord = (step: Step) =>
  'bytes' in step
    ? record(RecordKind.output, step.bytes)
    : record(RecordKind.resize, encodeResize(step.cols, step.rows));

/** The state after all steps, once straight and once with a snapshot between the two parts. */
async function compare(cols: number, rows: number, before: Step[], after: Step[]) {
  const whole = createEmulator(cols, rows);
  const apply = async (emulator: Emulator, steps: Step[]) => {
    for (const step of steps) {
      if ('bytes' in step) await feed(emulator, step.bytes);
      else emulator.resize(step.cols, step.rows);
    }
  };
  await apply(whole, [...before, ...after]);
  using replay = new Replay(cols, rows);
  await replay.records(before.map(toRecord));
  const restored = createEmulator(replay.cols, replay.rows);
  await feed(restored, await replay.snapshot());
  await apply(restored, after);
  expect(stateOf(restored)).toEqual(stateOf(whole));
  whole.dispose();
  restored.dispose();
}

const cut = async (text: string, at: number, cols = 10, rows = 4) => {
  const bytes = Buffer.from(text);
  await compare(cols, rows, [{ bytes: bytes.subarray(0, at) }], [{ bytes: bytes.subarray(at) }]);
};

const sequences = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom(...'abcdefghij klmnop0123456789~#'), maxLength: 25 }) },
  { weight: 2, arbitrary: fc.constantFrom('世界', 'e\u0301', '👍', 'ñ', '한글漢字漢字漢字漢字', '─│┌') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '\r\n',
      '\n',
      '\r',
      '\b',
      '\t',
      '\x1bM',
      '\x1bD',
      '\x1bE',
      '\x1bH',
      '\x1b[3g',
      '\x1b[0g',
    ),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 12 }),
        fc.constantFrom(...'HfABCDGd@PLMXSTEFbIZ'),
      )
      .map(([a, b, final]) => `\x1b[${a};${b}${final}`),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom('J', 'K')).map(([a, f]) => `\x1b[${a}${f}`),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(
        '0',
        '1',
        '2',
        '3',
        '4',
        '4:3',
        '5',
        '7',
        '8',
        '9',
        '53',
        '31',
        '42',
        '97',
        '103',
        '38;5;200',
        '48;5;17',
        '38;2;1;2;3',
        '48;2;9;8;7',
        '58;5;3',
        '58:2::1:2:3',
        '22',
        '24',
        '27',
        '39',
        '49',
      )
      .map((sgr) => `\x1b[${sgr}m`),
  },
  { weight: 2, arbitrary: fc.constantFrom('\x1b[2;3r', '\x1b[r', '\x1b[1;2r', '\x1b7', '\x1b8', '\x1b[s', '\x1b[u') },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          '?1',
          '?6',
          '?7',
          '?9',
          '?25',
          '?45',
          '?47',
          '?66',
          '?1000',
          '?1002',
          '?1003',
          '?1004',
          '?1006',
          '?1016',
          '?1047',
          '?1049',
          '?2004',
          '4',
        ),
        fc.constantFrom('h', 'l'),
      )
      .map(([mode, set]) => `\x1b[${mode}${set}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\x1b(0',
      '\x1b(B',
      '\x1b)0',
      '\x0e',
      '\x0f',
      '\x1b[3 q',
      '\x1b[6 q',
      '\x1b[0 q',
      '\x1b[1"q',
      '\x1b[0"q',
      '\x1b[!p',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '\x1b]0;title\x07',
      '\x1b]2;other\x1b\\',
      '\x1b]8;;https://example.org\x1b\\',
      '\x1b]8;id=a;https://example.org/a\x07',
      '\x1b]8;;\x1b\\',
    ),
  },
);

describe('a snapshot and the rest are the whole', () => {
  test.each([
    ['a plain screen', 'hello\r\nworld'],
    ['a wrapped line', 'abcdefghijklmnop\r\nx'],
    ['a full line that waits to wrap', 'abcdefghij'],
    ['a wide character at the edge', 'abcdefghi世界'],
    ['a combining character behind the cut', 'e\u0301\u0302x'],
    ['REP', 'a\x1b[5b'],
    ['colours to the line end', '\x1b[44mab\x1b[K\r\nx\x1b[0m'],
    ['the alternate buffer and back', 'normal\x1b[?1049halt\x1b[2;2Hmore\x1b[?1049lback'],
    ['a scroll region', '1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\r\n\r\nx'],
    ['origin mode', '\x1b[2;4r\x1b[?6h\x1b[1;3Hxyz'],
    ['tab stops', '\x1b[3g\x1b[4G\x1bH\ra\tb'],
    ['line drawing', '\x1b(0lqqk\x1b(B plain \x1b)0\x0exx\x0fq'],
    ['saved cursor with a style', '\x1b[2;3H\x1b[31m\x1b7\x1b[0m\x1b[4;1Hdown\x1b8red'],
    ['modes', '\x1b[?1h\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?25l\x1b[4hins\x1b[2Dx'],
    ['links', 'a\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\b'],
    ['a protected cell', '\x1b[1"qkeep\x1b[0"qgo\x1b[?2J'],
    ['underlines', '\x1b[4:3m\x1b[58:2::1:2:3mcurly\x1b[0m'],
  ])('%s, cut at each byte', async (_, text) => {
    const length = Buffer.byteLength(text);
    for (let at = 0; at <= length; at++) await cut(text, at);
  });

  test('1,000 lines of scrollback', async () => {
    const lines = Array.from({ length: 1500 }, (_, i) => `line ${i} ${'x'.repeat(i % 14)}`).join('\r\n');
    await cut(lines, Math.floor(lines.length * 0.9));
    await cut(lines, 300);
  });

  test.each([1, 7, 42, 1000])('any sequences, cut anywhere (seed %i)', async (seed) => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 2, max: 5 }),
        fc.array(sequences, { maxLength: 30 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (cols, rows, parts, where) => {
          const text = parts.join('');
          await cut(text, Math.floor(Buffer.byteLength(text) * where), cols, rows);
        },
      ),
      { numRuns: 60, seed },
    );
  });

  test('any bytes, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), async (first, second) => {
        await compare(10, 4, [{ bytes: first }], [{ bytes: second }]);
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  test('sizes that change', async () => {
    const steps: Step[] = [
      { bytes: Buffer.from('abcdefghijklmnopqrstuvwxyz\r\n世界') },
      { cols: 7, rows: 3 },
      { bytes: Buffer.from('more\x1b[') },
      { cols: 20, rows: 6 },
    ];
    for (let at = 0; at <= steps.length; at++)
      await compare(10, 4, steps.slice(0, at), [...steps.slice(at), { bytes: Buffer.from('31mred') }]);
  });

  test('the letters of character sets are found', async () => {
    expect([...(await charsetLetters()).values()]).toContain('0');
  });
});
