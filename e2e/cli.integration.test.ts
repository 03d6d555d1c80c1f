/** The installed command line against portals by TLS, and against servers that are none. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from './bare-portal.ts';
import { makeCertificates } from './cluster/certificates.ts';
import { CommandLine } from './command-line.ts';
import { until } from './machine/until.ts';

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-tls-'));
  await makeCertificates(folder, { portal: { commonName: 'portal', hosts: ['localhost'] } });
});
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

/** As the page /device does it. */
function allow(portal: BarePortal, cookie: string, userCode: string): Promise<number> {
  const headers = { cookie, origin: portal.origin, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ userCode, decision: 'approve' });
    request(
      `${portal.origin}/api/v1/cli/device`,
      { method: 'POST', headers: { ...headers, 'content-length': body.length }, ca: readFileSync(file('ca.crt')) },
      (answer) => resolve(answer.resume().statusCode!),
    )
      .on('error', reject)
      .end(body);
  });
}

test('a portal by a private authority: by its certificate, and not without', async () => {
  await using portal = await startBarePortal({
    SALLYPORT_TLS_CERT: file('portal.crt'),
    SALLYPORT_TLS_KEY: file('portal.key'),
  });
  const { id } = await portal.person('ann', []);
  const { cookie } = await portal.signIn(id);
  using cli = await CommandLine.install();
  const login = ['login', '--portal', portal.origin, '--device'];
  expect(await cli.run(...login)).toMatchObject({ code: 1, stderr: expect.stringContaining('--ca FILE') });
  expect(await cli.run(...login, '--ca', file('portal.key'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('holds no certificate'),
  });
  expect(await cli.run(...login, '--ca', file('nothing'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('cannot be read'),
  });
  const talking = cli.start(...login, '--ca', file('ca.crt'));
  const code = await until(async () => /[B-Z]{4}-[B-Z]{4}/.exec(talking.said())?.[0], { what: () => talking.said() });
  expect(await allow(portal, cookie, code)).toBe(204);
  expect(await talking.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('as ann <ann@example.com>') });
  // Remembered with the portal.
  expect(await cli.run('whoami')).toMatchObject({ code: 0, stdout: expect.stringContaining('ann@example.com') });
  const config = readFileSync(join(cli.folder, '.config/sallyport/config.json'), 'utf8');
  expect(JSON.parse(config)).toEqual({ portal: portal.origin, authorities: { [portal.origin]: file('ca.crt') } });
  expect(config).not.toContain('sp_');
  // A second sign-in of the machine takes the place of the first.
  const again = cli.start('login', '--device');
  const next = await until(async () => /[B-Z]{4}-[B-Z]{4}/.exec(again.said())?.[0], { what: () => again.said() });
  await allow(portal, cookie, next);
  expect(await again.ended).toMatchObject({ code: 0 });
  expect(await portal.sql`select id from api_tokens where revoked_at is null`).toHaveLength(1);
  expect(await cli.run('logout')).toMatchObject({ code: 0 });
  expect(await portal.sql`select id from api_tokens where revoked_at is null`).toEqual([]);
});

async function pretender(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, [Symbol.dispose]: () => void server.close() };
}
const json =
  (body: object): RequestListener =>
  (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));

test.each([
  ['is another kind of server', (() => json({}))(), 'calls itself'],
  [
    'answers with a page',
    ((_request, response) => void response.end('<html>')) as RequestListener,
    'There is no Sallyport portal',
  ],
  [
    'redirects to somewhere else',
    ((_request, response) =>
      void response.writeHead(302, { location: 'https://evil.example' }).end()) as RequestListener,
    'There is no Sallyport portal',
  ],
  ['says that it is another', json({ issuer: 'https://evil.example' }), 'calls itself https://evil.example'],
])('a server that %s gets no sign-in', async (_what, listener, words) => {
  using server = await pretender(listener);
  using cli = await CommandLine.install();
  expect(await cli.run('login', '--portal', server.origin)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(words),
  });
});

test('a portal that sends codes to another address gets no sign-in', async () => {
  const elsewhere = 'https://evil.example/x';
  using server = await pretender((request, response) => {
    const issuer = `http://${request.headers.host}`;
    const metadata = {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: elsewhere,
      device_authorization_endpoint: `${issuer}/device`,
      revocation_endpoint: `${issuer}/revoke`,
    };
    json(metadata)(request, response);
  });
  using cli = await CommandLine.install();
  expect(await cli.run('login', '--portal', server.origin)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('to another address'),
  });
});

test('what a portal answers is text, whatever a terminal would make of it', async () => {
  using server = await pretender(json({ name: 'A\u001b]0;x\u0007nn', email: 'ann\r\nroot', roles: ['\u202eadmin'] }));
  using cli = await CommandLine.install();
  const state = join(cli.state, server.origin.replace('://', '_').replace(':', '_'));
  mkdirSync(state, { recursive: true });
  const signIn = { token: 'sp_x', expiresAt: new Date(Date.now() + 60_000).toISOString() };
  writeFileSync(join(state, 'sign-in.json'), JSON.stringify(signIn));
  const { code, stdout } = await cli.run('whoami', '--portal', server.origin);
  expect([code, stdout.split('\n')[0]]).toEqual([0, `A ]0;x nn <ann root> at ${server.origin}`]);
  // oxlint-disable-next-line no-control-regex
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
});

test('a portal that is away is a sentence', async () => {
  const { origin, [Symbol.dispose]: close } = await pretender(json({}));
  close();
  using cli = await CommandLine.install();
  expect(await cli.run('login', '--portal', origin)).toEqual({
    code: 1,
    stdout: '',
    stderr: `sallyport: The portal at ${origin} does not answer (ECONNREFUSED). Check the address and your network.\n`,
  });
});
