/**
 * An issuer of CI jobs' id tokens at the wire: discovery, keys and tokens as GitHub and GitLab have them, over TLS of an
 * authority that the portal of a test is told to trust (NODE_EXTRA_CA_CERTS). It lies where a test tells it to.
 */
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, SignJWT, type JWTHeaderParameters } from 'jose';
import { Authority, createAuthority } from '../server/gateway/authority.ts';

export type SigningKey = { kid: string; alg: string; key: KeyObject; publicKey: KeyObject };
type Lie = { status?: number; headers?: Record<string, string>; body: string };

export class CiIssuer implements AsyncDisposable {
  readonly url: string;
  /** PEM file of its authority. */
  readonly authorityFile: string;
  /** The first signs. */
  keys: SigningKey[];
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** By path, what is answered instead. */
  readonly lies = new Map<string, Lie>();
  readonly #stack: AsyncDisposableStack;

  private constructor(url: string, authorityFile: string, stack: AsyncDisposableStack) {
    this.url = url;
    this.authorityFile = authorityFile;
    this.keys = [newKey('RS256'), newKey('ES256')];
    this.#stack = stack;
  }

  static async start(): Promise<CiIssuer> {
    await using stack = new AsyncDisposableStack();
    const made = await createAuthority(new Date());
    const authority = await Authority.open(made, () => new Date());
    const { certificate, key } = await authority.issueServingCertificate();
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-issuer-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'authority.pem');
    writeFileSync(file, made.certificate);
    const server = createServer({ cert: certificate, key });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    const issuer = new CiIssuer(`https://localhost:${(server.address() as AddressInfo).port}`, file, stack.move());
    server.on('request', (incoming, response) => {
      const path = incoming.url!;
      issuer.asked.push(path);
      void issuer.#answer(path).then(({ status = 200, headers = {}, body }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(body);
      });
    });
    return issuer;
  }

  async #answer(path: string): Promise<Lie> {
    const lie = this.lies.get(path);
    if (lie) return lie;
    if (path === '/.well-known/openid-configuration')
      return { body: JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/jwks` }) };
    if (path !== '/jwks') return { status: 404, body: '{}' };
    const keys = this.keys.map(async ({ kid, alg, publicKey }) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg,
      use: 'sig',
    }));
    return { body: JSON.stringify({ keys: await Promise.all(keys) }) };
  }

  /** A job's id token; undefined takes a claim away. */
  async token(
    claims: Record<string, unknown> = {},
    { by = this.keys[0]!, header = {} }: { by?: SigningKey; header?: Partial<JWTHeaderParameters> } = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const all = { iss: this.url, iat: now, nbf: now, exp: now + 300, jti: randomUUID(), ...claims };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new SignJWT(given)
      .setProtectedHeader({ alg: by.alg, kid: by.kid, typ: 'JWT', ...header })
      .sign(by.key, header.crit ? { crit: { [header.crit[0]!]: true } } : {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

export function newKey(alg: 'RS256' | 'ES256' | 'RS512'): SigningKey {
  const { privateKey, publicKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return { kid: randomUUID(), alg, key: privateKey, publicKey };
}
