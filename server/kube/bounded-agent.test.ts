/** Clusters whose address answers nothing, at each step on the way to them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import type { AddressRules } from './addresses.ts';
import { KubeClient } from './client.ts';
import { openConnection } from './connection.ts';

const WITHIN_MS = 300;

/** What the portal's own client is told of a cluster at this address. */
async function refusal(server: string, rules: AddressRules = { allowPrivate: true }): Promise<unknown> {
  using connection = openConnection(
    {
      id: 'c',
      name: 'silent',
      namespace: 'n',
      actAs: 'account',
      address: { server, ca: '', tlsServerName: null },
      credential: { kind: 'token', token: 't' },
    },
    rules,
    WITHIN_MS,
  );
  return await new KubeClient(connection).send({ method: 'GET', path: '/version' }).catch((error: unknown) => error);
}

test('it takes connections, and answers no handshake', async () => {
  const held: Socket[] = [];
  const listener = createServer((socket) => held.push(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  expect(await refusal(`https://127.0.0.1:${port}`)).toMatchObject({
    code: 'cluster-unreachable',
    status: 503,
    message:
      'The cluster silent cannot be reached: its address took the connection, but did not answer the TLS handshake within 0.3 s.',
    next: expect.stringContaining('load balancer'),
    meta: { cluster: 'silent', step: 'handshake' },
  });
  expect(held).toHaveLength(1);
  // Given up at both ends.
  if (!held[0]!.closed) await once(held[0]!.resume(), 'close');
  listener.close();
});

test('it takes no connection', async () => {
  // A process that listens and never accepts, whose queue of one is full: further SYNs are dropped.
  const stuck = spawn(process.execPath, [
    '-e',
    `const server = require('node:net').createServer();
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`,
  ]);
  const waiting: Socket[] = [];
  try {
    const [said] = (await once(stuck.stdout, 'data')) as [Buffer];
    const port = Number(said.toString());
    for (let at = 0; at < 4; at++) waiting.push(connect(port, '127.0.0.1').on('error', () => {}));
    await Promise.all(waiting.slice(0, 2).map((socket) => once(socket, 'connect')));
    expect(await refusal(`https://127.0.0.1:${port}`)).toMatchObject({
      code: 'cluster-unreachable',
      message: expect.stringContaining('its address did not take the connection within 0.3 s.'),
      meta: { step: 'connection' },
    });
  } finally {
    for (const socket of waiting) socket.destroy();
    stuck.kill('SIGKILL');
  }
});

test('its name is not resolved', async () => {
  expect(await refusal('https://cluster.example', { allowPrivate: true, resolveName: () => {} })).toMatchObject({
    code: 'cluster-unreachable',
    message: expect.stringContaining('its name did not resolve within 0.3 s.'),
    meta: { step: 'name' },
  });
});
