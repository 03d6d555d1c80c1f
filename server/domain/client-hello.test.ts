import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readClientHello } from './client-hello.ts';

/** The first flight of a real TLS client. */
async function helloFor(servername: string | undefined): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    servername,
    rejectUnauthorized: false,
  });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

let named: Buffer;
beforeAll(async () => {
  named = await helloFor('charts.example.com');
});

describe('a ClientHello', () => {
  test('says whom it greets', () => {
    expect(readClientHello(named)).toEqual({ serverName: 'charts.example.com' });
  });

  test('without a name', async () => {
    expect(readClientHello(await helloFor(undefined))).toEqual({ serverName: null });
  });

  test('is read whatever its chunks are', () => {
    for (let size = 0; size < named.length; size++) expect(readClientHello(named.subarray(0, size))).toBe('incomplete');
  });

  test('is read across records', () => {
    const body = named.subarray(5);
    const records: Buffer[] = [];
    for (let at = 0; at < body.length; at += 50) {
      const part = body.subarray(at, at + 50);
      records.push(Buffer.from([0x16, 3, 1, 0, part.length]), part);
    }
    expect(readClientHello(Buffer.concat(records))).toEqual({ serverName: 'charts.example.com' });
  });

  test('is nothing else, and never throws', () => {
    expect(readClientHello(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBe('not-tls');
    expect(readClientHello(Buffer.from('SSH-2.0-x\r\n'))).toBe('not-tls');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(named.length - 1), (noise, at) => {
        readClientHello(Buffer.from(noise));
        const changed = Buffer.from(named);
        changed.set(noise.subarray(0, changed.length - at), at);
        readClientHello(changed);
      }),
    );
  });
});
