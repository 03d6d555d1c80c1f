/**
 * Any OpenID provider (OpenID Connect Core 1.0, authorization code flow with PKCE): the portal redeems the code and
 * believes nothing but the id token that it verified itself.
 */
import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { Problem } from '../domain/problem.ts';
import { fetchJson } from './outbound.ts';
import type { Identity } from './accounts.ts';

export type OidcOptions = {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** Accepted in `iss`; those a provider with several names has. */
  issuers: string[];
  /** Accepted in `aud` and `azp`. */
  audiences: string[];
  metadataUrl: string;
  nameClaim: string;
  groupsClaim: string;
};

/** What the standard's discovery document must hold for us. */
export type OidcMetadata = {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  jwks_uri: string;
  userinfo_endpoint?: string;
  end_session_endpoint?: string;
  token_endpoint_auth_methods_supported?: string[];
};

/** Asymmetric only. HS256 would take the public key, or the client's secret, for a shared one; `none` is none. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** Seconds that the provider's clock and ours may differ. */
const CLOCK_TOLERANCE = 60;
/** A token is redeemed the moment it is issued. */
const MOST_AGE = '10 minutes';
/** Ms. Endpoints of a provider hardly ever move. */
const METADATA_LIFE_MS = 3_600_000;

export class OidcProvider {
  readonly #options: OidcOptions;
  readonly #now: () => Date;
  #known: { metadata: OidcMetadata; keys: JWTVerifyGetKey; at: number } | undefined;

  constructor(options: OidcOptions, now: () => Date) {
    this.#options = options;
    this.#now = now;
  }

  /** The provider's endpoints. Throws Problem `provider-unavailable`, `provider-misconfigured`. */
  async metadata(): Promise<OidcMetadata> {
    return (await this.#discover()).metadata;
  }

  /** What is known without asking: for headers that must not wait. */
  get knownMetadata(): OidcMetadata | undefined {
    return this.#known?.metadata;
  }

  async #discover(): Promise<{ metadata: OidcMetadata; keys: JWTVerifyGetKey }> {
    const now = this.#now().getTime();
    if (this.#known && now - this.#known.at < METADATA_LIFE_MS) return this.#known;
    const { body } = await fetchJson(this.#options.metadataUrl);
    const metadata = parseMetadata(body, this.#options.issuers);
    const keys = createRemoteJWKSet(new URL(metadata.jwks_uri), { [customFetch]: readKeys });
    this.#known = { metadata, keys, at: now };
    return this.#known;
  }

  /**
   * Exchanges the code and verifies what comes back. Throws Problem `code-refused`, `id-token-refused`,
   * `provider-unavailable`, `provider-misconfigured`.
   */
  async redeem(proof: {
    code: string;
    codeVerifier: string;
    nonce?: string | undefined;
    redirectUri: string;
  }): Promise<Identity> {
    const { metadata, keys } = await this.#discover();
    const tokens = await this.#exchange(metadata, proof);
    const claims = await this.#verify(tokens.idToken, keys, proof.nonce);
    return this.#identity(await this.#withUserinfo(metadata, claims, tokens.accessToken));
  }

  async #exchange(
    metadata: OidcMetadata,
    proof: { code: string; codeVerifier: string; redirectUri: string },
  ): Promise<{ idToken: string; accessToken: string | undefined }> {
    const { clientId, clientSecret } = this.#options;
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: proof.code,
      code_verifier: proof.codeVerifier,
      redirect_uri: proof.redirectUri,
    });
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    if (methods.includes('client_secret_basic')) headers['authorization'] = basic(clientId, clientSecret);
    else {
      form.set('client_id', clientId);
      form.set('client_secret', clientSecret);
    }
    const { status, body } = await fetchJson(metadata.token_endpoint, { method: 'POST', headers, body: form }, (code) =>
      [200, 400, 401].includes(code),
    );
    const answer = body as { id_token?: unknown; access_token?: unknown; error?: unknown } | null;
    if (status === 401 || answer?.error === 'invalid_client')
      throw new Problem(
        'provider-misconfigured',
        502,
        'The identity provider does not accept the portal’s client id or secret.',
        {
          next: 'An administrator has to set SALLYPORT_OIDC_CLIENT_ID and its secret right.',
        },
      );
    if (status !== 200 || typeof answer?.id_token !== 'string')
      throw new Problem('code-refused', 401, 'The identity provider did not confirm this sign-in.', {
        next: 'Sign in again.',
        meta: typeof answer?.error === 'string' ? { error: answer.error.slice(0, 100) } : {},
      });
    return {
      idToken: answer.id_token,
      accessToken: typeof answer.access_token === 'string' ? answer.access_token : undefined,
    };
  }

