/** What the engine says, as Problems. */
import { Problem } from '../../server/domain/problem.ts';

export const ENGINE_NEXT = 'Try again; if it stays, the engine’s own log tells an administrator more.';

type EngineError = Error & { statusCode?: number; code?: string; json?: { message?: string } };

/** `engine-unavailable` where it does not answer, `sandbox-image-missing`, `sandbox-runtime-missing`, and `sandbox-failed` for the rest. */
export function engineProblem(error: unknown, doing: string): Problem {
  if (error instanceof Problem) return error;
  const { statusCode, code, message, json } = error as EngineError;
  if (statusCode === undefined && code !== undefined)
    return new Problem('engine-unavailable', 503, `The container engine does not answer (${code}).`, {
      next: 'Start the container engine, or correct its address, and try again.',
      cause: error,
    });
  const said = json?.message ?? message;
  if (statusCode === 404 && /no such image/i.test(said))
    return new Problem('sandbox-image-missing', 503, "The sandbox's image is not in the container engine.", {
      next: 'Start the portal anew, which builds it, or load the configured image.',
      cause: error,
    });
  const runtime = /unknown (?:or invalid )?runtime(?: name| specified)?:? ?"?([\w.-]+)/i.exec(said)?.[1];
  if (runtime)
    return new Problem('sandbox-runtime-missing', 503, `The container engine has no runtime ${runtime}.`, {
      next: 'Install it in the engine, or change SALLYPORT_SANDBOX_RUNTIME, and start the portal anew.',
      cause: error,
    });
  return new Problem('sandbox-failed', 503, `The container engine could not ${doing}: ${said}`, {
    next: ENGINE_NEXT,
    cause: error,
  });
}

export function sandboxGone(sandbox: string, cause?: unknown): Problem {
  return new Problem('sandbox-gone', 410, `The sandbox ${sandbox} does not run any more.`, {
    next: 'Open a new session.',
    cause,
  });
}

/** Whether the engine says that the thing is not there, or is going already. */
export function isGone(error: unknown): boolean {
  const { statusCode, message } = error as EngineError;
  return statusCode === 404 || (statusCode === 409 && /already in progress/.test(message));
}
