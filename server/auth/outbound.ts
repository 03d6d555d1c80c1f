/** Calls to identity providers: bounded in time and size, redirects not followed. */
import { Problem } from '../domain/problem.ts';
import { readBounded } from '../domain/read-bounded.ts';

/** Ms. */
const PATIENCE_MS = 10_000;
/** Bytes; metadata, keys and user facts are far smaller. */
const MOST_BYTES = 1024 * 1024;

/** The JSON object behind `url`. Throws Problem `provider-unavailable`, naming host and reason, never a token. */
export async function fetchJson(
  url: string,
  init: RequestInit = {},
  accept: (status: number) => boolean = (status) => status === 200,
): Promise<{ status: number; body: unknown }> {
  const host = new URL(url).host;
  try {
    const response = await fetch(url, {
      ...init,
      headers: { accept: 'application/json', 'user-agent': 'sallyport', ...init.headers },
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const bytes = await readBounded(response.body ?? [], MOST_BYTES, () => new Error('its answer is too long'));
    const text = bytes.toString('utf8');
    if (!accept(response.status)) throw new Error(`it answered ${response.status}`);
    return { status: response.status, body: text ? JSON.parse(text) : null };
  } catch (cause) {
    const { message, cause: deeper } = cause as Error & { cause?: { code?: string } };
    throw new Problem(
      'provider-unavailable',
      502,
      `The identity provider at ${host} could not be asked (${deeper?.code ?? message}).`,
      {
        next: 'Try again; if it stays, tell an administrator.',
        meta: { host },
        cause,
      },
    );
  }
}
