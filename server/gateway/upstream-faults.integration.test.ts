/**
 * API servers that misbehave: each becomes a clear error, and nothing of one call ends up in another. Long, as a list of
 * faults is.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createServer as createListener, type AddressInfo, type Server as Listener, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestGateway, type TestSession } from '../../e2e/gateway.ts';
import { parseAnswers, rawConnect, rawExchange } from '../../e2e/raw-tls.ts';
import { openConnection } from '../kube/connection.ts';
import { Authority, createAuthority } from './authority.ts';

type Seen = { method: string; url: string; headers: string[] };

/** Short, so that nobody waits for it; long enough for a machine that is busy. */
const CONNECT_MS = 1_000;

let server: Server;
/** Takes the connections for the server, or says nothing on them. */
let front: Listener;
let silent = false;
const accepted: Socket[] = [];
let gateway: TestGateway;
let session: TestSession;
let connections = 0;
let behave: (request: IncomingMessage, response: ServerResponse) => void;
let upgrade: (request: IncomingMessage, socket: Duplex) => void;
const seen: Seen[] = [];

beforeAll(async () => {
  const keys = await createAuthority(new Date());
  const authority = await Authority.open(keys, () => new Date());
  const { certificate, key } = await authority.issueServingCertificate();
  server = createServer({ cert: certificate, key }, (request, response) => {
    seen.push({ method: request.method!, url: request.url!, headers: request.rawHeaders });
    behave(request, response);
  });
  server.on('upgrade', (request, socket) => {
    socket.on('error', () => {});
    upgrade(request, socket);
  });
  server.on('secureConnection', () => connections++);
  front = createListener((socket) => {
    accepted.push(socket);
    if (!silent) server.emit('connection', socket);
  });
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  const address = `https://127.0.0.1:${(front.address() as AddressInfo).port}`;
  const connection = openConnection(
    {
      id: 'faulty',
      name: 'faulty',
      namespace: 'sallyport',
      actAs: 'account',
      address: { server: `${address}/base`, ca: keys.certificate, tlsServerName: null },
      credential: { kind: 'token', token: 'portal' },
    },
    { allowPrivate: true },
    CONNECT_MS,
  );
  gateway = await TestGateway.start({ upstream: connection.endpoint });
  session = await gateway.session();
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  closeAll();
  front.close();
  expect(gateway.faults).toEqual([]);
});

/** The server's own method knows of none: it does not listen itself. */
function closeAll(): void {
  for (const socket of accepted.splice(0)) socket.destroy();
}

async function send(line: string, headers: string[] = []) {
  const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority);
  const all = ['Host: x', `Authorization: Bearer ${session.token}`, 'Connection: close', ...headers];
  return parseAnswers(await rawExchange(socket, `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`));
}

test('the path, the base path and our headers are what the cluster gets, and nothing else of the client', async () => {
  behave = (_, response) => response.end('ok');
  const extra = [
    'X-Remote-User: root',
    'Cookie: a=b',
    'X-Forwarded-For: 1.2.3.4',
    'Kubectl-Command: kubectl get',
    'Audit-ID: mine',
  ];
  const [answer] = await send('GET /api/v1/%70ods?limit=1', extra);
  expect(answer).toMatchObject({ status: 200 });
  const { url, headers } = seen.at(-1)!;
  expect(url).toBe('/base/api/v1/pods?limit=1');
  const names = headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  expect(names.toSorted()).toEqual(['audit-id', 'authorization', 'connection', 'host', 'kubectl-command']);
  expect(headers.join(' ')).not.toContain(session.token);
  expect(headers.join(' ')).not.toContain('mine');
});

test('what comes on an idle connection is nobody’s answer, least of all another person’s', async () => {
  // A faulty server, or a load balancer before it, that answers twice.
  const twice = (words: string) => (request: IncomingMessage) => {
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${words.length}\r\n\r\n${words}`;
    request.socket.write(answer, () => setImmediate(() => request.socket.write(answer)));
  };
  const bob = await gateway.session();
  const ask = async ({ port, token }: TestSession) => {
    const socket = await rawConnect(port, gateway.gateway.certificateAuthority);
    const head = `GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    return parseAnswers(await rawExchange(socket, head))[0]!;
  };
  for (let round = 0; round < 5; round++) {
    // A new one each time: what is still on its way to them would be their own next answer.
    const ann = await gateway.session();
    behave = twice('of ann');
    expect(await ask(ann)).toMatchObject({ status: 200, body: 'of ann' });
    behave = (_, response) => response.end('of bob');
    expect((await ask(bob)).body).toContain('of bob');
  }
});

