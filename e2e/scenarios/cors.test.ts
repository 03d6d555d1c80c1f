/** Web applications of an operator's own call the gateway from their own pages, with a link's token; others cannot. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { IssuedLink } from '../../server/http/schemas.ts';
import { openBrowser, type TestBrowser } from '../browser.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { CLUSTER, TestPortal } from '../portal.ts';

let portal: TestPortal;
let browser: TestBrowser;
let window: BrowserContext;
let sites: Server[];
let namespace: string;
let link: IssuedLink;
const maps = () => `/api/v1/namespaces/${namespace}/configmaps`;
beforeAll(async () => {
  // Two web applications, of which the operator names the first.
  sites = await Promise.all(
    [0, 1].map(async () => {
      const site = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>App</h1>'));
      site.listen(0, '127.0.0.1');
      await once(site, 'listening');
      return site;
    }),
  );
  portal = await TestPortal.start({ env: { SALLYPORT_CORS_ORIGINS: origin(0) } });
  namespace = `cors-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  await kubectlAsAdmin('create', 'configmap', 'open', '-n', namespace, '--from-literal=a=b');
  const maker = await portal.visitor([await portal.role({ clusterRoles: ['edit'] })]);
  const paths = [`${maps()}/**`, maps(), '/apis'];
  const wish = { name: 'a board', cluster: CLUSTER, paths, verbs: ['get', 'create', 'list'] };
  link = await maker.api('POST', '/links', wish);
  browser = await openBrowser();
  window = await browser.browser.newContext({ ignoreHTTPSErrors: true });
});
afterAll(async () => {
  for (const site of sites ?? []) site.close();
  await browser?.[Symbol.asyncDispose]();
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

function origin(site: number): string {
  return `http://127.0.0.1:${(sites[site]!.address() as AddressInfo).port}`;
}

type Wish = { path: string; method?: string; body?: string; token?: string; credentials?: 'include' };
type Got = { status: number; code: string | null; text: string } | 'refused';
/** As a script of that page does it. */
function call(page: Page, { path, method = 'GET', body, token = link.token, ...more }: Wish): Promise<Got> {
  return page.evaluate(
    async ([url, init]) => {
      const answer = await fetch(url, init).catch(() => null);
      if (!answer) return 'refused';
      return { status: answer.status, code: answer.headers.get('x-sallyport-error-code'), text: await answer.text() };
    },
    [
      link.address + path,
      {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { body } : {}),
        ...more,
      },
    ] as const,
  );
}

it('a page of a named origin reads, writes, and reads why it is refused', async () => {
  const page = await window.newPage();
  await page.goto(origin(0));
  expect(await call(page, { path: `${maps()}/open` })).toMatchObject({
    status: 200,
    text: expect.stringMatching(/"a": ?"b"/),
  });
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'by-page' } });
  expect(await call(page, { path: maps(), method: 'POST', body })).toMatchObject({ status: 201 });
  expect(await call(page, { path: '/version' })).toMatchObject({ status: 403, code: 'link-refused' });
  expect(await call(page, { path: maps(), token: 'x' })).toMatchObject({ status: 401, code: 'token-invalid' });
  // With what the browser has by itself nothing is asked.
  expect(await call(page, { path: `${maps()}/open`, credentials: 'include' })).toBe('refused');
});

it('a page of any other origin does not, whatever it holds', async () => {
  const page = await window.newPage();
  await page.goto(origin(1));
  expect(await call(page, { path: `${maps()}/open` })).toBe('refused');
  const body = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'by-other' } });
  expect(await call(page, { path: maps(), method: 'POST', body })).toBe('refused');
  expect(await kubectlAsAdmin('get', 'configmaps', '-n', namespace, '--output=name')).not.toContain('by-other');
});

type Sent = { path: string; method?: string; headers?: Record<string, string>; bearer?: string | null };
/** As it is on the wire. */
function send({ path, method = 'GET', headers = {}, bearer = link.token }: Sent) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders }>((resolve, reject) => {
    const all = { ...headers, ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) };
    const options = { method, headers: all, rejectUnauthorized: false, agent: false };
    const outgoing = request(link.address + path, options, (answer) => {
      answer.resume().once('end', () => resolve({ status: answer.statusCode!, headers: answer.headers }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
const listed = (value: string | undefined) => (value ?? '').toLowerCase().split(/, ?/);

it('a preflight is answered without a credential, to a named origin only, and lets in no more than is on the list', async () => {
  const asks = {
    'access-control-request-method': 'DELETE',
    'access-control-request-headers': 'authorization, impersonate-user, x-http-method-override, cookie',
  };
  for (const path of [maps(), '/version', '/nowhere']) {
    const named = await send({ path, method: 'OPTIONS', bearer: null, headers: { origin: origin(0), ...asks } });
    expect(named).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': origin(0) } });
    expect(named.headers['access-control-allow-credentials']).toBeUndefined();
    expect(listed(named.headers['access-control-allow-headers'])).toContain('authorization');
    for (const never of ['*', 'cookie', 'impersonate-user', 'x-http-method-override'])
      expect(listed(named.headers['access-control-allow-headers'])).not.toContain(never);
    expect(listed(named.headers.vary)).toContain('origin');
  }
  for (const from of [origin(1), 'null', `${origin(0)}.evil.example`]) {
    // Whatever it holds: the cluster is not asked what it thinks of it.
    const other = await send({ path: maps(), method: 'OPTIONS', headers: { origin: from, ...asks } });
    expect(other.status).toBe(403);
    expect(Object.keys(other.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  }
});

it.each([
  ['an answer of the cluster’s', { path: '/apis' }, 200],
  // What it says of its own variants is kept.
  [
    'one that varies for the cluster too (discovery, which it calls public)',
    { path: '/apis', headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } },
    200,
  ],
  ['a refusal of the portal’s', { path: '/version' }, 403],
  ['a call without a credential', { path: '/apis', bearer: null }, 401],
  ['a call with none of ours', { path: '/apis', bearer: 'x' }, 401],
])('%s is for the origin that asked, and no cache gives it to another', async (_, wish: Sent, status) => {
  const named = await send({ ...wish, headers: { ...wish.headers, origin: origin(0) } });
  expect(named).toMatchObject({ status, headers: { 'access-control-allow-origin': origin(0) } });
  expect(named.headers['access-control-allow-credentials']).toBeUndefined();
  expect(listed(named.headers.vary)).toContain('origin');
  if (wish.headers?.['accept']) expect(listed(named.headers.vary)).toContain('accept');
  const exposed = listed(named.headers['access-control-expose-headers']);
  for (const name of ['x-sallyport-error-code', 'x-correlation-id', 'audit-id', 'retry-after', 'traceresponse'])
    expect(exposed).toContain(name);
  const others: Record<string, string>[] = [{}, { origin: origin(1) }, { origin: 'null' }];
  for (const headers of others) {
    const other = await send({ ...wish, headers: { ...wish.headers, ...headers } });
    expect(other.status).toBe(status);
    expect(Object.keys(other.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(listed(other.headers.vary)).toContain('origin');
  }
});
