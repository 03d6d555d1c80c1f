/** Errors as `application/problem+json` (RFC 9457), always with the correlation id that the log line carries. */
import { HTTPException } from 'hono/http-exception';
import { isDatabaseAway } from '../domain/database-away.ts';
import { Problem } from '../domain/problem.ts';
import { databaseUnavailable, internalProblem } from '../domain/shared-problems.ts';
import type { ProblemBody } from './schemas.ts';

/** What went wrong, as a Problem; anything that is not one already is a fault of ours, whose cause stays in the log. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HTTPException && error.status < 500)
    return new Problem('bad-request', error.status, error.message || 'The request could not be read.', {
      cause: error.cause,
    });
  if (isUnstorable(error))
    return new Problem('invalid-request', 400, 'The request holds a character that no text may have (U+0000).', {
      next: 'Leave it out.',
      cause: error,
    });
  if (isDatabaseAway(error)) return databaseUnavailable(error);
  return internalProblem(error);
}

/** Postgres refused a text for its characters: 22021 in a text, 22P05 in JSON. */
function isUnstorable(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return code === '22021' || code === '22P05' || (cause !== undefined && isUnstorable(cause));
}

/** The body. `type` only names the code: there is no page behind it (RFC 9457 3.1.1). */
export function problemBody(problem: Problem, correlationId: string): ProblemBody {
  return {
    type: `urn:sallyport:problem:${problem.code}`,
    title: problem.message,
    status: problem.status,
    code: problem.code,
    ...(problem.next ? { next: problem.next } : {}),
    correlationId,
    ...(Object.keys(problem.meta).length ? { meta: problem.meta } : {}),
  };
}

/** Headers that a status asks for: RFC 9110 wants WWW-Authenticate with each 401. */
export function problemHeaders(problem: Problem): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  if (problem.status === 401) headers['www-authenticate'] = 'Bearer realm="sallyport"';
  if (problem.meta['retryAfterSeconds']) headers['retry-after'] = problem.meta['retryAfterSeconds'];
  return headers;
}
