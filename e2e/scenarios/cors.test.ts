/** Web applications of an operator's own call the gateway from their own pages, with a link's token; others cannot. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
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
  const wish = { name: 'a board', cluster: CLUSTER, paths: [`${maps()}/**`, maps()], verbs: ['get', 'create', 'list'] };
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
