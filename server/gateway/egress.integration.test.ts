/** The way out of a sandbox, with curl through the proxy to servers of this machine. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { once } from 'node:events';
import { connect, createServer as createTcp, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminConnection, TestGateway, type TestSession } from '../../e2e/gateway.ts';
import { testCluster } from '../../e2e/use.ts';
import { KubeClient } from '../kube/client.ts';
import { systemResolver } from './egress-addresses.ts';
import { Authority, createAuthority } from './authority.ts';

let gateway: TestGateway;
let session: TestSession;
let folder: string;
let address: string;
let host: string;
const servers: Server[] = [];
let lookups = 0;
const ports = { https: 0, http: 0, other: 0 };

/** Answers that no server gives: by path, as they are on the wire. */
const lies: Record<string, string> = {
  'status-below-any': 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nno',
  'status-zero': 'HTTP/1.1 000 Nil\r\nContent-Length: 2\r\n\r\nno',
  'another-protocol': 'HTTP/1.1 101 Sure\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nno',
  'another-protocol-unnamed': 'HTTP/1.1 101 Sure\r\n\r\nno',
  'interim-only': 'HTTP/1.1 103 Hints\r\n\r\n'.repeat(1_000),
  'two-lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\nno',
  'no-http': 'SSH-2.0-OpenSSH_9.2\r\n',
};

/** This machine under an address that is not loopback: the bridge of the test cluster's node. */
async function nodeAddress(): Promise<string> {
  using connection = await adminConnection('default');
  const path = '/api/v1/nodes';
  const { items } = await new KubeClient(connection).json<{
    items: { status: { addresses: { type: string; address: string }[] } }[];
  }>({ method: 'GET', path });
  return items[0]!.status.addresses.find(({ type }) => type === 'InternalIP')!.address;
}

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  const cluster = new URL((await testCluster()).server);
  address = await nodeAddress();
  host = `${address.replaceAll('.', '-')}.allowed.test`;
  folder = await mkdtemp(join(tmpdir(), 'sallyport-egress-'));
  const keys = await createAuthority(new Date());
  const { certificate, key } = await (await Authority.open(keys, () => new Date())).issueServingCertificate();
  await writeFile(join(folder, 'ca.pem'), keys.certificate);
  ports.https = await listen(
    createHttps({ cert: certificate, key }, (_, response) => response.end('over tls')) as never,
  );
  ports.http = await listen(
    createHttp((request, response) => {
      const liar = lies[request.url!.slice(1)];
      if (liar !== undefined) return void request.socket.end(liar, 'latin1');
      if (request.url === '/away') response.writeHead(302, { location: 'http://169.254.169.254/latest/' });
      response.end(JSON.stringify({ url: request.url, headers: request.headers }));
    }),
  );
  ports.other = await listen(createHttp((_, response) => response.end('not for you')));
  gateway = await TestGateway.start({
    egress: {
      allow: [
        `${address}:${ports.https}`,
        `${address}:${ports.http}`,
        `localhost:${ports.http}`,
        `127.0.0.1:${cluster.port}`,
        `${address}:${cluster.port}`,
        '169.254.169.254:80',
        `no-such-name.invalid`,
        `rebinding.test:${ports.http}`,
        `ip6-localhost:443`,
      ],
      privateRanges: [`${address}/32`],
      // A name that is good once: the attacker's resolver answers the second time with loopback.
      resolveName: async (name) =>
        name === 'rebinding.test' ? [lookups++ === 0 ? address : '127.0.0.1'] : systemResolver(name),
      apiServers: async () => [{ host: address, port: Number(cluster.port) }],
    },
  });
  session = await gateway.session();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

function curl(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const all = ['-sS', '--noproxy', '', '-x', `http://127.0.0.1:${session.port}`, ...args];
    execFile('curl', all, (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }));
  });
}

async function events(code: string) {
  await gateway.audit.flush();
  return gateway.rows.filter((row) => row.code === code).map(({ detail }) => detail);
}

/** A CONNECT by hand; what comes back until the connection closes. */
async function tunnel(target: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(session.port, '127.0.0.1');
  socket.on('error', () => {});
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  if (bytes.length > 0) {
    await expect.poll(() => text).not.toBe('');
    socket.write(bytes);
  }
  await once(socket, 'close');
  return text;
}

