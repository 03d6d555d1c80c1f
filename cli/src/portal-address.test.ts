import { expect, test } from 'vitest';
import { portalOrigin } from './portal-address.ts';

test.each([
  ['https://portal.example.com', 'https://portal.example.com'],
  ['https://portal.example.com/', 'https://portal.example.com'],
  ['https://PORTAL.example.com:8443', 'https://portal.example.com:8443'],
  ['http://localhost:8080', 'http://localhost:8080'],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://[::1]:8080', 'http://[::1]:8080'],
  ['http://sally.localhost', 'http://sally.localhost'],
])('%s is the portal %s', (text, origin) => expect(portalOrigin(text)).toBe(origin));

test.each([
  'portal.example.com',
  'http://portal.example.com',
  'http://localhost.evil.example',
  'http://127.0.0.1.evil.example',
  'http://10.0.0.1',
  'ftp://localhost',
  'https://user:pass@portal.example.com',
  'https://portal.example.com/path',
  'https://portal.example.com?x',
  'file:///etc/passwd',
  '',
])('%j is refused as a wrong use', (text) =>
  expect(() => portalOrigin(text)).toThrow(expect.objectContaining({ name: 'Failure', exitCode: 2 })),
);
