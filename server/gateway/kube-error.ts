/** Errors of the portal's own on the Kubernetes path, in the body that kubectl shows. */
import type { ServerResponse } from 'node:http';
import type { Correlation } from '../correlation.ts';
import type { KubeRequest } from '../domain/kube-request.ts';
import type { Problem } from '../domain/problem.ts';

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

/**
 * Measured with kubectl 1.36: a metav1.Status in JSON is shown on calls for resources, except at 500. On discovery,
 * which kubectl asks for first and keeps for hours, plain text is shown at 403 and 500, and no sentence in any form at
 * 503 and 504 ("the server is currently unable to handle the request"): those become 500 there, their code stays.
 */
function shownAs(status: number, request: KubeRequest | null): { status: number; plain: boolean } {
  const discovery = request !== null && !request.isResource;
  if (discovery && (status === 503 || status === 504)) return { status: 500, plain: true };
  return { status, plain: status === 500 || (discovery && status === 403) };
}

export type ErrorContext = {
  request: KubeRequest | null;
  correlation: Correlation;
  auditId: string | null;
  /** What a code is put behind for the address of its page. */
  errorDocs: string;
};

/** Answers and closes the connection where the request's body may be unread. Nothing is done once headers are out. */
export function answerProblem(response: ServerResponse, problem: Problem, context: ErrorContext): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const sentence = problem.next ? `${problem.message} ${problem.next}` : problem.message;
  const { status, plain } = shownAs(problem.status, context.request);
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
  if (context.auditId) headers['audit-id'] = context.auditId;
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer realm="sallyport"';
  if (problem.status === 429) headers['retry-after'] = problem.meta['retryAfterSeconds'] ?? '1';
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
    reason: reasons[problem.status] ?? 'InternalError',
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

function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 512);
}