describe('allowed', () => {
  test('plain HTTP: the path is asked for, the proxy is not seen', async () => {
    const { out } = await curl(`http://${address}:${ports.http}/a?b=c`, '-H', 'Proxy-Authorization: Basic x');
    const { url, headers } = JSON.parse(out) as { url: string; headers: Record<string, string> };
    expect(url).toBe('/a?b=c');
    expect(headers['host']).toBe(`${address}:${ports.http}`);
    expect(headers).not.toHaveProperty('proxy-authorization');
    expect(headers).not.toHaveProperty('proxy-connection');
  });

  test('a name that is resolved once: what was looked at is dialled, the next one is looked at again', async () => {
    const { out } = await curl(`http://rebinding.test:${ports.http}/first`);
    expect(out).toContain('/first');
    expect(lookups).toBe(1);
    expect((await curl(`http://rebinding.test:${ports.http}/second`)).out).toContain(
      'the machine that the portal runs on',
    );
  });

  test('a redirect is the client’s to follow, and is looked at as any other', async () => {
    const { out } = await curl('-L', '-D', '-', `http://${address}:${ports.http}/away`);
    expect(out).toMatch(/302 Found[\s\S]*HTTP\/1.1 403 .*where metadata services are/);
  });

  test('TLS to an address, end to end, on record with its bytes', async () => {
    const { out } = await curl('-k', `https://${address}:${ports.https}/`);
    expect(out).toBe('over tls');
    await expect
      .poll(() => events('egress.closed'))
      .toContainEqual(
        expect.objectContaining({
          host: address,
          port: ports.https,
          method: 'CONNECT',
          receivedBytes: expect.any(Number),
        }),
      );
    expect(await events('egress.opened')).toContainEqual(expect.objectContaining({ host: address, port: ports.https }));
  });
});

describe('refused, with a sentence and on record', () => {
  test.each([
    ['a host that is not on the list', () => `https://example.com/`, 'egress-refused'],
    ['a port that is not on the list', () => `https://${address}:${ports.other}/`, 'egress-refused'],
    ['plain HTTP that is not on the list', () => `http://${address}:${ports.other}/`, 'egress-refused'],
    ['loopback by name, though on the list', () => `http://localhost:${ports.http}/`, 'egress-address-refused'],
    ['metadata, though on the list', () => 'http://169.254.169.254/latest/meta-data/', 'egress-address-refused'],
    [
      'a registered API server, though on the list',
      async () => `https://${address}:${new URL((await testCluster()).server).port}/`,
      'egress-address-refused',
    ],
    [
      'an API server on loopback, though on the list',
      async () => `https://127.0.0.1:${new URL((await testCluster()).server).port}/`,
      'egress-address-refused',
    ],
    ['a name that does not exist', () => 'https://no-such-name.invalid/', 'egress-unresolved'],
    ['an address in digits', () => 'https://2130706433/', 'egress-refused'],
  ])('%s', async (_, url, code) => {
    const result = await curl('-k', '-D', '-', await url());
    expect(result.out + result.err).toMatch(/40[03]|502/);
    expect((await events('egress.refused')).map(({ reason }) => reason)).toContain(code);
  });

  test('a proxied target that is no http:// address', async () => {
    const socket = connect(session.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.write('GET ftp://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    expect(text).toContain('egress-bad-target');
  });
});

describe('through an allowed tunnel', () => {
  test('only TLS is spoken', async () => {
    const text = await tunnel(`${address}:${ports.https}`, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(text).toContain('200 Connection established');
    expect(text).not.toContain('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    expect((await events('egress.refused')).map(({ reason }) => reason)).toContain('egress-not-tls');
  });

  test('the server name is the name that was asked for: another one behind the same address is not reached', async () => {
    const flight = await new Promise<Buffer>((resolve) => {
      const catcher = createTcp((socket) =>
        socket.once('data', (bytes) => (resolve(bytes), socket.destroy(), catcher.close())),
      );
      catcher.listen(0, '127.0.0.1', () => {
        const client = tlsConnect({
          port: (catcher.address() as AddressInfo).port,
          host: '127.0.0.1',
          servername: host,
        });
        client.on('error', () => {});
      });
    });
    await tunnel(`${address}:${ports.https}`, flight);
    expect((await events('egress.refused')).map(({ reason }) => reason)).toContain('egress-server-name');
  });
});

test.each(Object.keys(lies))('a server that answers with %s: an error, in time and on record', async (path) => {
  const { out } = await curl('-m', '5', '-D', '-', `http://${address}:${ports.http}/${path}`);
  expect(out).toMatch(/^HTTP\/1.1 502 /m);
  const of = { host: address, port: ports.http, method: 'GET', reason: 'egress-unreachable' };
  await expect.poll(() => events('egress.closed')).toContainEqual(expect.objectContaining(of));
});

test('an ended session goes nowhere, and its tunnels are cut', async () => {
  const mine = await gateway.session();
  const socket = connect(mine.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(`CONNECT ${address}:${ports.https} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(socket, 'data');
  const closed = once(socket, 'close');
  await gateway.end(mine.id);
  await closed;
  const again = connect(mine.port, '127.0.0.1');
  let text = '';
  again.on('data', (chunk: Buffer) => (text += chunk.toString()));
  again.write(`CONNECT ${address}:${ports.https} HTTP/1.1\r\nHost: x\r\n\r\n`);
  await once(again, 'close');
  expect(text).toContain('session-ended');
});
