/** Errors of the portal's own on the Kubernetes path, in the body that kubectl shows. */
import type { ServerResponse } from 'node:http';
import type { Correlation } from '../correlation.ts';
import type { KubeRequest } from '../domain/kube-request.ts';
import type { Problem } from '../domain/problem.ts';
import { escapeHtml, longPage } from '../plain-page.ts';
import { showsPage } from './shows-page.ts';

/** metav1.StatusReason for a status; kubectl prints it before the message. */
const reasons: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** How the sentence travels: in a metav1.Status or as the plain body, and in a warning besides. */
type Shape = { plain: boolean; warns: boolean };

/**
 * Measured with kubectl 1.33 to 1.36: docs/errors/kubectl.md. On calls for resources a metav1.Status in JSON is shown at
 * every status. On discovery, `version` and their kin none is: there the sentence of a plain body is shown at those
 * statuses where client-go takes the server's own words, and everywhere else the body is dropped for a sentence of
 * kubectl's own. What is always shown, first and once, is a Warning header.
 */
function shapeOf(status: number, request: KubeRequest | null): Shape {
  // Not understood, so perhaps either.
  if (request === null) return { plain: false, warns: true };
  if (request.isResource) return { plain: false, warns: isDropped(status, request) };
  const ownWords = status === 403 || status === 415 || (status >= 500 && status !== 503 && status !== 504);
  return { plain: ownWords, warns: !ownWords };
}

/** Where a client reads the status of a call for a resource, and none of its words. */
function isDropped(status: number, { verb, resource, group }: KubeRequest): boolean {
  // `kubectl auth whoami` takes these for a cluster that does not offer it, and says that.
  if (group === 'authentication.k8s.io' && resource === 'selfsubjectreviews') return status === 403 || status === 404;
  // Whatever keeps a cache, `kubectl wait` and `rollout status` among them, comes again without a word.
  return status === 429 && verb === 'watch';
}

export type ErrorContext = {
  request: KubeRequest | null;
  correlation: Correlation;
  auditId: string | null;
  /** What a code is put behind for the address of its page. */
  errorDocs: string;
};

type ErrorAnswer = { status: number; headers: Record<string, string | number>; body: string };

/** The whole answer, wherever it is written. */
export function errorAnswer(problem: Problem, context: ErrorContext): ErrorAnswer {
  const { status } = problem;
  const sentence = problem.next ? `${problem.message} ${problem.next}` : problem.message;
  const { plain, warns } = shapeOf(status, context.request);
  const body = plain ? `${sentence}\n` : JSON.stringify(statusBody(problem, sentence, context.request));
  const headers: Record<string, string | number> = {
    'content-type': plain ? 'text/plain; charset=utf-8' : 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-sallyport-error-code': problem.code,
    'x-correlation-id': context.correlation.id,
    // W3C Trace Context, level 2 (draft): the caller's trace, or the one that began here.
    traceresponse: context.correlation.traceparent,
    // RFC 8288.
    link: `<${context.errorDocs}${problem.code}>; rel="help"`,
  };
  for (const [key, value] of Object.entries(problem.meta)) headers[metaName(key)] = headerText(value);
  if (warns) headers['warning'] = `299 sallyport "${headerText(sentence).replace(/["\\]/g, '\\$&')}"`;
  if (context.auditId) headers['audit-id'] = context.auditId;
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="sallyport"';
  // Only where waiting helps: client-go tries ten times by it before it says anything.
  const retryAfter = problem.meta['retryAfterSeconds'];
  if (retryAfter !== undefined) headers['retry-after'] = retryAfter;
  return { status, headers, body };
}

/** The same answer for a person in front of a browser: a page instead of an object. */
function errorPage(problem: Problem, context: ErrorContext): ErrorAnswer {
  const { status, headers } = errorAnswer(problem, context);
  const { code, message, next } = problem;
  const help = `${context.errorDocs}${code}`;
  const page = longPage(
    status < 500 ? 'This is refused' : 'This could not be answered',
    `<p>${escapeHtml(message)}</p><p>${escapeHtml(next ?? '')}</p><p><a href="${escapeHtml(help)}"><code>${escapeHtml(code)}</code></a></p>`,
  );
  return {
    status,
    headers: {
      ...headers,
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(page.body),
      'content-security-policy': page.csp,
    },
    body: page.body,
  };
}

/** Answers and closes the connection where the request's body may be unread. Nothing is done once headers are out. */
export function answerProblem(response: ServerResponse, problem: Problem, context: ErrorContext): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = showsPage(response.req)
    ? errorPage(problem, context)
    : errorAnswer(problem, context);
  response.shouldKeepAlive = false;
  response.writeHead(status, headers);
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** metav1.Status of the API conventions. */
function statusBody(problem: Problem, message: string, request: KubeRequest | null) {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reasons[problem.status] ?? (problem.status < 500 ? 'BadRequest' : 'InternalError'),
    details: {
      ...(request?.name ? { name: request.name } : {}),
      ...(request?.group ? { group: request.group } : {}),
      ...(request?.resource ? { kind: request.resource } : {}),
      causes: [{ reason: problem.code, message: problem.message }],
    },
    code: problem.status,
  };
}

function metaName(key: string): string {
  return `x-sallyport-error-meta-${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Header bytes that every client takes: typographic marks as ASCII has them, nothing else beyond it. */
function headerText(text: string): string {
  return text
    .replace(/[‘’]/g, "'")
    .replace(/[“”]/g, '"')
    .replace(/…/g, '...')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 512);
}
