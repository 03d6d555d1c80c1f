/**
 * The certificate authority of the sandboxes' Kubernetes address: its certificate is what their kubeconfigs trust, and
 * each session is served with a certificate of its own, signed by it. It vouches for 127.0.0.1 inside sandboxes, and
 * for the gateway's own address where the operator has no certificate for it.
 */
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509Certificate,
} from '@peculiar/x509';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';

export type AuthorityKeys = {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS #8. Kept sealed. */
  key: string;
};

/** What a session's TLS server is made of: PEM texts and the time from which to make another. */
export type ServingCertificate = { certificate: string; key: string; renewAt: Date };

export const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 3_600_000;
/** The authority is in the portal's database for good; a kubeconfig holds it for one session. */
const AUTHORITY_DAYS = 3650;
/** Past the longest hard cap, 7 days, and a week in the warm pool. */
const SERVING_DAYS = 30;
/** A sandbox's clock is this machine's; other replicas' may differ. */
export const SKEW_MS = 3_600_000;

/** Makes a new authority. Once per installation and purpose. */
export async function createAuthority(now: Date, name = 'CN=Sallyport sandbox authority'): Promise<AuthorityKeys> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name,
    notBefore: new Date(now.getTime() - SKEW_MS),
    notAfter: new Date(now.getTime() + AUTHORITY_DAYS * DAY_MS),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await toPem(keys.privateKey) };
}

export class Authority {
  /** PEM: `certificate-authority-data` of the sandboxes' kubeconfigs. */
  readonly certificate: string;
  readonly #issuer: X509Certificate;
  readonly #key: CryptoKey;
  readonly #now: () => Date;

  private constructor(certificate: string, key: CryptoKey, now: () => Date) {
    this.certificate = certificate;
    this.#issuer = new X509Certificate(certificate);
    this.#key = key;
    this.#now = now;
  }

  static async open(keys: AuthorityKeys, now: () => Date): Promise<Authority> {
    return new Authority(keys.certificate, await signingKey(keys), now);
  }

  /** For 127.0.0.1, localhost and `hosts` (names or addresses), with a key of its own; about a millisecond. */
  async issueServingCertificate(hosts: readonly string[] = []): Promise<ServingCertificate> {
    const now = this.#now().getTime();
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: 'CN=Sallyport',
      issuer: this.#issuer.subject,
      notBefore: new Date(now - SKEW_MS),
      notAfter: new Date(now + SERVING_DAYS * DAY_MS),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(
          Array.from(new Set(['127.0.0.1', 'localhost', ...hosts]), (value) => ({
            type: isIP(value) ? ('ip' as const) : ('dns' as const),
            value,
          })),
        ),
        await AuthorityKeyIdentifierExtension.create(this.#issuer),
      ],
    });
    return {
      certificate: `${certificate.toString('pem')}\n`,
      key: await toPem(keys.privateKey),
      renewAt: new Date(now + (SERVING_DAYS - 10) * DAY_MS),
    };
  }
}

export function signingKey({ key }: AuthorityKeys): Promise<CryptoKey> {
  const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}

/** RFC 5280: positive, at most 20 octets. */
export function serial(): string {
  const bytes = randomBytes(16);
  bytes[0]! &= 0x7f;
  bytes[0]! |= 0x01;
  return bytes.toString('hex');
}

export async function toPem(key: CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}
