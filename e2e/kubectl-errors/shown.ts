/** What kubectl makes of a call that is refused: whether the sentence is shown, and what must never be. */
import { expect } from 'vitest';
import type { Running } from '../own-tools.ts';

/**
 * `shown`: in kubectl's own error. `warning`: there it is dropped for words of kubectl's, and shown above them by a
 * Warning header. `lost`: nowhere.
 */
export type Shown = 'shown' | 'warning' | 'lost';

export type Seen = {
  shown: Shown;
  /** kubectl's own last words: what stands in the sentence's place where that is dropped. */
  own: string;
  /** Lines with the sentence, the warning aside. */
  times: number;
};

/** Past what kubectl takes when it tries again by itself, 50 s, and what the gateway gives a cluster that hangs, 90 s. */
const BOUND_MS = 120_000;

/**
 * Runs to its end. Throws where that does not come, or comes as a success, as a stack, or as "unknown" although there
 * would have been words.
 */
export async function seen(running: Running, sentence: RegExp, what: string): Promise<Seen> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    running.child.kill('SIGKILL');
  }, BOUND_MS);
  const { code, stdout, stderr } = await running.ended;
  clearTimeout(timer);
  const output = plain(`${stdout}\n${stderr}`);
  const lines = output.split('\n').filter((line) => line !== '');
  const warned = lines.some((line) => line.startsWith('Warning: ') && sentence.test(line));
  const times = lines.filter((line) => !line.startsWith('Warning: ') && sentence.test(line)).length;
  const shown: Shown = times > 0 ? 'shown' : warned ? 'warning' : 'lost';
  const facts = {
    late,
    failed: code !== 0,
    stack: /goroutine \d|panic: /.test(output),
    unknown: /\bunknown\b/i.test(output.replaceAll(UNAVOIDABLE, '')),
  };
  expect(facts, `${what}\n${output}`).toEqual({ late: false, failed: true, stack: false, unknown: false });
  return { shown, own: lastWords(output), times };
}

/** What kubectl itself says of it in the end. */
export function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => /^error\b/i.test(line));
  return lines.at(-1) ?? '';
}

/** Of client-go's, on discovery with 400, whatever the answer's shape. */
const UNAVOIDABLE = 'the server rejected our request for an unknown reason';

/** As a header has the sentence: kubectl's warnings are compared with its errors. */
function plain(text: string): string {
  return text.replaceAll(/[‘’]/g, "'").replaceAll(/[“”]/g, '"');
}
