/** What sign-in offers: to the sign-in page, to web, to the page policy; and where a provider's own sign-out is. */
import type { Db } from '../../db/client.ts';
import { findUser } from '../../db/queries/users.ts';
import type { Person } from '../domain/person.ts';
import type { GithubOptions } from './github.ts';
import type { OidcOptions, OidcProvider } from './oidc.ts';

export type SignInConfig = {
  local: boolean;
  oidc: (OidcOptions & { name: string; scopes: string }) | null;
  github: GithubOptions | null;
};

type Offer = { local: boolean; providers: { id: 'oidc' | 'github'; name: string }[] };

/** For the sign-in page. */
export function signInOffer({ signIn }: { signIn: SignInConfig }): Offer {
  const providers: Offer['providers'] = [];
  if (signIn.oidc) providers.push({ id: 'oidc', name: signIn.oidc.name });
  if (signIn.github) providers.push({ id: 'github', name: 'GitHub' });
  return { local: signIn.local, providers };
}

/** For web: nothing secret. A provider that cannot be asked now is left out, so that the other ways still work. */
export async function signInSettings(
  { signIn }: { signIn: SignInConfig },
  instance: string,
  provider: OidcProvider | null,
  log: { warn(fields: object, message: string): void },
) {
  const { local, oidc, github } = signIn;
  const metadata = await provider?.metadata().catch((err: unknown) => {
    log.warn({ err }, 'the identity provider cannot be asked: its sign-in is not offered meanwhile');
    return undefined;
  });
  return {
    instance,
    local,
    oidc:
      oidc && metadata
        ? {
            name: oidc.name,
            clientId: oidc.clientId,
            scopes: oidc.scopes,
            issuer: metadata.issuer,
            authorizationEndpoint: metadata.authorization_endpoint,
          }
        : null,
    github: github && { clientId: github.clientId, url: github.url },
  };
}

/** Origins that a sign-in form may lead to. */
export function formTargets({ signIn }: { signIn: SignInConfig }, provider: OidcProvider | null): string[] {
  const urls = [
    ...(signIn.oidc ? [signIn.oidc.issuer] : []),
    ...(provider?.knownMetadata ? [provider.knownMetadata.authorization_endpoint] : []),
    ...(signIn.github ? [signIn.github.url] : []),
  ];
  return [...new Set(urls.map((url) => new URL(url).origin))];
}

/** Where the provider ends its own session (OpenID Connect RP-Initiated Logout); null where there is none to end. */
export async function signOutUrl(
  db: Db,
  provider: OidcProvider | null,
  options: Pick<OidcOptions, 'clientId'> | null,
  origin: string,
  person: Pick<Person, 'id' | 'proof'>,
): Promise<string | null> {
  const endpoint = provider?.knownMetadata?.end_session_endpoint;
  if (!endpoint || !options || person.proof.kind !== 'web-session') return null;
  if ((await findUser(db, person.id))?.provider !== 'oidc') return null;
  const url = new URL(endpoint);
  url.searchParams.set('client_id', options.clientId);
  url.searchParams.set('post_logout_redirect_uri', `${origin}/`);
  return url.href;
}
