/** next-auth's options for one request: providers, cookies of this instance, and the portal as the one who redeems. */
import type { AuthOptions, CookieOption } from 'next-auth';
import type { OAuthConfig } from 'next-auth/providers/oauth';
import CredentialsProvider from 'next-auth/providers/credentials';
import { redeem, type SignInSettings } from './portal.ts';
import { returnAddress } from './return-address.ts';

/** What the portal knows of somebody who just signed in. */
type Redeemed = { id: string; name: string; email: string };

/** Seconds. next-auth's own session authorises nothing; it exists because next-auth cannot do without one. */
const OWN_SESSION_SECONDS = 60;
/** Seconds that a person may spend at the provider. */
const ROUND_TRIP_SECONDS = 15 * 60;

export function callbackUrlCookie(instance: string): string {
  return `__Host-sallyport-auth-${instance}.return`;
}

/** `signIn`: the portal's one-time name for this request; empty where it is no callback. */
export function authOptions(
  settings: SignInSettings,
  signIn: string,
  onRefused: (error: unknown) => void,
): AuthOptions {
  const refusing = async (work: () => Promise<Redeemed>): Promise<Redeemed> => {
    try {
      return await work();
    } catch (error) {
      onRefused(error);
      throw error;
    }
  };
  const providers: AuthOptions['providers'] = [];
  if (settings.oidc) {
    const { name, clientId, scopes, issuer, authorizationEndpoint: url } = settings.oidc;
    providers.push(
      codeProvider(
        'oidc',
        { name, clientId, issuer, url, scope: scopes, checks: ['pkce', 'state', 'nonce'] },
        signIn,
        refusing,
      ),
    );
  }
  if (settings.github) {
    const { clientId, url } = settings.github;
    const authorize = `${url}/login/oauth/authorize`;
    const scope = 'read:user user:email read:org';
    providers.push(
      codeProvider(
        'github',
        { name: 'GitHub', clientId, issuer: url, url: authorize, scope, checks: ['pkce', 'state'] },
        signIn,
        refusing,
      ),
    );
  }
  if (settings.local)
    providers.push(
      CredentialsProvider({
        credentials: { email: {}, password: {} },
        authorize: (fields) =>
          refusing(() =>
            redeem(signIn, { provider: 'local', email: fields?.email ?? '', password: fields?.password ?? '' }),
          ),
      }),
    );
  return {
    providers,
    session: { strategy: 'jwt', maxAge: OWN_SESSION_SECONDS },
    pages: { signIn: '/sign-in', error: '/sign-in' },
    cookies: cookies(settings.instance),
    useSecureCookies: true,
    callbacks: { redirect: ({ url, baseUrl }) => baseUrl + returnAddress(url, baseUrl) },
    // Refusals are the portal's to log; next-auth's lines could hold codes.
    logger: { error: () => {}, warn: () => {}, debug: () => {} },
  };
}

type CodeProvider = {
  name: string;
  clientId: string;
  issuer: string;
  url: string;
  scope: string;
  checks: ('pkce' | 'state' | 'nonce')[];
};

function codeProvider(
  id: 'oidc' | 'github',
  { name, clientId, issuer, url, scope, checks }: CodeProvider,
  signIn: string,
  refusing: (work: () => Promise<Redeemed>) => Promise<Redeemed>,
): OAuthConfig<Redeemed> {
  let person: Redeemed | undefined;
  return {
    id,
    name,
    type: 'oauth',
    clientId,
    issuer,
    checks,
    authorization: { url, params: { scope, response_type: 'code' } },
    token: {
      async request({ params, checks: expected, provider }) {
        if (!expected.state || params.state !== expected.state) throw new Error('the state is another one');
        // RFC 9207: an answer that another provider gave is not redeemed at this one (mix-up).
        if (params['iss'] !== undefined && id === 'oidc' && params['iss'] !== issuer) throw new Error('another issuer');
        if (!params.code || !expected.code_verifier) throw new Error('no code');
        const { code } = params;
        const { code_verifier: codeVerifier, nonce } = expected as { code_verifier: string; nonce?: string };
        const redirectUri = provider.callbackUrl!;
        person = await refusing(() =>
          redeem(signIn, { provider: id, code, codeVerifier, redirectUri, ...(nonce ? { nonce } : {}) }),
        );
        return { tokens: {} };
      },
    },
    userinfo: { request: async () => ({ sub: person!.id }) },
    profile: () => person!,
  };
}

/** All `__Host-`, all with the instance in their names: cookies do not know ports. */
function cookies(instance: string): AuthOptions['cookies'] {
  const cookie = (name: string, maxAge?: number): CookieOption => ({
    name: `__Host-sallyport-auth-${instance}.${name}`,
    options: { httpOnly: true, sameSite: 'lax', path: '/', secure: true, ...(maxAge ? { maxAge } : {}) },
  });
  return {
    sessionToken: cookie('session'),
    callbackUrl: { ...cookie('return'), name: callbackUrlCookie(instance) },
    csrfToken: cookie('csrf'),
    pkceCodeVerifier: cookie('pkce', ROUND_TRIP_SECONDS),
    state: cookie('state', ROUND_TRIP_SECONDS),
    nonce: cookie('nonce', ROUND_TRIP_SECONDS),
  };
}
