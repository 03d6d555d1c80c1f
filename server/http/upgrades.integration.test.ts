/** The end of a sign-in or token, anywhere, closes the sockets opened with it here, within the second that is promised. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startBarePortal, type BarePortal } from '../../e2e/bare-portal.ts';
import { until } from '../../e2e/machine/until.ts';
import { identifier } from '../auth/identify.ts';
import { Problem } from '../domain/problem.ts';
import { createLogger } from '../log.ts';
import { addressRanges } from '../address-ranges.ts';
import { Upgrades } from './upgrades.ts';

/** Another replica, in this process: its sockets, on the portal's database. */
let portal: BarePortal;
let upgrades: Upgrades;
let origin: string;
const server = createServer();
const sockets = new WebSocketServer({ noServer: true });
let reasons: string[] = [];
/** What happens between the first look at a handshake's sign-in and the rest of it. */
let ending: (() => Promise<unknown>) | undefined;

beforeAll(async () => {
  portal = await startBarePortal();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { webSessions, apiTokens, proofs } = portal.replica;
  const [setting] = await portal.sql<{ value: string }[]>`select value from settings where key = 'portal-id'`;
  const cookieName = `__Host-sallyport_${setting!.value.slice(0, 8)}`;
  const identify = identifier({ cookieName, webSessions, apiTokens });
  upgrades = new Upgrades({
    origin,
    trusted: addressRanges([]),
    async identify(proof) {
      const person = await identify(proof);
      const meanwhile = ending;
      ending = undefined;
      await meanwhile?.();
      return person;
    },
    hold: (proof) => proofs.hold(proof),
    log: createLogger('silent'),
  });
  upgrades.add('/echo/:name', ({ request, socket, head, params, signal }) => {
    sockets.handleUpgrade(request, socket, head, (ws) => {
      signal.addEventListener('abort', () => reasons.push((signal.reason as Problem).code));
      ws.on('message', (data) => ws.send(`${params['name']}: ${String(data)}`));
    });
  });
  upgrades.add('/refuses', () => {
    throw new Problem('ticket-used', 403, 'This ticket was used already.');
  });
  server.on('upgrade', (request, socket, head) => void upgrades.handle(request, socket, head));
});
afterAll(async () => {
  upgrades[Symbol.dispose]();
  server.close();
  await portal[Symbol.asyncDispose]();
});

async function open(cookie: string, path = '/echo/a%20b'): Promise<WebSocket> {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}${path}`, { origin, headers: { cookie } });
  await once(socket, 'open');
  return socket;
}

async function visitor(name: string) {
  const person = await portal.person(name, []);
  return { ...person, ...(await portal.signIn(person.id)) };
}

test('a socket is opened with what its path names', async () => {
  const { cookie } = await visitor('opener');
  const socket = await open(cookie);
  socket.send('hello');
  expect(String((await once(socket, 'message'))[0])).toBe('a b: hello');
  socket.terminate();
});

test('a handler’s refusal is the handshake’s answer', async () => {
  const { cookie } = await visitor('refused');
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/refuses`, { origin, headers: { cookie } });
  const [, response] = await once(socket, 'unexpected-response');
  expect(response.statusCode).toBe(403);
  expect(response.headers['content-type']).toBe('application/problem+json');
  response.resume();
});

test('a script opens a socket with a bearer, without an Origin; a foreign Origin is refused all the same', async () => {
  const person = await portal.person('script', []);
  const { token } = await portal.token(person.id, ['sessions']);
  const headers = { authorization: `Bearer ${token}` };
  const url = `${origin.replace('http', 'ws')}/echo/x`;
  const socket = new WebSocket(url, { headers });
  await once(socket, 'open');
  socket.terminate();
  const foreign = new WebSocket(url, { headers, origin: 'https://elsewhere.example' });
  const [, response] = await once(foreign, 'unexpected-response');
  expect(response.statusCode).toBe(403);
  response.resume();
});

