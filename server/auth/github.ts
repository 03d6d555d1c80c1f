/** GitHub's OAuth, of github.com or an Enterprise Server: who it is, and which organisations and teams they are in. */
import { Problem } from '../domain/problem.ts';
import type { Identity } from './accounts.ts';
import { fetchJson } from './outbound.ts';

export type GithubOptions = {
  clientId: string;
  clientSecret: string;
  /** `org` or `org/team` (lower case) → group. */
  groups: ReadonlyMap<string, string>;
  url: string;
  apiUrl: string;
};

/** A page of GitHub's lists, and how many are read: nobody is in more teams than that. */
const PAGE = 100;
const MOST_PAGES = 10;

export class GithubProvider {
  readonly #options: GithubOptions;

  constructor(options: GithubOptions) {
    this.#options = options;
  }

  /**
   * Exchanges the code, verifies that the token is our application's, reads who it is, and gives the token back.
   * Throws Problem `code-refused`, `token-not-ours`, `not-a-member`, `provider-unavailable`.
   */
  async redeem(proof: { code: string; codeVerifier: string; redirectUri: string }): Promise<Identity> {
    const token = await this.#exchange(proof);
    try {
      await this.#verify(token);
      return await this.#identity(token);
    } finally {
      await this.#giveBack(token);
    }
  }

  async #exchange(proof: { code: string; codeVerifier: string; redirectUri: string }): Promise<string> {
    const { clientId, clientSecret, url } = this.#options;
    const form = new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret,
      code: proof.code,
      code_verifier: proof.codeVerifier,
      redirect_uri: proof.redirectUri,
    });
    const { body } = await fetchJson(`${url}/login/oauth/access_token`, { method: 'POST', body: form });
    const answer = body as { access_token?: unknown; error?: unknown } | null;
    if (typeof answer?.access_token !== 'string')
      throw new Problem('code-refused', 401, 'GitHub did not confirm this sign-in.', {
        next: 'Sign in again.',
        meta: typeof answer?.error === 'string' ? { error: answer.error.slice(0, 100) } : {},
      });
    return answer.access_token;
  }

  /** A token that GitHub issued to another application proves nothing here. */
  async #verify(token: string): Promise<void> {
    const { status, body } = await fetchJson(
      this.#application(),
      { method: 'POST', headers: this.#asApplication(), body: JSON.stringify({ access_token: token }) },
      (code) => [200, 404, 422].includes(code),
    );
    const app = (body as { app?: { client_id?: unknown } } | null)?.app;
    if (status !== 200 || app?.client_id !== this.#options.clientId)
      throw new Problem('token-not-ours', 401, 'GitHub’s token belongs to another application.', {
        next: 'Sign in again.',
      });
  }

  async #identity(token: string): Promise<Identity> {
    const user = (await this.#read(token, '/user')) as {
      id?: unknown;
      login?: unknown;
      name?: unknown;
      email?: unknown;
    };
    if (typeof user.id !== 'number' || typeof user.login !== 'string')
      throw new Problem('provider-unavailable', 502, 'GitHub did not say who you are.', {
        next: 'Try again; if it stays, tell an administrator.',
      });
    const memberships = await this.#memberships(token);
    const groups = [...this.#options.groups].filter(([place]) => memberships.has(place)).map(([, group]) => group);
    if (!groups.length)
      throw new Problem('not-a-member', 403, `${user.login} is in none of the organisations that may sign in here.`, {
        next: 'Ask an administrator of the organisation, and let it see this application (GitHub: Settings, Applications).',
      });
    const email = typeof user.email === 'string' && user.email ? user.email.toLowerCase() : user.login.toLowerCase();
    return {
      provider: 'github',
      issuer: this.#options.url,
      // The number: a login can be given up and taken by somebody else.
      subject: String(user.id),
      email,
      name: typeof user.name === 'string' && user.name ? user.name : user.login,
      groups,
    };
  }

  /** `org` and `org/team`, lower case. */
  async #memberships(token: string): Promise<Set<string>> {
    const found = new Set<string>();
    for (const org of await this.#pages(token, '/user/memberships/orgs', { state: 'active' })) {
      const login = (org as { organization?: { login?: unknown } }).organization?.login;
      if (typeof login === 'string') found.add(login.toLowerCase());
    }
    for (const team of await this.#pages(token, '/user/teams', {})) {
      const { slug, organization } = team as { slug?: unknown; organization?: { login?: unknown } };
      if (typeof slug === 'string' && typeof organization?.login === 'string')
        found.add(`${organization.login}/${slug}`.toLowerCase());
    }
    return found;
  }

  async #pages(token: string, path: string, query: Record<string, string>): Promise<unknown[]> {
    const items: unknown[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const params = new URLSearchParams({ ...query, per_page: String(PAGE), page: String(page) });
      const some = await this.#read(token, `${path}?${params}`);
      if (!Array.isArray(some)) break;
      items.push(...some);
      if (some.length < PAGE) break;
    }
    return items;
  }

  async #read(token: string, path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/vnd.github+json' };
    return (await fetchJson(`${this.#options.apiUrl}${path}`, { headers })).body;
  }

  /** The portal keeps no key of anybody's: the token has said what it was asked for. */
  async #giveBack(token: string): Promise<void> {
    const init = { method: 'DELETE', headers: this.#asApplication(), body: JSON.stringify({ access_token: token }) };
    // It expires unused otherwise; the sign-in is none the worse for it.
    await fetchJson(this.#application(), init, () => true).catch(() => {});
  }

  #application(): string {
    return `${this.#options.apiUrl}/applications/${encodeURIComponent(this.#options.clientId)}/token`;
  }

  #asApplication(): Record<string, string> {
    const pair = `${this.#options.clientId}:${this.#options.clientSecret}`;
    return {
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
      accept: 'application/vnd.github+json',
      'content-type': 'application/json',
    };
  }
}
