/** The two things that web asks of the portal's internal listener. */
import type { ProblemBody } from '../../../server/http/schemas.ts';
import type { SignInSettings } from '../../../server/http/internal.ts';
import type { Proof } from '../../../server/auth/sign-ins.ts';

export type { SignInSettings };

/** Why the portal refused a proof. */
export class Refused extends Error {
  readonly problem: Pick<ProblemBody, 'title' | 'code' | 'status' | 'next'>;

  constructor(problem: Pick<ProblemBody, 'title' | 'code' | 'status' | 'next'>) {
    super(problem.title);
    this.problem = problem;
  }
}

export async function readSettings(): Promise<SignInSettings> {
  return (await call('/sign-in/settings')) as SignInSettings;
}

/** Throws {@link Refused}. */
export async function redeem(signIn: string, proof: Proof): Promise<{ id: string; name: string; email: string }> {
  return (await call('/sign-in/redeem', { signIn, proof })) as { id: string; name: string; email: string };
}

async function call(path: string, body?: unknown): Promise<unknown> {
  const base = process.env['SALLYPORT_INTERNAL_URL'];
  if (!base) throw new Error('SALLYPORT_INTERNAL_URL is not set: web is started by the portal');
  const response = await fetch(base + path, {
    ...(body === undefined
      ? {}
      : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    cache: 'no-store',
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Refused(answer as ProblemBody);
  return answer;
}
