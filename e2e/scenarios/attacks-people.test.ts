/**
 * One person against another: whatever of Ann's Bob asks for with a sign-in of his own, and whatever of Ann's a page
 * elsewhere, a spent ticket or a token with fewer scopes may try. docs/security.md names each.
 */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CloseCode, FromBrowser } from '../../protocol/frames.ts';
import { TestPortal, type Visitor } from '../portal.ts';
import { TerminalClient } from '../terminal-client.ts';

type Opened = Awaited<ReturnType<Visitor['open']>>;

let portal: TestPortal;
let ann: Visitor;
let bob: Visitor;
let auditor: Visitor;
let hers: Opened;
let his: Opened;

beforeAll(async () => {
  portal = await TestPortal.start();
  const role = await portal.role();
  ann = await portal.visitor([role]);
  bob = await portal.visitor([role]);
  auditor = await portal.visitor(['sallyport-auditors']);
  hers = await ann.open();
  his = await bob.open();
  await hers.terminal.shows(/\$ $/);
  await his.terminal.shows(/\$ $/);
});
afterAll(() => portal?.[Symbol.asyncDispose]());

/** The answer's status, as a browser or a script with these headers gets it. */
async function status(method: string, path: string, headers: Record<string, string>, body?: string): Promise<number> {
  const answer = await fetch(`${portal.url}/api/v1${path}`, { method, headers, ...(body ? { body } : {}) });
  await answer.arrayBuffer();
  return answer.status;
}

/** The handshake's status: 101 where it was let through. */
function handshake(session: string, protocols: string[], headers: Record<string, string>): Promise<number> {
  const at = `${portal.url.replace('http', 'ws')}/api/v1/sessions/${session}/terminal?stream=1&cols=80&rows=24`;
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(at, protocols, { headers });
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', reject);
  });
}

const ticketOf = async (person: Visitor, session: string) =>
  (await person.api<{ ticket: string }>('POST', `/sessions/${session}/ticket`)).ticket;

const browser = (person: Visitor) => ({ cookie: person.cookie, origin: portal.url });
const offer = (ticket: string) => ['sallyport.v1', `ticket.${ticket}`];

/** Every way to a session that the API has. */
const ways: [string, string, string?][] = [
  ['GET', ''],
  ['POST', '/extend'],
  ['POST', '/end'],
  ['POST', '/ticket'],
  ['GET', '/files?path=.bashrc'],
  ['PUT', '/files?path=.', 'no tar'],
  ['GET', '/calls'],
  ['GET', '/recording'],
  ['GET', '/recording.cast'],
  ['GET', '/recording/search?q=a'],
];

describe('another person', () => {
  it.each(ways)('%s /sessions/{id}%s of somebody else is refused', async (method, path, body) => {
    const refused = path.startsWith('/recording') ? 403 : 404;
    expect(await status(method, `/sessions/${hers.id}${path}`, browser(bob), body)).toBe(refused);
    expect(await status(method, `/sessions/${hers.id}${path}`, { origin: portal.url }, body)).toBe(401);
  });

  it('is in nobody else’s list, by whatever filter', async () => {
    for (const query of ['', '?state=active', '?mine=false', `?cluster=test`]) {
      const { items } = await bob.api<{ items: { id: string }[] }>('GET', `/sessions${query}`);
      expect(items.map(({ id }) => id)).not.toContain(hers.id);
    }
    expect(await status('GET', `/sessions?user=${ann.id}`, browser(bob))).toBe(403);
    expect(await status('GET', '/audit', browser(bob))).toBe(403);
    expect(await status('GET', '/users', browser(bob))).toBe(403);
  });

  it('opens no socket on it, neither with a ticket of their own session nor with hers', async () => {
    expect(await handshake(hers.id, offer(await ticketOf(bob, his.id)), browser(bob))).toBe(404);
    expect(await handshake(hers.id, offer(await ticketOf(ann, hers.id)), browser(bob))).toBe(404);
    expect(await handshake(his.id, offer(await ticketOf(ann, hers.id)), browser(bob))).toBe(403);
    expect(hers.terminal.superseded).toBe(false);
  });

  it('who may look at sessions, an auditor or an administrator, neither types in them nor takes their files', async () => {
    const administrator = await portal.visitor();
    for (const person of [auditor, administrator]) {
      expect(await status('GET', `/sessions/${hers.id}`, browser(person))).toBe(200);
      for (const [method, path] of [
        ['POST', '/ticket'],
        ['POST', '/extend'],
        ['GET', '/files?path=.bashrc'],
        ['PUT', '/files?path=.'],
      ] as const)
        expect(await status(method, `/sessions/${hers.id}${path}`, browser(person), method === 'PUT' ? 'x' : '')).toBe(
          403,
        );
      expect(await handshake(hers.id, offer('A'.repeat(43)), browser(person))).toBe(403);
    }
    expect(await status('POST', `/sessions/${hers.id}/end`, browser(auditor))).toBe(403);
    const json = { ...browser(auditor), 'content-type': 'application/json' };
    for (const role of ['', ',"role":"admin"', ',"role":"developer"'])
      expect(await status('POST', '/sessions', json, `{"cluster":"test"${role}}`)).toBe(403);
  });

  it('her own recording is not hers to fetch: evidence is for auditors (JumpServer CVE-2023-42442)', async () => {
    for (const path of ['/recording', '/recording.cast', '/recording/search?q=a'])
      expect(await status('GET', `/sessions/${hers.id}${path}`, browser(ann))).toBe(403);
    expect(await status('GET', `/sessions/${hers.id}/recording`, browser(auditor))).toBe(200);
    const viewed = async () =>
      portal.sql`select actor from audit_events where code = 'recording.viewed' and session_id = ${hers.id}`;
    await expect.poll(viewed).toEqual([{ actor: auditor.email }]);
    // No address hands recordings out without asking who it is.
    for (const path of [`/recordings/${hers.id}/log`, `/api/v1/recordings/${hers.id}`, `/static/${hers.id}.cast`])
      expect((await fetch(portal.url + path)).ok).toBe(false);
  });
});

