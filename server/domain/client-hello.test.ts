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
    expect(readClientHello(named)).toEqual({ serverName: 'charts.example.com', hidden: false });
  });

  test('without a name', async () => {
    expect(readClientHello(await helloFor(undefined))).toEqual({ serverName: null, hidden: false });
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
    expect(readClientHello(Buffer.concat(records))).toEqual({ serverName: 'charts.example.com', hidden: false });
  });

  /** Extensions beside those that it has. */
  function withExtension(type: number, body: Buffer, hello = named): Buffer {
    const head = Buffer.from([type >> 8, type & 255, body.length >> 8, body.length & 255]);
    const out = Buffer.concat([hello, head, body]);
    const more = head.length + body.length;
    let at = 5 + 4 + 2 + 32;
    at += 1 + out.readUInt8(at);
    at += 2 + out.readUInt16BE(at);
    at += 1 + out.readUInt8(at);
    for (const where of [3, 7, at]) out.writeUInt16BE(out.readUInt16BE(where) + more, where);
    return out;
  }
  const name = (host: string) =>
    Buffer.concat([Buffer.from([0, host.length >> 8, host.length & 255]), Buffer.from(host)]);
  const list = (...names: Buffer[]) => {
    const size = names.reduce((sum, { length }) => sum + length, 0);
    return Buffer.concat([Buffer.from([size >> 8, size & 255]), ...names]);
  };

  test('that says a second name is none: the server might take that one', () => {
    expect(withExtension(0x1234, Buffer.from('x')).length).toBe(named.length + 5);
    expect(readClientHello(withExtension(0x1234, Buffer.from('x')))).toEqual(readClientHello(named));
    expect(readClientHello(withExtension(0, list(name('evil.example'))))).toBe('not-tls');
    expect(readClientHello(withExtension(0, list(name('charts.example.com'))))).toBe('not-tls');
  });

  test('whose one list has two names is none either', async () => {
    const bare = await helloFor(undefined);
    const body = list(name('charts.example.com'), name('evil.example'));
    expect(readClientHello(withExtension(0, list(name('charts.example.com')), bare))).toMatchObject({
      serverName: 'charts.example.com',
    });
    expect(readClientHello(withExtension(0, body, bare))).toBe('not-tls');
  });

  test('with a name that only the server can read says so (ECH)', () => {
    expect(readClientHello(withExtension(0xfe0d, Buffer.alloc(200)))).toEqual({
      serverName: 'charts.example.com',
      hidden: true,
    });
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
