import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { listenerOn } from './listener.ts';
import { freePort, keepPort, portIsFree } from './ports.ts';

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

test('a free port is given out once, to whichever process asks', async () => {
  const ask = `
    import { freePort } from ${JSON.stringify(new URL('./ports.ts', import.meta.url).href)};
    const ports = [];
    for (let n = 0; n < 20; n++) ports.push(await freePort());
    console.log(JSON.stringify(ports));
    process.stdin.resume();
  `;
  // Each lives until its end of the pipe is closed: what it was given is nobody else's so long.
  const askers = Array.from({ length: 3 }, () =>
    spawn(process.execPath, ['--input-type=module', '--eval', ask], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  try {
    const given = await Promise.all(askers.map(async ({ stdout }) => String((await once(stdout, 'data'))[0])));
    const ports = given.flatMap((line) => JSON.parse(line) as number[]);
    expect(new Set(ports).size).toBe(60);
    const [asker] = askers;
    const [first] = ports;
    expect(await keepPort(first!)).toBe(false);
    asker!.stdin.end();
    await once(asker!, 'exit');
    expect(await keepPort(first!)).toBe(true);
  } finally {
    for (const { stdin } of askers) stdin.end();
  }
});
