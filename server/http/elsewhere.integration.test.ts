/** A portal that people reach from elsewhere: by a certificate of its own, or through a proxy that ends TLS. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startBarePortal } from '../../e2e/bare-portal.ts';
import { makeCertificates } from '../../e2e/cluster/certificates.ts';
import { freePort } from '../../e2e/machine/ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'));
const file = (name: string) => join(folder, name);
beforeAll(() => makeCertificates(folder, { portal: { commonName: 'portal', hosts: ['localhost'] } }));
afterAll(() => rmSync(folder, { recursive: true }));

type Answer = { status: number; headers: Record<string, unknown>; body: string };

/** As a browser that trusts the operator's authority. */
function ask(origin: string, path: string, options: RequestOptions = {}, body = ''): Promise<Answer> {
  const ca = origin.startsWith('https:') ? { ca: readFileSync(file('ca.crt')) } : {};
  const send = origin.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    send(`${origin}${path}`, { ...ca, ...options }, async (answer) => {
      resolve({ status: answer.statusCode!, headers: answer.headers, body: await text(answer) });
    })
      .on('error', reject)
      .end(body);
  });
}

test('with a certificate it speaks TLS, to pages, scripts, sockets and at the gateway’s address, and nothing else', async () => {
  const gatewayPort = await freePort();
  await using portal = await startBarePortal({
    SALLYPORT_TLS_CERT: file('portal.crt'),
    SALLYPORT_TLS_KEY: file('portal.key'),
    SALLYPORT_GATEWAY_PORT: String(gatewayPort),
  });
  const { origin } = portal;
  expect(origin).toMatch(/^https:/);
  expect((await ask(origin, '/healthz')).status).toBe(200);
  await expect(ask(origin.replace('https:', 'http:'), '/healthz')).rejects.toThrow();
  // Where nobody vouches for it, nobody gets so far as to ask.
  await expect(fetch(`${origin}/healthz`)).rejects.toThrow();

  const { id } = await portal.person('ann', []);
  const { cookie } = await portal.signIn(id);
  expect(await ask(origin, '/api/v1/me', { headers: { cookie } })).toMatchObject({
    status: 200,
    body: expect.stringContaining('ann@example.com'),
  });
  expect((await ask(origin, '/clusters')).headers['strict-transport-security']).toMatch(/^max-age=\d{8}/);
  const leave = (from: string) =>
    ask(origin, '/api/v1/sign-out', { method: 'POST', headers: { cookie, origin: from } });
  expect(await leave(origin.replace('https:', 'http:'))).toMatchObject({ status: 403 });

  const socket = new WebSocket(
    `${origin.replace('https:', 'wss:')}/api/v1/sessions/0b9f3f0e-0000-4000-8000-000000000000/terminal`,
    ['sallyport.v1'],
    { origin, headers: { cookie }, ca: readFileSync(file('ca.crt')) },
  );
  const refusal = await new Promise<string>((resolve, reject) => {
    socket.on('unexpected-response', async (_request, response) => resolve(await text(response)));
    socket.on('error', reject);
  });
  expect(refusal).toContain('session-not-found');

  const gateway = `https://localhost:${gatewayPort}`;
  expect(await ask(gateway, '/k8s/any/api')).toMatchObject({ status: 401 });
  expect((await leave(origin)).status).toBe(204);

  // Nothing older than TLS 1.2.
  const old = connect({ port: Number(new URL(origin).port), host: 'localhost', maxVersion: 'TLSv1.1' });
  await expect(
    new Promise((resolve, reject) => old.on('secureConnect', resolve).on('error', reject)),
  ).rejects.toThrow();
});

test('behind a trusted proxy the client is who the proxy says, and pages are those of the public address', async () => {
  await using portal = await startBarePortal({
    SALLYPORT_PUBLIC_URL: 'https://portal.example',
    SALLYPORT_TRUSTED_PROXIES: '127.0.0.0/8,198.51.100.7',
  });
  const { id } = await portal.person('boss', ['sallyport-admins']);
  const { cookie } = await portal.signIn(id);
  const create = (email: string, forwarded: string, origin: string) => {
    const headers = {
      cookie,
      origin,
      host: 'portal.example',
      'content-type': 'application/json',
      'x-forwarded-for': forwarded,
      'x-forwarded-proto': 'https',
    };
    const body = JSON.stringify({ email, name: 'F', password: 'long enough for all' });
    return ask(portal.origin, '/api/v1/users', { method: 'POST', headers }, body);
  };
  // What stands left of the client's address was written by the client.
  const forwarded = '10.9.9.9, 203.0.113.66, 198.51.100.7';
  expect((await create('a@example.com', forwarded, 'https://portal.example')).status).toBe(201);
  expect((await create('b@example.com', forwarded, portal.origin)).status).toBe(403);
  const seen = () =>
    portal.sql`select client_address from audit_events where code = 'user.created' and detail->>'email' = 'a@example.com'`;
  await expect.poll(seen).toEqual([{ client_address: '203.0.113.66' }]);
});