describe('tickets (CVE-2026-44985)', () => {
  it('without one, with an invented one, with one in the address: refused', async () => {
    expect(await handshake(hers.id, ['sallyport.v1'], browser(ann))).toBe(403);
    expect(await handshake(hers.id, offer('A'.repeat(43)), browser(ann))).toBe(403);
    expect(await handshake(`${hers.id}`, [`ticket.${await ticketOf(ann, hers.id)}`], browser(ann))).toBe(403);
  });

  it('a ticket works once', async () => {
    const ticket = await ticketOf(ann, hers.id);
    expect(await handshake(hers.id, offer(ticket), browser(ann))).toBe(101);
    expect(await handshake(hers.id, offer(ticket), browser(ann))).toBe(403);
  });

  it('a ticket of another session of hers, or of another sign-in of hers, does not work', async () => {
    const second = await ann.open();
    expect(await handshake(hers.id, offer(await ticketOf(ann, second.id)), browser(ann))).toBe(403);
    await ann.api('POST', `/sessions/${second.id}/end`);
    const { token } = await tokenOf(ann, ['sessions']);
    const byScript = { authorization: `Bearer ${token}` };
    const answer = await fetch(`${portal.url}/api/v1/sessions/${hers.id}/ticket`, {
      method: 'POST',
      headers: byScript,
    });
    const { ticket } = (await answer.json()) as { ticket: string };
    expect(await handshake(hers.id, offer(ticket), browser(ann))).toBe(403);
  });

  it.each([
    ['another site', 'https://evil.example'],
    ['a sandboxed frame', 'null'],
    ['the same name on another port', 'http://localhost:1'],
    ['a name that begins like ours', undefined],
  ])('a good ticket and cookie from %s: refused, and the ticket is not spent on it', async (_who, given) => {
    const origin = given ?? `${portal.url}.evil.example`;
    const ticket = await ticketOf(ann, hers.id);
    expect(await handshake(hers.id, offer(ticket), { cookie: ann.cookie, origin })).toBe(403);
    expect(await handshake(hers.id, offer(ticket), { cookie: ann.cookie })).toBe(403);
    expect(await handshake(hers.id, offer(ticket), browser(ann))).toBe(101);
  });
});

async function tokenOf(person: Visitor, scopes: string[]): Promise<{ token: string }> {
  return person.api<{ token: string }>('POST', '/me/tokens', { name: 'attack', scopes, days: 1 });
}

describe('API tokens', () => {
  it('one that reads opens, extends, ends and moves nothing, and gets no socket', async () => {
    const headers = { authorization: `Bearer ${(await tokenOf(ann, ['read'])).token}` };
    const json = { ...headers, 'content-type': 'application/json' };
    expect(await status('GET', `/sessions/${hers.id}`, headers)).toBe(200);
    expect(await status('POST', '/sessions', json, '{"cluster":"test"}')).toBe(403);
    for (const [method, path, body] of ways.slice(1, 6))
      expect(await status(method, `/sessions/${hers.id}${path}`, headers, body)).toBe(403);
    expect(await handshake(hers.id, ['sallyport.v1'], headers)).toBe(403);
  });

  it('one with every scope does what its person may, and no more', async () => {
    const { token } = await tokenOf(bob, ['read', 'sessions', 'admin']);
    const headers = { authorization: `Bearer ${token}` };
    for (const [method, path, body] of ways)
      expect(await status(method, `/sessions/${hers.id}${path}`, headers, body)).toBeGreaterThanOrEqual(403);
    expect(await status('GET', '/users', headers)).toBe(403);
    expect(await handshake(hers.id, ['sallyport.v1'], headers)).toBe(404);
  });
});

