import { expect, test } from 'vitest';
import { canonicalAddress, classifyAddress } from './addresses.ts';

test.each([
  ['8.8.8.8', 'public'],
  ['10.0.0.1', 'private'],
  ['172.15.255.255', 'public'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.1.1', 'private'],
  ['100.64.0.1', 'private'],
  ['100.100.100.200', 'link-local'],
  ['127.0.0.1', 'loopback'],
  ['127.255.1.2', 'loopback'],
  ['0.0.0.0', 'reserved'],
  ['169.254.169.254', 'link-local'],
  ['168.63.129.16', 'link-local'],
  ['192.0.0.192', 'link-local'],
  ['224.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['::', 'reserved'],
  ['::1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::127.0.0.1', 'loopback'],
  ['::ffff:169.254.169.254', 'link-local'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['64:ff9b::8.8.8.8', 'public'],
  ['::ffff:0:127.0.0.1', 'loopback'],
  ['64:ff9b:1::a9fe:a9fe', 'link-local'],
  ['2002:7f00:1::', 'loopback'],
  ['2002:a9fe:a9fe::1', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['fd00:ec2::254', 'link-local'],
  ['fd20:ce::254', 'link-local'],
  ['fd12:3456::1', 'private'],
  ['fc00::1', 'private'],
  ['ff02::1', 'reserved'],
  ['2606:4700:4700::1111', 'public'],
])('%s is %s', (address, wanted) => {
  expect(classifyAddress(address)).toBe(wanted);
});

test.each([
  '',
  'localhost',
  '127.1',
  '0177.0.0.1',
  '0x7f.0.0.1',
  '2130706433',
  '1.2.3.4.5',
  ':::',
  '1::2::3',
  '256.1.1.1',
])('%s is no address', (text) => {
  expect(() => classifyAddress(text)).toThrow(RangeError);
  expect(() => canonicalAddress(text)).toThrow(RangeError);
});

test.each([
  [['10.0.0.5', '::ffff:10.0.0.5', '::ffff:a00:5', '0:0:0:0:0:FFFF:0A00:0005', '::10.0.0.5', '2002:a00:5::1']],
  [['2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8:0::1', '2001:db8::0.0.0.1']],
  [['::1', '0:0:0:0:0:0:0:1', '::0001']],
])('%j are one address', (spellings) => {
  expect(new Set(spellings.map(canonicalAddress)).size).toBe(1);
});