test('a token without the scope opens nothing, and a bad token is not helped by a cookie', async () => {
  const person = await visitor('scopeless');
  const { token } = await portal.token(person.id, ['read', 'admin']);
  for (const [bearer, status] of [
    [token, 403],
    ['sp_nothing', 401],
  ] as const) {
    const headers = { authorization: `Bearer ${bearer}`, cookie: person.cookie };
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/echo/x`, { origin, headers });
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(status);
    response.resume();
  }
});

async function closesWithin(socket: WebSocket, act: () => Promise<unknown>): Promise<number> {
  const closed = once(socket, 'close');
  const started = performance.now();
  await act();
  await closed;
  return performance.now() - started;
}

test('signing out on one replica closes the sockets on another within a second, with a word beforehand', async () => {
  const person = await visitor('leaver');
  const other = await visitor('stayer');
  const [socket, staying] = [await open(person.cookie), await open(other.cookie)];
  reasons = [];
  const ms = await closesWithin(socket, () =>
    fetch(`${portal.origin}/api/v1/sign-out`, {
      method: 'POST',
      headers: { cookie: person.cookie, origin: portal.origin },
    }),
  );
  expect(ms).toBeLessThan(1_000);
  expect(reasons).toEqual(['signed-out']);
  expect(staying.readyState).toBe(WebSocket.OPEN);
  staying.terminate();
});

test('disabling a person closes all of their sockets within a second', async () => {
  const admin = await portal.person('admin', ['sallyport-admins']);
  const { token } = await portal.token(admin.id, ['admin']);
  const person = await visitor('disabled');
  const elsewhere = await portal.signIn(person.id);
  const open1 = await open(person.cookie);
  const open2 = await open(elsewhere.cookie);
  const both = Promise.all([once(open1, 'close'), once(open2, 'close')]);
  const started = performance.now();
  await fetch(`${portal.origin}/api/v1/users/${person.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"disabled":true}',
  });
  await both;
  expect(performance.now() - started).toBeLessThan(1_000);
});

test('revoking a token closes its sockets within a second', async () => {
  const person = await visitor('revoker');
  const { token } = await portal.token(person.id, ['sessions']);
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/echo/x`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  const [row] = await portal.sql<{ id: string }[]>`select id from api_tokens where user_id = ${person.id}`;
  const ms = await closesWithin(socket, async () => {
    const response = await fetch(`${portal.origin}/api/v1/me/tokens/${row!.id}`, {
      method: 'DELETE',
      headers: { cookie: person.cookie, origin: portal.origin },
    });
    expect(response.status).toBe(204);
  });
  expect(ms).toBeLessThan(1_000);
});

test('a socket ends with the time of the sign-in or token that opened it', async () => {
  const person = await visitor('expiring');
  const { id, token } = await portal.token(person.id, ['sessions']);
  // Before the replica has seen either: what it then keeps is this.
  const over = new Date(Date.now() + 1_500);
  await portal.sql`update web_sessions set expires_at = ${over} where id = ${person.webSession}`;
  await portal.sql`update api_tokens set expires_at = ${over} where id = ${id}`;
  const byCookie = await open(person.cookie);
  const headers = { authorization: `Bearer ${token}` };
  const byToken = new WebSocket(`${origin.replace('http', 'ws')}/echo/x`, { headers });
  await once(byToken, 'open');
  reasons = [];
  await Promise.all([once(byCookie, 'close'), once(byToken, 'close')]);
  const late = Date.now() - over.getTime();
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(1_000);
  expect(reasons).toEqual(['signed-out', 'signed-out']);
});

test('a sign-in that ends while its handshake is looked at opens nothing', async () => {
  const person = await visitor('racing');
  ending = () => portal.replica.webSessions.end({ id: person.webSession });
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/echo/x`, {
    origin,
    headers: { cookie: person.cookie },
  });
  const [, response] = await once(socket, 'unexpected-response');
  expect(response.statusCode).toBe(401);
  response.resume();
});

test('a replica that hears nothing asks the database, and closes what ended meanwhile once it hears again', async () => {
  const person = await visitor('unheard');
  const { id, token } = await portal.token(person.id, ['sessions']);
  const socket = await open(person.cookie);
  const byToken = new WebSocket(`${origin.replace('http', 'ws')}/echo/x`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await once(byToken, 'open');
  const closed = Promise.all([once(socket, 'close'), once(byToken, 'close')]);
  // The listening connection of this replica is cut; the sign-in ends while nobody listens.
  await portal.sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'sallyport notifications' and usename = current_user`;
  await portal.sql`update web_sessions set ended_at = now() where id = ${person.webSession}`;
  await portal.sql`update api_tokens set revoked_at = now() where id = ${id}`;
  // The replica learns of its cut connection by the socket's end, a moment later.
  const forgotten = async () => (await portal.replica.webSessions.find(person.cookie.split('=')[1]!)) === undefined;
  await until(forgotten, { within: 1000, every: 5, what: 'the answer of the database' });
  await closed;
});
