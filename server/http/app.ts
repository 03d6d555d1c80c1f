/** The REST API: what every request goes through, then the routes, then errors and the OpenAPI document. */
import type { ServerResponse } from 'node:http';
import { routePath } from 'hono/route';
import type { Person, Proof } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import { addressKey } from '../auth/rate-limit.ts';
import type { Logger } from '../log.ts';
import type { RateLimiter } from '../rate-limiter.ts';
import { bodyBounds } from './body-bounds.ts';
import type { AddressRanges } from '../address-ranges.ts';
import { clientAddress } from './client-address.ts';
import { correlate } from '../correlation.ts';
import { errorPage } from './error-page.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import { asProblem, problemBody, problemHeaders } from './problems.ts';
import { newRouter, type Router } from './router.ts';
import { changesState, requireSameOrigin } from './same-origin.ts';
import { healthSchema } from './schemas.ts';
import { collectUnconfirmed, UNCONFIRMED_HEADER } from './unconfirmed.ts';

/** Who a request's proof stands for. Undefined: nobody. Throws Problem `token-invalid` for a bearer that is not good. */
export type Identify = (proof: {
  authorization?: string | undefined;
  cookie?: string | undefined;
}) => Promise<Person | undefined>;

export type AppDeps = {
  /** `https://portal.example`: what Origin must be. */
  origin: string;
  trusted: AddressRanges;
  /** May read /metrics, and the words of /readyz, without a sign-in. */
  monitoring: AddressRanges;
  identify: Identify;
  /** See server/auth/live-proofs.ts. */
  /** By person, or by address where nobody is signed in. */
  rate: RateLimiter;
  hold(proof: Proof): Disposable & { readonly signal: AbortSignal };
  health: Health;
  metrics: Metrics;
  log: Logger;
  version: string;
  routes: Router[];
  /** Of the authorization server, at the addresses that it names. */
  oauth: Router;
};

export function buildApp(deps: AppDeps): Router {
  const app = newRouter();
  const log = deps.log.child({ part: 'http' });

  app.use(async (c, next) => {
    const started = performance.now();
    const correlation = correlate({
      correlationId: c.req.header('x-correlation-id'),
      traceparent: c.req.header('traceparent'),
    });
    c.set('correlationId', correlation.id);
    c.set(
      'clientAddress',
      clientAddress(c.env.incoming.socket.remoteAddress, c.req.header('x-forwarded-for'), deps.trusted),
    );
    const unconfirmed = await collectUnconfirmed(next);
    if (unconfirmed.size > 0) c.header(UNCONFIRMED_HEADER, String(unconfirmed.size));
    c.header('x-correlation-id', correlation.id);
    c.header('traceparent', correlation.traceparent);
    c.header('x-content-type-options', 'nosniff');
    c.header('referrer-policy', 'no-referrer');
    c.header('cross-origin-resource-policy', 'same-origin');
    if (!c.res.headers.has('content-security-policy'))
      c.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store');
    const ms = performance.now() - started;
    const route = routePath(c, -1);
    deps.metrics.request(c.req.method, route, c.res.status, ms);
    log.debug(
      {
        correlationId: correlation.id,
        method: c.req.method,
        route,
        status: c.res.status,
        ms: Math.round(ms),
        person: c.get('person')?.id,
      },
      'request',
    );
  });

  app.use('/api/v1/*', async (c, next) => {
    const authorization = c.req.header('authorization');
    const person = await deps.identify({ authorization, cookie: c.req.header('cookie') });
    c.set('person', person);
    await deps.rate.pass(person?.id ?? addressKey(c.get('clientAddress')));
    if (changesState(c.req.method) && person?.proof.kind !== 'api-token')
      requireSameOrigin(c.req.header('origin'), deps.origin);
    if (person) c.set('proofEnds', untilAnswered(deps.hold(person.proof), c.env.outgoing));
    await next();
  });

  app.use('/api/v1/*', bodyBounds);

  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/readyz', async (c) => {
    const report = await deps.health.report();
    const known = deps.monitoring(c.get('clientAddress'));
    const shown = known ? report : { ready: report.ready };
    return c.json(shown, report.ready ? 200 : 503);
  });
  for (const path of ['/docs/errors/', '/docs/errors/:code'])
    app.get(path, (c) => {
      const page = errorPage(c.req.param('code') ?? 'README');
      c.header('content-security-policy', page.csp);
      return c.html(page.body, page.found ? 200 : 404);
    });
  app.get('/metrics', async (c) => {
    if (!deps.monitoring(c.get('clientAddress')))
      throw new Problem('forbidden', 403, 'Metrics are read from the monitoring addresses only.', {
        next: 'Name them in SALLYPORT_MONITORING_FROM.',
      });
    return c.body(await deps.metrics.registry.metrics(), 200, { 'content-type': deps.metrics.registry.contentType });
  });

  app.route('/', deps.oauth);
  for (const routes of deps.routes) app.route('/api/v1', routes);
  describe(app, deps);

  app.notFound((c) => {
    const problem = new Problem('not-found', 404, 'There is nothing at this address.', {
      next: 'See /api/v1/openapi.json for the routes there are.',
    });
    return c.body(JSON.stringify(problemBody(problem, c.get('correlationId'))), 404, problemHeaders(problem));
  });

  app.onError((error, c) => {
    const problem = asProblem(error);
    if (problem.status >= 500)
      log.error(
        { correlationId: c.get('correlationId'), err: problem.cause ?? problem, code: problem.code },
        problem.message,
      );
    const body = JSON.stringify(problemBody(problem, c.get('correlationId')));
    return c.body(body, problem.status as 500, problemHeaders(problem));
  });
  return app;
}

/** A download that is under way when its sign-in or token ends is cut; an answer that has not begun is still given. */
function untilAnswered(hold: ReturnType<AppDeps['hold']>, outgoing: ServerResponse): AbortSignal {
  const cut = () => {
    if (outgoing.headersSent) outgoing.destroy();
  };
  hold.signal.addEventListener('abort', cut, { once: true });
  outgoing.once('close', () => hold[Symbol.dispose]());
  return hold.signal;
}

function describe(app: Router, deps: AppDeps): void {
  app.openAPIRegistry.register('Health', healthSchema);
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiToken', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API token, made at POST /api/v1/me/tokens.',
  });
  app.doc31('/api/v1/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Sallyport', version: deps.version, license: { name: 'Apache-2.0' } },
    servers: [{ url: deps.origin }],
    security: [{ apiToken: [] }],
  });
}
