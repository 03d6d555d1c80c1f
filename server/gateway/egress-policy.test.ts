import { describe, expect, test } from 'vitest';
import { EgressPolicy, parseAuthority } from './egress-policy.ts';

describe('allow-list', () => {
  const policy = new EgressPolicy([
    'charts.example.com',
    '*.internal.example:8443',
    'plain.example:80',
    '10.1.2.3',
    'any.example:*',
    '[fd00::1]:443',
  ]);
  test.each([
    ['charts.example.com', 443, true],
    ['charts.example.com', 80, false],
    ['charts.example.com', 8443, false],
    ['evil-charts.example.com', 443, false],
    ['charts.example.com.evil.test', 443, false],
    ['sub.charts.example.com', 443, false],
    ['a.internal.example', 8443, true],
    ['a.b.internal.example', 8443, true],
    ['internal.example', 8443, false],
    ['evilinternal.example', 8443, false],
    ['plain.example', 80, true],
    ['plain.example', 443, false],
    ['10.1.2.3', 443, true],
    ['10.1.2.4', 443, false],
    ['any.example', 5000, true],
    ['fd00::1', 443, true],
  ])('%s:%d %s', (host, port, wanted) => {
    expect(policy.allows({ host, port })).toBe(wanted);
  });

  test('nothing by default', () => {
    expect(new EgressPolicy([]).allows({ host: 'example.com', port: 443 })).toBe(false);
  });

  test.each([
    'https://example.com',
    '*',
    '*.',
    'a b',
    'example.com:0',
    'example.com:99999',
    '*.*.example',
    '-x.example',
    '',
  ])('"%s" is no pattern', (entry) => {
    expect(() => new EgressPolicy([entry])).toThrow(RangeError);
  });
});

test.each([
  ['Example.COM:443', { host: 'example.com', port: 443 }],
  ['example.com.:443', { host: 'example.com', port: 443 }],
  ['[::1]:443', { host: '::1', port: 443 }],
  ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
  ['2130706433:80', null],
  ['0x7f.1:80', null],
  ['0177.0.0.1:80', null],
  ['127.1:80', null],
  ['example.com', null],
  ['example.com:0', null],
  ['example.com:70000', null],
  ['user@example.com:443', null],
  ['example.com/x:443', null],
  ['ex ample.com:443', null],
  ['example.com:443\r\nX: y', null],
  ['', null],
])('CONNECT %s', (authority, wanted) => {
  expect(parseAuthority(authority)).toEqual(wanted);
});
