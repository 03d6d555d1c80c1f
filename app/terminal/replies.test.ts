import { expect, test } from 'vitest';
import { isReply } from './replies.ts';

test.each([
  ['\x1b[?1;2c'],
  ['\x1b[>0;276;0c'],
  ['\x1b[0n'],
  ['\x1b[24;80R'],
  ['\x1b[?24;80R'],
  ['\x1b[?2004;1$y'],
  ['\x1bP1$r0m\x1b\\'],
  ['\x1b]11;rgb:0b0b/0e0e/1313\x1b\\'],
  ['\x1b[I'],
  ['\x1b[8;24;80t'],
  ['\x1b[0n\x1b[24;80R'],
])('%j is a reply', (data) => expect(isReply(data)).toBe(true));

test.each([[''], ['l'], ['ls\r'], ['\x03'], ['\x1b'], ['\x1b[A'], ['\x1bOP'], ['\x1b[15~'], ['\x1b[0nx']])(
  '%j is typing',
  (data) => expect(isReply(data)).toBe(false),
);
