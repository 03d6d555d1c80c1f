import type { ProblemBody } from '../../server/http/schemas.ts';

/**
 * Whatever went wrong with a call to the portal, in one shape: problem+json as it came, and for the network and for
 * answers that are no problem document a problem of the same shape, so that a page shows every error the same way.
 */
export class PortalError extends Error {
  override name = 'PortalError';
  readonly problem: ProblemBody;

  constructor(problem: ProblemBody, cause?: unknown) {
    super(problem.detail ?? problem.title, { cause });
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }

  get code(): string {
    return this.problem.code;
  }
}

/** Status 0: the portal gave no answer. */
export function unreachable(cause: unknown): PortalError {
  return new PortalError(
    {
      type: 'about:blank',
      title: 'The portal cannot be reached',
      status: 0,
      code: 'network',
      detail: 'The request got no answer: this computer is offline, or the portal is restarting.',
      next: 'It is tried again by itself; if it lasts, check your network.',
    },
    cause,
  );
}

/** Reads the problem out of a response that is not ok. Never throws. */
export async function problemOf(response: Response): Promise<PortalError> {
  const correlationId = response.headers.get('x-correlation-id') ?? undefined;
  try {
    const body = (await response.json()) as Partial<ProblemBody>;
    if (typeof body.code === 'string' && typeof body.title === 'string')
      return new PortalError({ correlationId, ...body, status: response.status } as ProblemBody);
  } catch {
    // No JSON: the sentence below is all that can be said.
  }
  return new PortalError({
    type: 'about:blank',
    title: response.status >= 500 ? 'The portal failed' : 'The portal refused this',
    status: response.status,
    code: `http-${response.status}`,
    detail: `The answer was HTTP ${response.status} without an explanation.`,
    next: 'Try again; if it lasts, give the correlation id to an administrator.',
    correlationId,
  });
}

/** Any thrown thing as a problem; what is not the portal's is a fault of the page. */
export function toProblem(error: unknown): ProblemBody {
  if (error instanceof PortalError) return error.problem;
  return {
    type: 'about:blank',
    title: 'This page failed',
    status: 0,
    code: 'page-fault',
    detail: error instanceof Error ? error.message : String(error),
    next: 'Reload the page; if it fails again, tell an administrator what you did.',
  };
}
