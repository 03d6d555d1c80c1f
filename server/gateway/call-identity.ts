/** Who acts on the cluster for a call, as headers that prove and name them. */
import type { Impersonated } from '../domain/forwarded-headers.ts';
import { headerBytes } from '../domain/impersonation.ts';
import { Problem } from '../domain/problem.ts';
import type { Admission } from './door.ts';

// The account is made while the shell starts: a call in the first moments waits for it, not forever.
const ACCOUNT_WAIT_MS = 30_000;

/**
 * The session's own account, and whom it acts as where its role lets it. Throws the signal's reason, or Problem
 * `account-not-ready` and those of the account.
 */
export async function accountHeaders(
  admission: Pick<Admission, 'tokenAtHand' | 'upstreamToken'>,
  as: Impersonated | null,
  signal: AbortSignal,
): Promise<string[]> {
  const token = admission.tokenAtHand() ?? (await waitedFor(admission, signal));
  const others = as
    ? ['impersonate-user', as.user, ...as.groups.flatMap((group) => ['impersonate-group', group])].map(headerBytes)
    : [];
  return ['authorization', `Bearer ${token}`, ...others];
}

async function waitedFor(admission: Pick<Admission, 'upstreamToken'>, signal: AbortSignal): Promise<string> {
  const wait = AbortSignal.any([signal, AbortSignal.timeout(ACCOUNT_WAIT_MS)]);
  try {
    return await admission.upstreamToken(wait);
  } catch (error) {
    throw signal.aborted ? signal.reason : asAccountProblem(error);
  }
}

function asAccountProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem('account-not-ready', 503, "The session's account on the cluster is not ready.", {
    next: 'Try again in a moment.',
    cause: error,
  });
}