test('what the cluster says of cross-origin requests is dropped: whose pages may call is the portal’s to say', async () => {
  behave = ({ method }, response) =>
    response
      .writeHead(method === 'POST' ? 201 : 200, {
        'Access-Control-Allow-Origin': 'https://evil.example',
        'access-control-allow-credentials': 'true',
        'ACCESS-CONTROL-EXPOSE-HEADERS': '*',
        vary: 'Accept',
      })
      .end('{"spec":{},"status":{"allowed":true}}');
  const origin = 'Origin: https://evil.example';
  for (const [status, line, headers] of [
    [200, 'GET /api/v1/namespaces/a/services/b/proxy/', [origin]],
    // One that is read and cut on its way.
    [201, 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews', [origin, 'Content-Length: 0']],
  ] as const) {
    const [answer] = await send(line, [...headers]);
    expect(answer).toMatchObject({ status });
    expect(answer!.head).toMatch(/^vary: Accept$/im);
    expect(answer!.head).not.toMatch(/access-control/i);
  }
});

describe('redirects are not followed (GitLab CVE-2018-18843)', () => {
  test.each([301, 302, 307, 308])('%i', async (status) => {
    behave = (_, response) => response.writeHead(status, { location: 'http://169.254.169.254/' }).end();
    const before = seen.length;
    const [answer] = await send('GET /api/v1/pods');
    expect(answer).toMatchObject({ status: 502 });
    expect(answer!.head).toContain('redirect-refused');
    expect(answer!.head + answer!.body).not.toContain('169.254');
    expect(seen.length).toBe(before + 1);
  });

  test('except within a proxied application', async () => {
    behave = (_, response) =>
      response.writeHead(302, { location: '/api/v1/namespaces/a/services/b/proxy/login' }).end();
    expect((await send('GET /api/v1/namespaces/a/services/b/proxy/'))[0]).toMatchObject({ status: 302 });
    behave = (_, response) => response.writeHead(302, { location: '//evil.example/' }).end();
    expect((await send('GET /api/v1/namespaces/a/services/b/proxy/'))[0]).toMatchObject({ status: 502 });
  });
});

describe('connections that break', () => {
  test('before an answer: 503 with a sentence', async () => {
    behave = (request) => request.socket.destroy();
    const [answer] = await send('POST /api/v1/namespaces/a/configmaps', ['Content-Length: 0']);
    expect(answer).toMatchObject({ status: 503 });
    expect(answer!.body).toContain('cannot be reached');
  });

  test('a read on a connection that had gone stale is asked once more, a write never', async () => {
    behave = (_, response) => response.end('ok');
    await send('GET /api/v1/pods');
    const drop = (times: number) => {
      let left = times;
      behave = (request, response) => (left-- > 0 ? request.socket.destroy() : response.end('again'));
    };
    drop(1);
    expect((await send('GET /api/v1/pods'))[0]).toMatchObject({ status: 200, body: expect.stringContaining('again') });
    drop(1);
    const before = seen.length;
    expect((await send('DELETE /api/v1/namespaces/a/pods/b'))[0]).toMatchObject({ status: 503 });
    expect(seen.length).toBe(before + 1);
  });

  test('in mid-answer: the client sees that it is not whole', async () => {
    behave = (request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('half', () => request.socket.destroy());
    };
    const [answer] = await send('GET /api/v1/pods');
    expect(answer!.status).toBe(200);
    expect(answer!.body.length).toBeLessThan(1000);
  });

  test('a client that goes away takes its call with it', async () => {
    const gone = Promise.withResolvers<void>();
    behave = (request, response) => {
      response.writeHead(200).flushHeaders();
      request.socket.once('close', () => gone.resolve());
    };
    const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority);
    socket.write(`GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${session.token}\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    await gone.promise;
    await expect.poll(() => gateway.calls.count).toBe(0);
  });
});

test('an address that takes connections and says nothing is given up in time; what has been sent there is not', async () => {
  const sent = Promise.withResolvers<ServerResponse>();
  const watched = Promise.withResolvers<ServerResponse>();
  behave = ({ url }, response) => (url!.includes('watch') ? watched : sent).resolve(response);
  const slow = send('GET /api/v1/namespaces/a/pods');
  const watch = send('GET /api/v1/pods?watch=1');
  const [late, stream] = await Promise.all([sent.promise, watched.promise]);
  stream.writeHead(200).flushHeaders();
  server.closeIdleConnections();
  silent = true;
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eA=='];
  const begun = performance.now();
  const refused = await Promise.all([
    send('GET /api/v1/pods'),
    send('DELETE /api/v1/namespaces/a/pods/b'),
    send('GET /api/v1/namespaces/a/pods/b/exec?command=sh', upgrade),
  ]);
  silent = false;
  expect(performance.now() - begun).toBeGreaterThan(CONNECT_MS - 50);
  for (const [answer] of refused) {
    expect(answer).toMatchObject({ status: 503 });
    expect(answer!.body).toContain(
      'The cluster test cannot be reached: its address took the connection, but did not answer the TLS handshake within 1 s.',
    );
  }
  late.end('slow');
  stream.end('event');
  expect((await slow)[0]).toMatchObject({ status: 200, body: expect.stringContaining('slow') });
  expect((await watch)[0]).toMatchObject({ status: 200, body: expect.stringContaining('event') });
});

/** Everything on the way fills up, little of it in the portal; `sent`: bytes. */
async function heldUp(sent: () => number): Promise<void> {
  let last = -1;
  await expect.poll(() => sent() > 0 && last === (last = sent()), { interval: 300, timeout: 20_000 }).toBe(true);
  // What lies between here and there is the kernel's, and a little of ours.
  expect(sent()).toBeLessThan(24 * 1024 * 1024);
  expect(gateway.calls.queued).toBeGreaterThan(0);
  expect(gateway.calls.queued).toBeLessThan(1024 * 1024);
}

test('a client that does not read holds the cluster up, and not the memory of the portal', async () => {
  let sent = 0;
  const finished = Promise.withResolvers<void>();
  behave = (_, response) => {
    const chunk = Buffer.alloc(256 * 1024);
    const more = () => {
      while (sent < 400 && response.write(chunk)) sent++;
      if (sent >= 400) response.end();
      else response.once('drain', () => (sent++, more()));
    };
    response.once('close', () => finished.resolve());
    more();
  };
  const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority);
  socket.pause();
  socket.write(`GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${session.token}\r\n\r\n`);
  await heldUp(() => sent * 256 * 1024);
  socket.destroy();
  await finished.promise;
});

test('a cluster that does not read holds the client up, and not the memory of the portal', async () => {
  const arrived = Promise.withResolvers<IncomingMessage>();
  behave = (request) => arrived.resolve(request);
  const chunk = Buffer.alloc(256 * 1024);
  const most = 400;
  const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority);
  const head = [
    'POST /api/v1/namespaces/a/services/b/proxy/upload HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${session.token}`,
    `Content-Length: ${most * chunk.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  let sent = 0;
  const more = () => {
    while (sent < most && socket.write(chunk)) sent++;
    if (sent < most) socket.once('drain', () => (sent++, more()));
  };
  more();
  const request = await arrived.promise;
  await heldUp(() => sent * chunk.length);
  socket.destroy();
  // Who does not read does not see the end either.
  request.on('error', () => {}).resume();
  await new Promise((resolve) => request.once('close', resolve));
  await expect.poll(() => gateway.calls.count).toBe(0);
});

describe('upgrades', () => {
  const headers = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: eA=='];
  const path = 'GET /api/v1/namespaces/a/pods/b/exec?command=sh';

  test.each([200, 400, 403, 500])('an answer of %i closes both connections (CVE-2018-1002105)', async (status) => {
    const closed = Promise.withResolvers<void>();
    upgrade = (_, socket) => {
      socket.once('close', () => closed.resolve());
      socket.write(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nno`);
    };
    const answers = await send(path, headers);
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({ status, body: 'no' });
    await closed.promise;
  });

  test('a cluster that is away before the recording stands: 503, and the portal lives', async () => {
    // Refused at once, while a file is still being made for the recording.
    const { port } = front.address() as AddressInfo;
    front.close();
    closeAll();
    const answers = await Promise.all(Array.from({ length: 12 }, () => send(path, headers)));
    front.listen(port, '127.0.0.1');
    await once(front, 'listening');
    for (const [answer] of answers) expect(answer).toMatchObject({ status: 503 });
    expect(gateway.faults).toEqual([]);
  });

  test('a redirect is refused', async () => {
    upgrade = (_, socket) =>
      void socket.write('HTTP/1.1 302 F\r\nLocation: https://evil/\r\nContent-Length: 0\r\n\r\n');
    expect((await send(path, headers))[0]).toMatchObject({ status: 502 });
  });

  test('never on a shared connection, and bytes only after 101', async () => {
    const got = Promise.withResolvers<string>();
    upgrade = (_, socket) => {
      socket.once('data', (chunk: Buffer) => got.resolve(chunk.toString()));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst');
    };
    const before = connections;
    const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority);
    const all = ['Host: x', `Authorization: Bearer ${session.token}`, ...headers];
    socket.write(`${path} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\nearly`);
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    expect(await got.promise).toBe('early');
    await expect.poll(() => text).toContain('first');
    expect(text).toContain('HTTP/1.1 101');
    expect(connections).toBe(before + 1);
    socket.destroy();
    await expect.poll(() => gateway.calls.count).toBe(0);
  });

  test('a change of protocol that nobody asked for is no answer', async () => {
    behave = (request) => {
      request.socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nsecret');
    };
    const [answer] = await send('GET /api/v1/pods');
    expect(answer).toMatchObject({ status: 503 });
    expect(answer!.body).not.toContain('secret');
  });
});