  async #verify(
    idToken: string,
    keys: JWTVerifyGetKey,
    nonce: string | undefined,
  ): Promise<JWTPayload & { sub: string }> {
    const { issuers, audiences } = this.#options;
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(idToken, keys, {
        issuer: issuers,
        audience: audiences,
        algorithms: ALGORITHMS,
        requiredClaims: ['sub', 'iat', 'exp', 'nonce'],
        clockTolerance: CLOCK_TOLERANCE,
        maxTokenAge: MOST_AGE,
        currentDate: this.#now(),
      }));
    } catch (cause) {
      // Its keys could not be read.
      if (cause instanceof Problem) throw cause;
      throw refused(cause instanceof errors.JOSEError ? cause.code : 'unreadable', cause);
    }
    // OpenID Connect Core 3.1.3.7, 4 and 5: a token for several says in azp whom it was issued to, and that must be us.
    const several = Array.isArray(payload.aud) && payload.aud.length > 1;
    const azp = payload['azp'];
    if (azp === undefined ? several : typeof azp !== 'string' || !audiences.includes(azp)) throw refused('azp');
    if (!nonce || payload['nonce'] !== nonce) throw refused('nonce');
    if (typeof payload.sub !== 'string' || !payload.sub || payload.sub.length > 255) throw refused('sub');
    return payload as JWTPayload & { sub: string };
  }

  /** Many providers keep groups, or the email, out of the id token: then their userinfo is asked. */
  async #withUserinfo(
    metadata: OidcMetadata,
    claims: JWTPayload & { sub: string },
    accessToken: string | undefined,
  ): Promise<JWTPayload & { sub: string }> {
    const complete = claims['email'] !== undefined && claimOf(claims, this.#options.groupsClaim) !== undefined;
    if (complete || !metadata.userinfo_endpoint || !accessToken) return claims;
    const { body } = await fetchJson(metadata.userinfo_endpoint, {
      headers: { authorization: `Bearer ${accessToken}` },
    });
    const info = body as Record<string, unknown> | null;
    // Core 5.3.2: another person's userinfo must not be taken for this one's.
    if (!info || info['sub'] !== claims.sub) throw refused('userinfo');
    return { ...info, ...claims };
  }

  #identity(claims: JWTPayload & { sub: string }): Identity {
    const word = (value: unknown) => (typeof value === 'string' && value.trim() ? value.trim() : undefined);
    const email = word(claims['email']) ?? word(claims['preferred_username']) ?? claims.sub;
    const groups = claimOf(claims, this.#options.groupsClaim);
    return {
      provider: 'oidc',
      // The configured issuer, whichever of its accepted names the token had: one person, one row.
      issuer: this.#options.issuer,
      subject: claims.sub,
      email: email.toLowerCase(),
      name: word(claimOf(claims, this.#options.nameClaim)) ?? word(claims['preferred_username']) ?? email,
      groups: (Array.isArray(groups) ? groups : [groups]).filter((group): group is string => !!word(group)),
    };
  }
}

/** `groups`, or a path as `realm_access.roles`; a claim whose name holds the dots comes first. */
function claimOf(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** jose itself would read an answer without end, and unpack it. */
async function readKeys(url: string): Promise<Response> {
  const { body } = await fetchJson(url, { headers: { accept: 'application/json, application/jwk-set+json' } });
  return Response.json(body);
}

/** Browsers are sent to some of these, and the page policy names their origins: no `javascript:`, no `;` in a host. */
const ENDPOINT = /^https?:\/\/[A-Za-z0-9._:[\]-]+([/?]|$)/i;
const REQUIRED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'];
const OPTIONAL = ['userinfo_endpoint', 'end_session_endpoint'];

function parseMetadata(body: unknown, issuers: string[]): OidcMetadata {
  const metadata = (body ?? {}) as Record<string, unknown>;
  const isEndpoint = (value: unknown) => typeof value === 'string' && ENDPOINT.test(value) && URL.canParse(value);
  for (const field of ['issuer', ...REQUIRED])
    if (typeof metadata[field] !== 'string') throw misconfigured(`its metadata names no ${field}`);
  for (const field of [...REQUIRED, ...OPTIONAL])
    if (metadata[field] !== undefined && !isEndpoint(metadata[field]))
      throw misconfigured(`its metadata has a ${field} that is no address of the web`);
  const methods = metadata['token_endpoint_auth_methods_supported'];
  if (methods !== undefined && !Array.isArray(methods))
    throw misconfigured('its metadata has a token_endpoint_auth_methods_supported that is no list');
  if (!issuers.includes(metadata['issuer'] as string))
    throw misconfigured(`its metadata is of issuer ${String(metadata['issuer']).slice(0, 200)}, not of ${issuers[0]}`);
  return metadata as OidcMetadata;
}

function misconfigured(what: string): Problem {
  return new Problem('provider-misconfigured', 502, `The identity provider is not set up right: ${what}.`, {
    next: 'An administrator has to look at SALLYPORT_OIDC_ISSUER.',
  });
}

function refused(reason: string, cause?: unknown): Problem {
  return new Problem('id-token-refused', 401, 'The identity provider’s answer could not be trusted.', {
    next: 'Sign in again; if it stays, tell an administrator.',
    meta: { reason },
    cause,
  });
}

/** RFC 6749 2.3.1: both parts form-encoded first. */
function basic(clientId: string, clientSecret: string): string {
  const encode = (part: string) => encodeURIComponent(part).replace(/%20/g, '+');
  return `Basic ${Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64')}`;
}
