/**
 * Cross-origin requests at the gateway's own address (Fetch, "CORS protocol"): pages of origins that the operator names may
 * call it with a bearer that they hold. Never with what a browser sends by itself, so nothing allows credentials. Pure.
 */

/** What an answer to a page of a named origin says besides, as name and value. */
export type CorsHeaders = readonly (readonly [string, string])[];

/** Of the portal's, and what Kubernetes' clients read. */
const EXPOSED = [
  'Audit-Id',
  'Link',
  'Retry-After',
  'Traceresponse',
  'Warning',
  'X-Correlation-Id',
  'X-Kubernetes-Pf-Flowschema-Uid',
  'X-Kubernetes-Pf-Prioritylevel-Uid',
  'X-Sallyport-Error-Code',
];
/** What a page may send; the rest of what Kubernetes reads is in the query. */
const ALLOWED = [
  'accept',
  'accept-language',
  'authorization',
  'content-type',
  'if-match',
  'if-none-match',
  'traceparent',
  'x-correlation-id',
];
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
/** Browsers keep the answer to a preflight no longer than this anyway (Chromium: two hours). */
const KEPT_SECONDS = '600';

/**
 * Of each answer where origins are named, whoever asked: no cache gives one page's answer to another (the cluster calls some
 * of its own public).
 */
export const VARIES: CorsHeaders = [['vary', 'Origin']];

/** Null: the request is of no page, or of one whose origin nobody named. */
export function corsHeaders(origin: string | undefined, named: readonly string[]): CorsHeaders | null {
  if (origin === undefined || !named.includes(origin)) return null;
  return [['access-control-allow-origin', origin], ['access-control-expose-headers', EXPOSED.join(', ')], ...VARIES];
}

/** Whether it asks for leave first. It carries no credential, and reaches no cluster. */
export function isPreflight(method: string, headers: { origin?: string | undefined } & NodeHeaders): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}
type NodeHeaders = Record<string, string | string[] | undefined>;

/** What a preflight of a named origin is answered with. */
export function preflightHeaders(origin: string): CorsHeaders {
  return [
    ['access-control-allow-origin', origin],
    ['access-control-allow-methods', METHODS],
    ['access-control-allow-headers', ALLOWED.join(', ')],
    ['access-control-max-age', KEPT_SECONDS],
    ['vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'],
  ];
}
