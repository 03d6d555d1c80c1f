import { expect, it } from 'vitest';
import { corsHeaders, isPreflight, preflightHeaders } from './cors.ts';

const named = ['https://board.example', 'http://localhost:3000'];

it.each([
  ['https://board.example', true],
  ['http://localhost:3000', true],
  [undefined, false],
  ['null', false],
  ['*', false],
  ['https://board.example:443', false],
  ['http://board.example', false],
  ['https://board.example.evil.example', false],
  ['https://evil-board.example', false],
  ['https://sub.board.example', false],
  ['HTTPS://BOARD.EXAMPLE', false],
  ['https://board.example, https://evil.example', false],
])('a page of %s is answered to: %s', (origin, answered) => {
  expect(corsHeaders(origin, named) !== null).toBe(answered);
});

it('never lets a browser send what it has by itself, nor everybody in', () => {
  for (const headers of [corsHeaders(named[0], named)!, preflightHeaders(named[0]!)]) {
    const all = new Map(headers);
    expect(all.get('access-control-allow-origin')).toBe('https://board.example');
    expect(all.has('access-control-allow-credentials')).toBe(false);
    expect(all.get('vary')).toContain('Origin');
    expect([...all.values()]).not.toContain('*');
  }
});

it('a preflight asks for a method', () => {
  const asks = { origin: named[0], 'access-control-request-method': 'POST' };
  expect(isPreflight('OPTIONS', asks)).toBe(true);
  expect(isPreflight('GET', asks)).toBe(false);
  expect(isPreflight('OPTIONS', { origin: named[0] })).toBe(false);
  expect(isPreflight('OPTIONS', { 'access-control-request-method': 'POST' })).toBe(false);
});
