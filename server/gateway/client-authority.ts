/**
 * Client certificates for tools that know nothing else: signed by an authority of the installation's own, each for one
 * session on one cluster, and read from a connection once its chain is verified by that authority alone. What stands in
 * one says where to look; whether it counts, its serial number in the session's row decides at each request.
 */
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type KeyObject, X509Certificate as NodeCertificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { Problem } from '../domain/problem.ts';
import { algorithm, serial, signingKey, SKEW_MS, toPem, type AuthorityKeys } from './authority.ts';

export type CertificateSubject = {
  userId: string;
  email: string;
  sessionId: string;
  clusterId: string;
  expiresAt: Date;
};
/** What a verified one says. `serial` in lower-case hex, as the session's row has it. */
export type ClientCertificate = {
  serial: string;
  userId: string;
  sessionId: string;
  clusterId: string;
  expiresAt: Date;
};

/** X.520: what tells people of one name apart; their id here. */
const SERIAL_NUMBER = '2.5.4.5';
/** X.520: of a common name. */
const LONGEST_NAME = 64;
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const SESSION = new RegExp(`^sallyport:session:(${UUID})$`);
const CLUSTER = new RegExp(`^sallyport:cluster:(${UUID})$`);

export class ClientAuthority {
  /** PEM. */
  readonly certificate: string;
  /** Verifies what it signed. */
  readonly publicKey: KeyObject;
  readonly #issuer: X509Certificate;
  readonly #key: CryptoKey;
  readonly #now: () => Date;

  private constructor(certificate: string, key: CryptoKey, now: () => Date) {
    this.certificate = certificate;
    this.publicKey = new NodeCertificate(certificate).publicKey;
    this.#issuer = new X509Certificate(certificate);
    this.#key = key;
    this.#now = now;
  }

  static async open(keys: AuthorityKeys, now: () => Date): Promise<ClientAuthority> {
    return new ClientAuthority(keys.certificate, await signingKey(keys), now);
  }

  /** With a key of its own, P-256; both PEM. */
  async issue({ userId, email, sessionId, clusterId, expiresAt }: CertificateSubject) {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    // Certificates know seconds: never past the session.
    const end = new Date(Math.floor(expiresAt.getTime() / 1_000) * 1_000);
    const serialNumber = serial();
    const certificate = await X509CertificateGenerator.create({
      serialNumber,
      // As values, not as one text: an address may hold what has a meaning there.
      subject: new Name([
        { CN: [{ utf8String: [...email].slice(0, LONGEST_NAME).join('') }] },
        { [SERIAL_NUMBER]: [{ printableString: userId }] },
      ]),
      issuer: this.#issuer.subject,
      notBefore: new Date(this.#now().getTime() - SKEW_MS),
      notAfter: end,
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth], true),
        new SubjectAlternativeNameExtension([
          { type: 'url', value: `sallyport:session:${sessionId}` },
          { type: 'url', value: `sallyport:cluster:${clusterId}` },
        ]),
        await AuthorityKeyIdentifierExtension.create(this.#issuer),
      ],
    });
    return {
      certificate: `${certificate.toString('pem')}\n`,
      key: await toPem(keys.privateKey),
      serial: serialNumber,
      expiresAt: end,
    };
  }
}

export class ClientCertificates {
  readonly #authority: Pick<ClientAuthority, 'publicKey'>;
  readonly #now: () => Date;
  /** A connection has one for all of its requests. */
  readonly #read = new WeakMap<TLSSocket, ClientCertificate | null>();

  constructor(authority: Pick<ClientAuthority, 'publicKey'>, now: () => Date) {
    this.#authority = authority;
    this.#now = now;
  }

  /** See KubeconfigDoorDeps. No header counts: what a proxy says of a certificate, anybody can say. */
  of({ socket }: IncomingMessage): ClientCertificate | null {
    if (!(socket instanceof TLSSocket)) return null;
    let found = this.#read.get(socket);
    if (found === undefined) {
      found = this.#verified(socket);
      this.#read.set(socket, found);
    }
    // A connection may outlive what it was opened with.
    if (found && found.expiresAt <= this.#now()) throw refused('it has expired', EXPIRED);
    return found;
  }

  #verified(socket: TLSSocket): ClientCertificate | null {
    // Whether there is one comes first: node calls some connections without one authorised.
    const peer = socket.getPeerX509Certificate();
    if (!peer) return null;
    if (!socket.authorized) throw refused(...whyNot(String(socket.authorizationError)));
    if (peer.ca || !peer.verify(this.#authority.publicKey)) throw refused('another authority signed it');
    const certificate = read(peer);
    if (!certificate) throw refused('it names no session');
    return certificate;
  }
}

function read(peer: NodeCertificate): ClientCertificate | null {
  const certificate = new X509Certificate(peer.raw);
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const named = (pattern: RegExp) =>
    names.flatMap(({ type, value }) => (type === 'url' ? (pattern.exec(value)?.[1] ?? []) : []));
  const [sessions, clusters] = [named(SESSION), named(CLUSTER)];
  const people = certificate.subjectName.getField(SERIAL_NUMBER);
  if (sessions.length !== 1 || clusters.length !== 1 || people.length !== 1) return null;
  return {
    serial: BigInt(`0x${peer.serialNumber}`).toString(16).padStart(32, '0'),
    userId: people[0]!,
    sessionId: sessions[0]!,
    clusterId: clusters[0]!,
    expiresAt: certificate.notAfter,
  };
}

type Words = { message: string; next: string };

const FOREIGN: Words = {
  message: 'This client certificate is none of this portal’s.',
  next: 'Download a kubeconfig with a certificate in the portal, or send none with a token.',
};
const EXPIRED: Words = {
  message: 'This client certificate has expired.',
  next: 'Download a new kubeconfig in the portal.',
};
/** Made by a replica whose clock is far ahead: each begins an hour before it was made. */
const EARLY: Words = {
  message: 'This client certificate is not valid yet, by the clock of the portal.',
  next: 'Tell the operator: the clocks of the portal’s replicas may differ.',
};

/** OpenSSL's word for it, as Node has it. */
function whyNot(code: string): [string, Words] {
  if (code === 'CERT_HAS_EXPIRED') return [code, EXPIRED];
  if (code === 'CERT_NOT_YET_VALID') return [code, EARLY];
  return [code, FOREIGN];
}

function refused(why: string, { message, next }: Words = FOREIGN): Problem {
  return new Problem('certificate-refused', 401, message, { next, meta: { reason: why.slice(0, 100) } });
}
