import { expect, test } from 'vitest';
import { clipboardWrite } from './osc52.ts';

test.each([
  ['c;aGVsbG8=', 'hello'],
  [';w6nDqQ==', 'éé'],
  ['c;?', null],
  ['c;', null],
  ['c;%%%', null],
  ['c;/w==', null],
  ['aGVsbG8=', null],
])('%j asks for %j', (data, text) => expect(clipboardWrite(data)).toBe(text));
