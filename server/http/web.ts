/**
 * The way to web: pages are asked of the Next.js process, which sees neither the portal's cookie nor any header that
 * only we may set. Answers stream; while web is away, a plain page says so.
 */
import { randomBytes } from 'node:crypto';
import {
  Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream';
import { readCookie, withoutCookies } from '../domain/cookie-header.ts';
import { staysWithConnection } from '../domain/hop-by-hop.ts';
import { Problem } from '../domain/problem.ts';
import { finalStatus, NO_ANSWER } from '../domain/status-line.ts';
import type { Logger } from '../log.ts';
import type { AddressRanges } from '../address-ranges.ts';
import { clientAddress } from './client-address.ts';
import { correlate, type Correlation } from '../correlation.ts';
import { doorFor, visitsPage } from './door.ts';
import type { Finding } from './health.ts';
import type { Metrics } from './metrics.ts';
import { contentSecurityPolicy, pageHeaders, type PagePolicy } from './page-headers.ts';
import { plainPage } from '../plain-page.ts';
import { asProblem } from './problems.ts';
import { requireSameOrigin } from './same-origin.ts';

export type WebDeps = {
  policy: () => PagePolicy;
  /** Where web listens now; null while it is away. */
  target: () => string | null;
  trusted: AddressRanges;
  /** Name of the session cookie, and how to set it. */
  cookie: { name: string; set(token: string): string };
  /** Whether a live sign-in stands behind a Cookie header. */
  signedIn(cookie: string | undefined): Promise<boolean>;
  /** First part of the names of next-auth's cookies: the only ones that web may set. */
  webCookies: string;
  signIns: {
    begin(request: { address: string; userAgent: string; correlationId: string }): string;
    finish(id: string): string | undefined;
    abandon(id: string): Promise<void>;
  };
  metrics: Metrics;
  log: Logger;
};

/** Never from a client: credentials, our own names, and those by which Next.js steers itself (CVE-2025-29927). */
const NOT_FOR_WEB =
  /^(authorization|cookie|expect|forwarded|x-forwarded-.*|x-real-ip|x-sallyport-.*|x-nonce|content-security-policy.*|x-middleware-.*|x-nextjs-.*|x-next-.*|x-invoke-.*|x-matched-path|next-action|x-correlation-id|traceparent|.*_.*)$/;
/** Said by the portal, whatever web says. */
const NOT_FROM_WEB =
  /^(content-security-policy.*|x-content-type-options|x-frame-options|referrer-policy|cross-origin-.*|permissions-policy|strict-transport-security|x-powered-by|server|set-cookie|x-correlation-id|traceparent|access-control-.*)$/;
const CALLBACK = /^\/api\/auth\/callback\/(oidc|github|credentials)(\?|$)/;
const AUTH = /^\/api\/auth\//;
/** Bytes; web takes sign-in forms only. */
const MOST_BODY = 64 * 1024;
/** Ms without a byte from web. */
const PATIENCE_MS = 30_000;

export class WebProxy implements Disposable {
  readonly #deps: WebDeps;
  // A connection for each request: next closes idle ones, and one that it closes while a request is on its way would
  // cost a person a page or a sign-in. On loopback a new one takes some 50 µs.
  readonly #agent = new Agent({ keepAlive: false, maxSockets: 64 });

  constructor(deps: WebDeps) {
    this.#deps = deps;
  }

  /** Answers a request for a page. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const started = performance.now();
    const correlation = correlate({
      correlationId: one(request.headers['x-correlation-id']),
      traceparent: one(request.headers['traceparent']),
    });
    response.setHeader('x-correlation-id', correlation.id);
    response.setHeader('traceparent', correlation.traceparent);
    response.once('close', () => {
      this.#deps.metrics.request(request.method ?? 'GET', 'web', response.statusCode, performance.now() - started);
    });
    void this.#serve(request, response, correlation).catch((error: unknown) => {
      const problem = asProblem(error);
      if (problem.status >= 500) this.#deps.log.error({ err: error, correlationId: correlation.id }, problem.message);
      // What is left of a refused body must not be taken for the next request.
      if (!request.complete) response.setHeader('connection', 'close');
      this.#plain(response, problem.status, 'This request is refused', `${problem.message} ${problem.next ?? ''}`);
      request.resume();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse, correlation: Correlation): Promise<void> {
    this.#check(request);
    if (visitsPage(request) && !(await this.#known(request, correlation))) {
      const ended = readCookie(request.headers.cookie, this.#deps.cookie.name) !== undefined;
      response.setHeader('cache-control', 'no-store');
      response.writeHead(303, { location: doorFor(request.url!, ended) }).end();
      request.resume();
      return;
    }
    this.#pass(request, response, correlation);
  }

  /** Pages hold no secret: where nobody can be asked, they are shown, and say themselves what fails. */
  async #known(request: IncomingMessage, correlation: Correlation): Promise<boolean> {
    try {
      return await this.#deps.signedIn(request.headers.cookie);
    } catch (error) {
      this.#deps.log.warn({ err: error, correlationId: correlation.id }, 'a sign-in could not be looked up');
      return true;
    }
  }

  #check(request: IncomingMessage): void {
    const { origin } = this.#deps.policy();
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    // Behind a proxy that is trusted, its configuration decides what Host says.
    const direct = !this.#deps.trusted(clientAddress(request.socket.remoteAddress, undefined, () => false));
    if (direct && request.headers.host !== new URL(origin).host)
      throw new Problem('wrong-address', 421, `This portal's address is ${origin}.`, { next: 'Go there.' });
    if (method === 'GET' || method === 'HEAD') return;
    if (method !== 'POST' || !AUTH.test(path))
      throw new Problem('method-not-allowed', 405, 'Pages are read; what changes something is under /api/v1.');
    requireSameOrigin(request.headers.origin, origin);
    if (Number(request.headers['content-length'] ?? Infinity) > MOST_BODY)
      throw new Problem('body-too-large', 413, `A sign-in form may have ${MOST_BODY} bytes at most.`);
  }

  #pass(request: IncomingMessage, response: ServerResponse, correlation: Correlation): void {
    const target = this.#deps.target();
    if (target === null) {
      this.#away(response);
      request.resume();
      return;
    }
    const policy = this.#deps.policy();
    const address = clientAddress(
      request.socket.remoteAddress,
      one(request.headers['x-forwarded-for']),
      this.#deps.trusted,
    );
    const signIn = CALLBACK.test(request.url ?? '')
      ? this.#deps.signIns.begin({
          address,
          userAgent: request.headers['user-agent'] ?? '',
          correlationId: correlation.id,
        })
      : undefined;
    const nonce = randomBytes(16).toString('base64');
    const csp = contentSecurityPolicy(policy, nonce);
    const headers = this.#towards(request, { policy, nonce, csp, address, correlation, signIn });
    const upstream = httpRequest(new URL(target), {
      agent: this.#agent,
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      headers,
      timeout: PATIENCE_MS,
    });
    let over = false;
    const lost = (error: Error) => {
      if (over) return;
      over = true;
      upstream.destroy();
      if (signIn) void this.#abandon(signIn);
      if (response.destroyed) return;
      this.#deps.log.warn({ err: error, correlationId: correlation.id }, 'web did not answer');
      this.#away(response);
    };
    upstream.once('response', (answer) => {
      const line = finalStatus(answer);
      if (over || !line) return lost(new Error(NO_ANSWER));
      over = true;
      this.#answer(answer, response, { policy, csp, signIn, status: line.status });
    });
    upstream.on('timeout', () => upstream.destroy(new Error('web does not answer')));
    upstream.on('error', lost);
    // Of a web that changes protocols unasked node says no more than these two.
    upstream.on('upgrade', (_, socket) => socket.destroy());
    upstream.once('close', () => lost(new Error('web closed the connection')));
    response.once('close', () => upstream.destroy());
    // A pipeline costs a tenth of a page: an abort signal, and an error that nobody reads, for each.
    if (hasBody(request)) pipeline(request, upstream, () => {});
    else {
      request.resume();
      upstream.end();
    }
  }

  #towards(
    request: IncomingMessage,
    ours: {
      policy: PagePolicy;
      nonce: string;
      csp: string;
      address: string;
      correlation: Correlation;
      signIn: string | undefined;
    },
  ): Record<string, string | string[]> {
    const headers: Record<string, string | string[]> = {};
    const stays = staysWithConnection([request.headers.connection ?? '']);
    for (const [name, value] of Object.entries(request.headers))
      if (value !== undefined && !stays(name) && !NOT_FOR_WEB.test(name)) headers[name] = value;
    // Only next-auth's own: neither the session's nor anything that another program on this host set.
    const cookie = withoutCookies(request.headers.cookie, (name) => !name.startsWith(this.#deps.webCookies));
    if (cookie) headers['cookie'] = cookie;
    const { protocol, host } = new URL(ours.policy.origin);
    headers['host'] = host;
    headers['x-forwarded-host'] = host;
    headers['x-forwarded-proto'] = protocol.slice(0, -1);
    headers['x-forwarded-for'] = ours.address;
    headers['x-correlation-id'] = ours.correlation.id;
    headers['traceparent'] = ours.correlation.traceparent;
    headers['x-nonce'] = ours.nonce;
    headers['content-security-policy'] = ours.csp;
    if (ours.signIn) headers['x-sallyport-sign-in'] = ours.signIn;
    return headers;
  }

  #answer(
    answer: IncomingMessage,
    response: ServerResponse,
    { policy, csp, signIn, status }: { policy: PagePolicy; csp: string; signIn: string | undefined; status: number },
  ): void {
    const cookies = (answer.headers['set-cookie'] ?? []).filter((cookie) => cookie.startsWith(this.#deps.webCookies));
    const token = signIn ? this.#deps.signIns.finish(signIn) : undefined;
    if (token !== undefined) cookies.push(this.#deps.cookie.set(token));
    if (cookies.length) response.setHeader('set-cookie', cookies);
    for (const [name, value] of Object.entries(kept(answer.headers))) response.setHeader(name, value);
    for (const [name, value] of Object.entries(pageHeaders(policy.origin))) response.setHeader(name, value);
    response.setHeader('content-security-policy', csp);
    response.writeHead(status);
    // A page that is cut off must not look whole. That the client left is upstream's to hear, above.
    answer.once('error', () => response.destroy());
    answer.pipe(response);
  }

  async #abandon(signIn: string): Promise<void> {
    await this.#deps.signIns.abandon(signIn).catch((error: unknown) => {
      this.#deps.log.error({ err: error }, 'a sign-in that nobody holds could not be ended');
    });
  }

  #away(response: ServerResponse): void {
    response.setHeader('retry-after', '2');
    response.setHeader('refresh', '3');
    this.#plain(
      response,
      503,
      'The pages are starting',
      'The portal itself is up: open sessions keep running, and are still recorded. This page tries again by itself.',
    );
  }

  #plain(response: ServerResponse, status: number, title: string, words: string): void {
    if (response.headersSent) return;
    const { body, csp } = plainPage(title, words);
    for (const [name, value] of Object.entries(pageHeaders(this.#deps.policy().origin)))
      response.setHeader(name, value);
    response.setHeader('content-security-policy', csp);
    response.setHeader('cache-control', 'no-store');
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.writeHead(status).end(body);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function kept(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const stays = staysWithConnection([headers.connection ?? '']);
  const entries = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !stays(name) && !NOT_FROM_WEB.test(name),
  );
  return Object.fromEntries(entries) as Record<string, string | string[]>;
}

/** RFC 9112 6.3: a request has one where one of these says so. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Whether a web that runs elsewhere answers. */
export async function reachable(url: string): Promise<Finding> {
  try {
    const { status } = await fetch(`${url}/sign-in`, { redirect: 'manual', signal: AbortSignal.timeout(2_000) });
    return status < 500 ? { ok: true, message: null } : { ok: false, message: `web answers ${status}` };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return { ok: false, message: `web at ${url} cannot be reached (${cause?.code ?? message})` };
  }
}
