/**
 * Kubeconfigs that somebody uploads: another person's file, read on the portal's machine. What would run a program,
 * read a file or leave the server unverified there is refused, by the name of its field.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import { Problem } from '../domain/problem.ts';
import type { ClusterAddress, ClusterCredential } from './connection.ts';

export type ParsedKubeconfig = {
  context: string;
  address: ClusterAddress;
  credential: ClusterCredential;
};

const record = z.record(z.string(), z.unknown());
const name = z.string().max(253);
const schema = z.object({
  'current-context': z.string().optional(),
  contexts: z
    .array(z.object({ name, context: record }))
    .max(200)
    .default([]),
  clusters: z
    .array(z.object({ name, cluster: record }))
    .max(200)
    .default([]),
  users: z
    .array(z.object({ name, user: record }))
    .max(200)
    .default([]),
});

/** Fields that are refused, with what to give instead. */
const refusedOfCluster: Record<string, string> = {
  'certificate-authority': 'it names a file on your machine; embed it (kubectl config view --flatten --minify --raw)',
  'proxy-url': 'the portal connects to clusters directly',
};
const refusedOfUser: Record<string, string> = {
  exec: 'it would run a program on the portal; give a service-account token, or start the portal once with --kubeconfig',
  'auth-provider':
    'it would run code on the portal; give a service-account token, or start the portal once with --kubeconfig',
  tokenFile: 'it names a file on your machine; put the token itself into the file',
  'client-certificate': 'it names a file on your machine; embed it (kubectl config view --flatten --minify --raw)',
  'client-key': 'it names a file on your machine; embed it (kubectl config view --flatten --minify --raw)',
  username: 'Kubernetes has no passwords any more; give a service-account token',
  as: 'the portal acts as itself; give the credential of the account that it shall use',
  'as-groups': 'the portal acts as itself; give the credential of the account that it shall use',
  'as-uid': 'the portal acts as itself; give the credential of the account that it shall use',
  'as-user-extra': 'the portal acts as itself; give the credential of the account that it shall use',
};

/** Throws Problem `kubeconfig-invalid` or `kubeconfig-refused`, whose `meta.field` names the field. */
export function parseKubeconfig(text: string, contextName?: string): ParsedKubeconfig {
  const config = read(text);
  const wanted = contextName ?? config['current-context'];
  if (!wanted) throw invalid('The kubeconfig has no current-context.', 'Name one of its contexts.');
  const context = config.contexts.find((item) => item.name === wanted)?.context;
  if (!context) {
    const names = config.contexts.map(({ name }) => name).join(', ') || 'none';
    throw invalid(`The kubeconfig has no context "${wanted}"; it has: ${names}.`);
  }
  const cluster = config.clusters.find((item) => item.name === context['cluster'])?.cluster;
  const user = config.users.find((item) => item.name === context['user'])?.user;
  if (!cluster) throw invalid(`The context "${wanted}" names a cluster that the kubeconfig does not have.`);
  if (!user) throw invalid(`The context "${wanted}" names a user that the kubeconfig does not have.`);
  return { context: wanted, address: addressOf(cluster), credential: credentialOf(user) };
}

/** Throws Problem `kubeconfig-invalid` for anything but an https URL without credentials, query or fragment. */
export function parseServer(server: string): string {
  const url = URL.parse(server);
  if (!url || url.protocol !== 'https:')
    throw invalid('The server is no https:// address.', 'Kubernetes is reached over TLS only.');
  if (url.username || url.password || url.search || url.hash)
    throw invalid('The server may hold no user, password, query or fragment.');
  return url.href.replace(/\/+$/, '');
}

/** Throws Problem `kubeconfig-invalid` where there are no PEM certificates; empty means the system's authorities. */
export function parseAuthorities(pem: string): string {
  const text = pem.trim();
  if (text === '') return '';
  if (!/^(\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)+\s*$/.test(text))
    throw invalid('The certificate authority is not PEM: it begins with -----BEGIN CERTIFICATE-----.');
  return `${text}\n`;
}

function read(text: string): z.infer<typeof schema> {
  let document: unknown;
  try {
    // A bound on aliases: a kubeconfig has none, a bomb has many.
    document = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw invalid(`The kubeconfig is not YAML: ${(cause as Error).message.split('\n')[0]?.replace(/:$/, '.')}`);
  }
  const result = schema.safeParse(document);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw invalid(`This is no kubeconfig: ${issue?.path.join('.') || 'the file'}: ${issue?.message}.`);
  }
  return result.data;
}

function addressOf(cluster: Record<string, unknown>): ClusterAddress {
  if (cluster['insecure-skip-tls-verify'] === true)
    throw refused('insecure-skip-tls-verify', 'the portal verifies every cluster; give certificate-authority-data');
  refuseFields(cluster, refusedOfCluster);
  const data = cluster['certificate-authority-data'];
  const name = cluster['tls-server-name'];
  return {
    server: parseServer(String(cluster['server'] ?? '')),
    ca: parseAuthorities(data === undefined ? '' : decode('certificate-authority-data', data)),
    tlsServerName: typeof name === 'string' && name !== '' ? name : null,
  };
}

function credentialOf(user: Record<string, unknown>): ClusterCredential {
  refuseFields(user, refusedOfUser);
  if (typeof user['token'] === 'string' && user['token'] !== '') return { kind: 'token', token: user['token'] };
  const certificate = user['client-certificate-data'];
  const key = user['client-key-data'];
  if (certificate === undefined || key === undefined)
    throw invalid('The user of the kubeconfig has neither a token nor a client certificate with its key.');
  return {
    kind: 'certificate',
    certificate: decode('client-certificate-data', certificate),
    key: decode('client-key-data', key),
  };
}

function refuseFields(fields: Record<string, unknown>, reasons: Record<string, string>): void {
  for (const [field, why] of Object.entries(reasons)) {
    const value = fields[field];
    if (value !== undefined && value !== null && value !== '') throw refused(field, why);
  }
}

function decode(field: string, value: unknown): string {
  const text = typeof value === 'string' ? Buffer.from(value, 'base64').toString() : '';
  if (!text.includes('-----BEGIN ')) throw invalid(`The field ${field} of the kubeconfig is not PEM in base64.`);
  return text;
}

function refused(field: string, why: string): Problem {
  return new Problem('kubeconfig-refused', 422, `The kubeconfig uses ${field}, which is refused: ${why}.`, {
    next: 'Leave it out, or register the cluster by its address, certificate authority and a token.',
    meta: { field },
  });
}

function invalid(message: string, next?: string): Problem {
  return new Problem('kubeconfig-invalid', 422, message, next ? { next } : {});
}
