import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { listenerOn } from './listener.ts';
import { freePort, portIsFree } from './ports.ts';

test('names the process that listens on a port', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(listenerOn(port)).toBe(`node (pid ${process.pid})`);
  expect(await portIsFree(port)).toBe(false);
  server.close();
  await once(server, 'close');
  expect(listenerOn(port)).toBeUndefined();
  expect(await portIsFree(port)).toBe(true);
});

test('free ports lie below those that the kernel gives to clients', async () => {
  const port = await freePort();
  expect(port).toBeGreaterThanOrEqual(20_000);
  expect(port).toBeLessThan(30_000);
});
