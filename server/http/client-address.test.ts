import { expect, test } from 'vitest';
import { addressRanges } from '../address-ranges.ts';
import { clientAddress } from './client-address.ts';

const none = addressRanges([]);
const some = addressRanges(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1']);

test.each([
  ['203.0.113.9', '1.2.3.4', none, '203.0.113.9'],
  ['203.0.113.9', '1.2.3.4', some, '203.0.113.9'],
  ['10.1.1.1', '1.2.3.4', some, '1.2.3.4'],
  ['::ffff:10.1.1.1', '1.2.3.4', some, '1.2.3.4'],
  // What stands left of the first untrusted hop was written by that hop.
  ['10.1.1.1', '6.6.6.6, 1.2.3.4', some, '1.2.3.4'],
  ['10.1.1.1', '6.6.6.6, 1.2.3.4, 10.2.2.2', some, '1.2.3.4'],
  ['10.1.1.1', '10.3.3.3, 10.2.2.2', some, '10.3.3.3'],
  ['10.1.1.1', 'unknown', some, '10.1.1.1'],
  ['10.1.1.1', '1.2.3.4, <script>', some, '10.1.1.1'],
  ['2001:db8::5', '2001:470::7', some, '2001:470::7'],
  ['192.0.2.1', undefined, some, '192.0.2.1'],
])('peer %s saying %s is %s', (peer, forwarded, trusted, expected) => {
  expect(clientAddress(peer, forwarded, trusted)).toBe(expected);
});

test.each(['10.0.0.0/33', 'proxy.example', '10.0.0.0/', '10.0.0.0/x', '::/129', ''])('%s is no network', (cidr) => {
  expect(() => addressRanges([cidr])).toThrow(RangeError);
});
