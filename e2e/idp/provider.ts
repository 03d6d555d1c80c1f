/** A real, certified OpenID provider with three people, for development, demos and tests. Loopback only. */
import { timingSafeEqual, createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Provider } from 'oidc-provider';
import { loginPage, logoutPage, messagePage } from './pages.ts';
import { issuerOf } from './people.ts';
import type { Demonstrator, ProviderState } from './people.ts';

/** Paths on the portal that the provider may send the browser back to. */
const CALLBACK = '/api/auth/callback/oidc';

function samePassword(given: string, expected: string): boolean {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

export function makeProvider(state: ProviderState): Provider {
  const find = (email: string): Demonstrator | undefined => state.people.find((person) => person.email === email);
  const provider = new Provider(issuerOf(state), {
    clients: [
      {
        client_id: state.clientId,
        client_secret: state.clientSecret,
        // RFC 8252, 7.3: for such a client the port of a loopback address does not count, so one provider serves
        // every portal on this machine.
        application_type: 'native',
        redirect_uris: [`http://localhost${CALLBACK}`, `http://127.0.0.1${CALLBACK}`],
        post_logout_redirect_uris: ['http://localhost/', 'http://127.0.0.1/'],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [state.signingKey] },
    cookies: { keys: [state.cookieKey] },
    // Puts name, email and groups into the id token, as Keycloak, Okta and Entra do.
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        logoutSource: (context, form) => void (context.body = logoutPage(form)),
        postLogoutSuccessSource: (context) =>
          void (context.body = messagePage('Signed out', 'You may close this page.')),
      },
    },
    renderError: (context, out) => {
      context.type = 'html';
      context.body = messagePage('This did not work', `${out.error}: ${out.error_description ?? ''}`);
    },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    ttl: { Session: 12 * 3600, Grant: 12 * 3600, Interaction: 600, IdToken: 600, AccessToken: 600 },
    findAccount: (_context, id) => {
      const person = find(id);
      if (!person) return undefined;
      return {
        accountId: id,
        claims: () => ({
          sub: person.email,
          email: person.email,
          email_verified: true,
          name: person.name,
          groups: person.groups,
        }),
      };
    },
    // Everybody agrees: there is one client, the person's own portal.
    loadExistingGrant: async (context) => {
      const { client, session, params } = context.oidc;
      const grant = new context.oidc.provider.Grant({ clientId: client!.clientId, accountId: session!.accountId! });
      grant.addOIDCScope(String(params!['scope'] ?? 'openid'));
      await grant.save();
      return grant;
    },
  });
  return provider;
}

/** Serves the provider, with its sign-in form at `/sign-in/<uid>`. */
export function handler(
  provider: Provider,
  state: ProviderState,
): (request: IncomingMessage, response: ServerResponse) => void {
  const rest = provider.callback();
  const signIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const interaction = await provider.interactionDetails(request, response);
    if (interaction.prompt.name === 'consent')
      return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true });
    const action = `/sign-in/${interaction.uid}`;
    const page = (status: number, email: string, error?: string): void => {
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      response.end(loginPage({ action, email, ...(error ? { error } : {}) }));
    };
    if (request.method !== 'POST') return page(200, String(interaction.params['login_hint'] ?? ''));
    const form = new URLSearchParams((await text(request)).slice(0, 4096));
    const email = (form.get('email') ?? '').trim().toLowerCase();
    const person = state.people.find((one) => one.email === email);
    if (!person || !samePassword(form.get('password') ?? '', person.password))
      return page(401, email, 'Email or password is wrong.');
    return provider.interactionFinished(request, response, { login: { accountId: person.email } });
  };
  return (request, response) => {
    if (!request.url?.startsWith('/sign-in/')) return void rest(request, response);
    signIn(request, response).catch(() => {
      // An interaction that ran out, or whose cookie this browser does not hold.
      response.writeHead(400, { 'content-type': 'text/plain' }).end('This sign-in has run out. Start again.');
    });
  };
}