it('what is downloaded is a file to keep, whatever it is called, and nothing that a page runs', async () => {
  const page = await ann.terminal(hers.id).connect();
  await page.run(`mkdir -p d; touch 'd/a"; filename=evil.html' d/x.html`);
  page.leave();
  const kept = {
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };
  const asked = async (path: string, person: Visitor) => {
    const answer = await fetch(`${portal.url}/api/v1/sessions/${hers.id}${path}`, { headers: browser(person) });
    await answer.arrayBuffer();
    expect(answer.status, path).toBe(200);
    expect(Object.fromEntries(answer.headers), path).toMatchObject(kept);
    return `${answer.headers.get('content-type')} ${answer.headers.get('content-disposition')}`;
  };
  const name = encodeURIComponent('d/a"; filename=evil.html');
  expect(await asked(`/files?path=${name}`, ann)).toBe('application/x-tar attachment; filename="files.tar"');
  expect(await asked('/files?path=d/x.html', ann)).toBe('application/x-tar attachment; filename="x.html.tar"');
  expect(await asked('/recording', auditor)).toMatch(
    /^application\/vnd\.sallyport\.log attachment; filename="[\w-]+\.log"$/,
  );
  expect(await asked('/recording.cast', auditor)).toMatch(
    /^application\/x-asciicast attachment; filename="[\w-]+\.cast"$/,
  );
  const broken = encodeURIComponent('d/x\r\nSet-Cookie: a=b');
  expect(await status('GET', `/sessions/${hers.id}/files?path=${broken}`, browser(ann))).toBeGreaterThanOrEqual(400);
});

describe('bounds', () => {
  it.each([
    ['a frame past the window of input', Buffer.alloc(200_000), 1009],
    ['a frame of no known type', Buffer.from([99, 0]), CloseCode.badFrame],
    ['a text', 'whoami\r', CloseCode.badFrame],
    [
      'an acknowledgement of what was never sent',
      Buffer.from([FromBrowser.ack, 0, 255, 255, 255, 255, 255, 255, 255]),
      CloseCode.badFrame,
    ],
    ['a window of 65,535 columns', Buffer.from([FromBrowser.resize, 255, 255, 255, 255]), CloseCode.badFrame],
  ])('%s closes its socket, and the shell goes on', async (_what, message, code) => {
    const at = `${portal.url.replace('http', 'ws')}/api/v1/sessions/${hers.id}/terminal?stream=7&cols=80&rows=24`;
    const socket = new WebSocket(at, offer(await ticketOf(ann, hers.id)), { headers: browser(ann) });
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.once('message', () => socket.send(message));
    expect(await closed).toBe(code);
    const next = await ann.terminal(hers.id).connect();
    expect(await next.run('echo alive')).toBe('alive\r\n');
    next.leave();
  });

  it('what is too long is refused by what it is', async () => {
    const json = { ...browser(ann), 'content-type': 'application/json' };
    const long = 'x'.repeat(5_000);
    expect(await status('POST', '/sessions', json, JSON.stringify({ cluster: long }))).toBe(400);
    expect(await status('GET', `/sessions/${hers.id}/files?path=${long}`, browser(ann))).toBe(400);
    expect(await status('GET', '/sessions?limit=1000000', browser(ann))).toBe(400);
    for (const query of ['cursor', 'state', 'cluster'])
      expect(await status('GET', `/sessions?${query}=${long}`, browser(ann))).toBe(400);
    expect(await status('GET', '/me', { cookie: `a=${'x'.repeat(100_000)}` })).toBe(431);
    expect(await declared(300 * 1024 * 1024)).toBe(413);
  });
});

/** An upload of Ann's that says how long it will be, and sends nothing. */
function declared(length: number): Promise<number> {
  const headers = { ...browser(ann), 'content-length': length };
  return new Promise((resolve, reject) => {
    const asked = request(`${portal.url}/api/v1/sessions/${hers.id}/files?path=.`, { method: 'PUT', headers });
    asked.on('response', (answer) => {
      resolve(answer.statusCode!);
      asked.destroy();
    });
    asked.on('error', reject);
    asked.flushHeaders();
  });
}

it('a disabled person’s terminal closes within a second, and nothing of theirs works any more', async () => {
  const eve = await portal.visitor([await portal.role()]);
  const { token } = await tokenOf(eve, ['read', 'sessions']);
  const { id, terminal } = await eve.open();
  await terminal.shows(/\$ $/);
  const ticket = await ticketOf(eve, id);
  const began = performance.now();
  await portal.admin('PATCH', `/users/${eve.id}`, { disabled: true });
  expect(await status('GET', '/me', browser(eve))).toBe(401);
  expect(await status('GET', '/me', { authorization: `Bearer ${token}` })).toBe(401);
  expect(await handshake(id, offer(ticket), browser(eve))).toBe(401);
  await terminal.close();
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(await portal.ended(id)).toMatchObject({ endReason: 'revoked', cleanupPending: false });
});

it('a ticket does not outlive the sign-in that asked for it', async () => {
  const eve = await portal.visitor([await portal.role()]);
  const { id, terminal } = await eve.open();
  await terminal.shows(/\$ $/);
  const ticket = await ticketOf(eve, id);
  await eve.api('POST', '/sign-out');
  expect(await handshake(id, offer(ticket), browser(eve))).toBe(401);
  const address = { origin: portal.url, session: id, cookie: eve.cookie, ticket: async () => ticket };
  await expect(new TerminalClient(address).connect()).rejects.toThrow(/401/);
});
