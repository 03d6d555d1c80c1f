/** A cluster that proves who it is, and then answers the portal's own calls as an attacker would. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from '../../e2e/cluster/certificates.ts';
import { SessionAccounts } from './accounts.ts';
import { KubeClient } from './client.ts';
import { openConnection, type ClusterConnection } from './connection.ts';
import { probe } from './probe.ts';

let folder: string;
let server: Server;
let connection: ClusterConnection;
let client: KubeClient;
let behave: (request: IncomingMessage, response: ServerResponse) => void;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-hostile-'));
  await makeCertificates(folder, { server: { commonName: 'hostile', hosts: ['127.0.0.1'] } });
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  server = createServer({ cert: await read('server.crt'), key: await read('server.key') }, (request, response) => {
    response.on('error', () => {});
    behave(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  connection = openConnection(
    {
      id: 'hostile',
      name: 'hostile',
      namespace: 'sallyport',
      actAs: 'account',
      address: { server: address, ca: await read('ca.crt'), tlsServerName: null },
      credential: { kind: 'token', token: 'the-portals-own' },
    },
    { allowPrivate: true },
  );
  client = new KubeClient(connection);
});
afterAll(async () => {
  connection[Symbol.dispose]();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const says = (status: number, body: unknown) => {
  behave = (_, response) => response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
};
const look = () => probe(client, 'sallyport', null, 'account');

describe('an answer', () => {
  test.each<[string, (response: ServerResponse) => void]>([
    ['without end', (response) => endless(response)],
    ['whose length is a lie', (response) => response.writeHead(200, { 'content-length': '99999999999' }).write('{}')],
    ['that trickles', (response) => trickle(response, '{"gitVersion":"v1')],
    ['whose headers trickle', ({ socket }) => void socket!.write('HTTP/1.1 200 OK\r\nx: ')],
    ['whose headers do not end', ({ socket }) => void socket!.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`)],
    ['of many interim ones', ({ socket }) => void socket!.write('HTTP/1.1 103 Hints\r\n\r\n'.repeat(10_000))],
    ['with two lengths', ({ socket }) => void socket!.write(`HTTP/1.1 200 OK\r\n${TWO_LENGTHS}\r\n\r\n{}`)],
    ['that changes protocols unasked', ({ socket }) => void socket!.write(`HTTP/1.1 101 Sure\r\n${CHANGED}\r\n\r\n`)],
  ])('%s is a failure in words, in time', async (_what, answer) => {
    behave = (_, response) => answer(response);
    const before = process.memoryUsage().rss;
    await expect(client.send({ method: 'GET', path: '/version', timeoutMs: 500 })).rejects.toMatchObject({
      code: expect.stringMatching(/^cluster-(timeout|unreachable)$/),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024);
  });

  test('that redirects is not followed: the portal’s credential goes nowhere else', async () => {
    const asked: string[] = [];
    behave = (request, response) => {
      asked.push(request.url!);
      response.writeHead(307, { location: '/elsewhere' }).end();
    };
    expect(await client.send({ method: 'GET', path: '/version' })).toMatchObject({ status: 307 });
    await expect(client.json({ method: 'GET', path: '/version' })).rejects.toMatchObject({ code: 'cluster-refused' });
    expect(asked).toEqual(['/version', '/version']);
  });

  test.each([
    ['nothing', {}],
    ['an object', { gitVersion: { toString: 'x' } }],
    ['a list', { gitVersion: ['v1.36.3'] }],
    ['far too much', { gitVersion: 'v'.repeat(100_000) }],
    ['a turned direction', { gitVersion: 'v1.36.3\u202egpj' }],
    ['null for an object', null],
    ['a list for an object', '[]'],
    ['a page', '<h1>It works!</h1>'],
  ])('with %s for a version is no cluster’s', async (_what, body) => {
    says(200, body);
    expect(await look()).toMatchObject({ ok: false, version: null, message: expect.stringContaining('no Kubernetes') });
  });

  test.each([
    ['long', 'x'.repeat(1_000_000)],
    ['that ends lines and turns their direction', 'good\r\n\u001b[2Jlevel=error \u202egnp.exe'],
  ])('with a message %s is shown in short, as one line', async (_what, message) => {
    says(403, { message });
    const shown = (await look()).message!;
    expect(shown.length).toBeLessThan(1_000);
    expect(shown).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe('for a session’s account', () => {
  const accounts = () =>
    new SessionAccounts({
      portalId: 'p',
      cluster: async () => ({ client, namespace: 'sallyport', actAs: 'account' }),
      now: () => new Date(),
    });
  const expirationTimestamp = new Date(Date.now() + 600_000).toISOString();

  test.each([
    ['nothing', {}],
    ['an end alone', { status: { expirationTimestamp } }],
    ['a number', { status: { token: 7, expirationTimestamp } }],
    ['an empty word', { status: { token: '', expirationTimestamp } }],
    ['a header behind it', { status: { token: 'a\r\nImpersonate-User: root', expirationTimestamp } }],
    ['far too much', { status: { token: 'x'.repeat(100_000), expirationTimestamp } }],
    ['one that ends never', { status: { token: 'a.b.c', expirationTimestamp: 'never' } }],
    ['one without an end', { status: { token: 'a.b.c' } }],
    ['one of an endless life', { spec: { expirationSeconds: 1e300 }, status: { token: 'a.b.c', expirationTimestamp } }],
    ['one of no life', { spec: { expirationSeconds: 0 }, status: { token: 'a.b.c', expirationTimestamp } }],
  ])('%s is no token, and said as what it is', async (_what, body) => {
    says(201, body);
    await expect(accounts().renew('hostile', 'sp-x', 600_000)).rejects.toMatchObject({ code: 'cluster-refused' });
  });

  test.each([
    ['hours behind', -5 * 3_600_000],
    ['hours ahead', 5 * 3_600_000],
  ])('a token of a cluster whose clock is %s lives as long as was granted, by ours', async (_what, skew) => {
    const before = Date.now();
    says(201, {
      // Less than was asked for.
      spec: { expirationSeconds: 1_200 },
      status: { token: 'a.b.c', expirationTimestamp: new Date(before + skew + 1_200_000).toISOString() },
    });
    const { expiresAt } = await accounts().renew('hostile', 'sp-x', 3_600_000);
    expect(expiresAt.getTime()).toBeGreaterThanOrEqual(before + 1_200_000);
    expect(expiresAt.getTime()).toBeLessThanOrEqual(Date.now() + 1_200_000);
  });

  test.each([[{}], [{ items: 'x' }], [{ items: [{}] }], [{ items: [null] }]])('%j is no list', async (body) => {
    says(200, body);
    await expect(accounts().list('hostile')).rejects.toMatchObject({ code: 'cluster-refused' });
  });

  test('what carries the portal’s label and no session of ours is nobody’s account', async () => {
    const labels = (session: string) => ({ 'sallyport.dev/portal': 'p', 'sallyport.dev/session': session });
    says(200, {
      items: ['not-a-session', "'; drop table users; --", '', '../..'].map((session) => ({
        metadata: { name: 'planted', namespace: 'default', labels: labels(session) },
      })),
    });
    expect(await accounts().list('hostile')).toEqual([]);
  });
});

const TWO_LENGTHS = 'content-length: 2\r\ncontent-length: 40';
const CHANGED = 'connection: upgrade\r\nupgrade: x';

function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(64 * 1024, ' ');
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  more();
}

/** A byte now and then: never silent for long. */
function trickle(response: ServerResponse, text: string): void {
  response.write(text);
  const timer = setInterval(() => response.write('.'), 20);
  response.once('close', () => clearInterval(timer));
}
