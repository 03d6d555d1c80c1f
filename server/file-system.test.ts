import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { isOwnFileSystem, liesInOwnFileSystem } from './file-system.ts';

// linux/magic.h
test.each([
  ['nfs', 0x6969],
  ['cifs', 0xff534d42],
  ['smb2', 0xfe534d42],
  ['9p', 0x01021997],
  ['ceph', 0x00c36400],
  ['afs', 0x5346414f],
  ['fuse', 0x65735546],
  ['one that came later', 0x12345678],
])('%s waits for somebody else', (_, type) => {
  expect(isOwnFileSystem(type)).toBe(false);
});

test.each([
  ['ext4', 0xef53],
  ['xfs', 0x58465342],
  ['tmpfs', 0x01021994],
])('%s does not', (_, type) => {
  expect(isOwnFileSystem(type)).toBe(true);
});

test('of real folders', async () => {
  expect(await liesInOwnFileSystem(tmpdir())).toBe(true);
  expect(await liesInOwnFileSystem('/proc')).toBe(false);
});
