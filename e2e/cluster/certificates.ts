/** The cluster's own authority and the certificates that its parts know each other by. */
import 'reflect-metadata';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const KEY = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };
const YEAR = 365 * 24 * 3600 * 1000;

/** Whom a certificate names: Kubernetes reads CN as the user and O as a group. */
export type Subject = { commonName: string; organization?: string; hosts?: string[] };

type Authority = { certificate: x509.X509Certificate; key: CryptoKey };

function pem(label: string, der: ArrayBuffer): string {
  return x509.PemConverter.encode(der, label);
}

async function keyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
}

async function keyPem(key: CryptoKey): Promise<string> {
  return pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', key));
}

async function authority(folder: string): Promise<Authority> {
  const [certificateFile, keyFile] = [join(folder, 'ca.crt'), join(folder, 'ca.key')];
  if (existsSync(certificateFile)) {
    const der = x509.PemConverter.decodeFirst(readFileSync(keyFile, 'utf8'));
    return {
      certificate: new x509.X509Certificate(readFileSync(certificateFile, 'utf8')),
      key: await crypto.subtle.importKey('pkcs8', der, KEY, true, ['sign']),
    };
  }
  const keys = await keyPair();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=sallyport-cluster',
      notBefore: new Date(Date.now() - 3600_000),
      notAfter: new Date(Date.now() + 10 * YEAR),
      keys,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    crypto,
  );
  await writeFile(keyFile, await keyPem(keys.privateKey), { mode: 0o600 });
  await writeFile(certificateFile, certificate.toString('pem'));
  return { certificate, key: keys.privateKey };
}

async function issue(folder: string, name: string, subject: Subject, issuer: Authority): Promise<void> {
  if (existsSync(join(folder, `${name}.crt`))) return;
  const keys = await keyPair();
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: [{ CN: [subject.commonName] }, ...(subject.organization ? [{ O: [subject.organization] }] : [])],
      issuer: issuer.certificate.subject,
      notBefore: new Date(Date.now() - 3600_000),
      notAfter: new Date(Date.now() + 10 * YEAR),
      publicKey: keys.publicKey,
      signingKey: issuer.key,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
        ...(subject.hosts
          ? [
              new x509.SubjectAlternativeNameExtension(
                subject.hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
              ),
            ]
          : []),
      ],
    },
    crypto,
  );
  await writeFile(join(folder, `${name}.key`), await keyPem(keys.privateKey), { mode: 0o600 });
  await writeFile(join(folder, `${name}.crt`), certificate.toString('pem'));
}

/** Makes what is missing: the authority, a key pair for service-account tokens, and one certificate per subject. */
export async function makeCertificates(folder: string, subjects: Record<string, Subject>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const issuer = await authority(folder);
  for (const [name, subject] of Object.entries(subjects)) await issue(folder, name, subject, issuer);
  if (existsSync(join(folder, 'service-account.key'))) return;
  const keys = await keyPair();
  await writeFile(join(folder, 'service-account.key'), await keyPem(keys.privateKey), { mode: 0o600 });
  const publicKey = await crypto.subtle.exportKey('spki', keys.publicKey);
  await writeFile(join(folder, 'service-account.pub'), pem('PUBLIC KEY', publicKey));
}

/** A kubeconfig that names the user by certificate, everything inline. */
export function kubeconfigFor(folder: string, name: string, server: string): string {
  const inline = (file: string): string => readFileSync(join(folder, file)).toString('base64');
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'sallyport', cluster: { server, 'certificate-authority-data': inline('ca.crt') } }],
      users: [
        {
          name,
          user: { 'client-certificate-data': inline(`${name}.crt`), 'client-key-data': inline(`${name}.key`) },
        },
      ],
      contexts: [{ name: 'sallyport', context: { cluster: 'sallyport', user: name } }],
      'current-context': 'sallyport',
    },
    null,
    2,
  );
}
