/** The portal as this program talks to it: its authorization server's endpoints, and REST with a sign-in's token. */
import { Failure, plain } from './failure.ts';
import { ask, type Answer } from './http.ts';

export const CLIENT_ID = 'sallyport-cli';

export type Metadata = {
  authorization_endpoint: string;
  token_endpoint: string;
  device_authorization_endpoint: string;
  revocation_endpoint: string;
};
export type Token = { access_token: string; expires_in: number };

/** An answer of the authorization server that is no success, RFC 6749 5.2. */
export class OauthRefusal extends Failure {
  override name = 'OauthRefusal';
  readonly error: string;
  /** Seconds. */
  readonly retryAfter: number | undefined;
  constructor(error: string, message: string, retryAfter: number | undefined) {
    super(message);
    this.error = error;
    this.retryAfter = retryAfter;
  }
}

/** A problem document of the portal, RFC 9457. */
export class Refusal extends Failure {
  override name = 'Refusal';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class Portal {
  readonly origin: string;
  readonly #authority: string | null;

  constructor(origin: string, authority: string | null) {
    this.origin = origin;
    this.#authority = authority;
  }

  /** RFC 8414 3.3: the issuer must be whom was asked, and here nobody else's endpoints are used. */
  async metadata(): Promise<Metadata> {
    const answer = await this.#ask('GET', `${this.origin}/.well-known/oauth-authorization-server`, {});
    const found = parsed(answer.text) as (Metadata & { issuer?: string }) | null;
    if (answer.status !== 200 || !found)
      throw new Failure(`There is no Sallyport portal at ${this.origin}, or one that is too old for this program.`);
    const endpoints = [
      found.authorization_endpoint,
      found.token_endpoint,
      found.device_authorization_endpoint,
      found.revocation_endpoint,
    ];
    if (found.issuer !== this.origin)
      throw new Failure(
        `The portal at ${this.origin} calls itself ${plain(String(found.issuer))}. Use that address, if you trust it.`,
      );
    if (!endpoints.every((endpoint) => typeof endpoint === 'string' && endpoint.startsWith(`${this.origin}/`)))
      throw new Failure(`The portal at ${this.origin} sends sign-ins to another address, which this program does not.`);
    return found;
  }

  /** A form to one of the endpoints. Throws {@link OauthRefusal}. */
  async form<T>(endpoint: string, fields: Record<string, string>): Promise<T> {
    const body = new URLSearchParams({ client_id: CLIENT_ID, ...fields }).toString();
    const answer = await this.#ask('POST', endpoint, { 'content-type': 'application/x-www-form-urlencoded' }, body);
    const found = parsed(answer.text) as (T & { error?: string; error_description?: string }) | null;
    if (answer.status === 200) return found as T;
    const error = typeof found?.error === 'string' ? found.error : 'server_error';
    const words = plain(String(found?.error_description ?? `The portal answered with status ${answer.status}.`));
    throw new OauthRefusal(error, words, Number(answer.headers['retry-after']) || undefined);
  }

  /** REST. Throws {@link Refusal}; 401 is told as a sign-in that has ended. */
  async api<T>(token: string, method: string, path: string, body?: object): Promise<T> {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const answer = await this.#ask(method, `${this.origin}/api/v1${path}`, headers, sent);
    if (answer.status >= 200 && answer.status < 300) return parsed(answer.text) as T;
    if (answer.status === 401) throw signInOver(this.origin);
    throw new Refusal(answer.status, sentenceOf(answer));
  }

  #ask(method: string, url: string, headers: Record<string, string>, body?: string): Promise<Answer> {
    return ask(url, { method, headers, authority: this.#authority, ...(body === undefined ? {} : { body }) });
  }
}

export function signInOver(origin: string): Refusal {
  return new Refusal(
    401,
    `You are not signed in at ${origin}, or not any more. Run: sallyport login --portal ${origin}`,
  );
}

function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function sentenceOf(answer: Answer): string {
  const problem = parsed(answer.text) as { title?: unknown; next?: unknown } | null;
  if (typeof problem?.title !== 'string') return `The portal answered with status ${answer.status}. Try again.`;
  return plain(typeof problem.next === 'string' ? `${problem.title} ${problem.next}` : problem.title);
}