test.each([
  ['a status below any', 'HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nno'],
  ['a status of zero', 'HTTP/1.1 000 Nil\r\nContent-Length: 2\r\n\r\nno'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\nno'],
  ['another protocol, unnamed', 'HTTP/1.1 101 Sure\r\n\r\nno'],
  ['headers past any bound', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\nno`],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
])('a cluster that answers with %s: an error in words', async (_what, answer) => {
  behave = (request) => request.socket.end(answer, 'latin1');
  const [said] = await send('GET /api/v1/pods');
  expect(said).toMatchObject({ status: 503 });
  expect(said!.body).toContain('cannot be reached');
});

test('a reason phrase that nobody may write is left out', async () => {
  behave = (request) => request.socket.end('HTTP/1.1 200 \x01\x1b[2J\r\nContent-Length: 2\r\n\r\nok', 'latin1');
  const [said] = await send('GET /api/v1/pods');
  expect(said).toMatchObject({ status: 200, body: 'ok' });
  expect(said!.head).not.toContain('\x1b');
});

test('headers meant for one connection end here, on the way back too', async () => {
  behave = (_, response) =>
    response
      .writeHead(200, ['X-Hop', '1', 'Connection', 'X-Hop', 'Warning', 'a', 'Warning', 'b', 'Alt-Svc', 'h3=":1"'])
      .end('ok');
  const [answer] = await send('GET /api/v1/pods');
  expect(answer!.head).not.toMatch(/x-hop|alt-svc/i);
  expect(answer!.head.match(/warning/gi)).toHaveLength(2);
});

test('an answer in thousands of pieces goes on in fewer, whole and in order, its trailers after it', async () => {
  const pieces = Array.from({ length: 5_000 }, (_, at) => `${at};`);
  behave = (_, response) => {
    response.writeHead(200, { trailer: 'X-Sum' });
    // Past what gathers writes in Node's own server: each is a chunk on the wire.
    for (const piece of pieces) response.write(piece);
    response.addTrailers({ 'X-Sum': String(pieces.length) });
    response.end();
  };
  const [answer] = await send('GET /api/v1/pods');
  const chunks = [...answer!.body.matchAll(/([0-9a-f]+)\r\n([^\r]*)\r\n/g)].filter(([, size]) => size !== '0');
  expect(chunks.map(([, , data]) => data).join('')).toBe(pieces.join(''));
  for (const [, size, data] of chunks) expect(data).toHaveLength(Number.parseInt(size!, 16));
  expect(chunks.length).toBeLessThan(pieces.length / 10);
  expect(answer!.body).toMatch(/\r\n0\r\nX-Sum: 5000\r\n\r\n$/);
});

test('what came before an answer broke has gone on', async () => {
  behave = (request, response) => {
    response.writeHead(200);
    response.write('{"type":"ADDED"}\n', () => request.socket.end());
  };
  const [answer] = await send('GET /api/v1/pods?watch=1');
  expect(answer!.body).toContain('{"type":"ADDED"}');
  expect(answer!.body).not.toMatch(/\r\n0\r\n/);
});

test('trailers arrive', async () => {
  behave = (_, response) => {
    response.writeHead(200, { trailer: 'X-Sum' });
    response.write('body');
    response.addTrailers({ 'X-Sum': '42' });
    response.end();
  };
  const socket = await rawConnect(session.port, gateway.gateway.certificateAuthority);
  const text = await rawExchange(
    socket,
    `GET /api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${session.token}\r\n\r\n`,
  );
  expect(text).toContain('X-Sum: 42');
});
