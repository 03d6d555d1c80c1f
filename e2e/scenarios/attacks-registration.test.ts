/** Addresses and files that somebody registers as a cluster, to make the portal reach or run what it must not. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TestPortal } from '../portal.ts';
import { testCluster } from '../use.ts';

let portal: TestPortal;
/** A good one, so that a registration is refused for the rest. */
let ca: string;
beforeAll(async () => {
  portal = await TestPortal.start({ kubeconfig: null, env: { SALLYPORT_CLUSTER_PRIVATE: '' } });
  const { clusters } = parse(readFileSync((await testCluster()).kubeconfig, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
  };
  ca = Buffer.from(clusters[0]!.cluster['certificate-authority-data']!, 'base64').toString();
});
afterAll(() => portal?.[Symbol.asyncDispose]());

const register = (connection: object) =>
  portal.admin('POST', '/clusters', { name: 'evil', namespace: 'x', connection });
const byToken = (server: string) => ({ kind: 'token', server, ca, token: 'x' });
const kubeconfig = (user: object, cluster: object = { server: 'https://127.0.0.1:1' }) => ({
  kind: 'kubeconfig',
  kubeconfig: JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
  }),
});

it.each([
  [
    'a program to run',
    () => kubeconfig({ exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'id' } }),
    /exec/,
  ],
  ['a plugin to sign in', () => kubeconfig({ 'auth-provider': { name: 'gcp' } }), /auth-provider/],
  ['a file of the portal’s', () => kubeconfig({ tokenFile: '/etc/passwd' }), /tokenFile/],
  [
    'a cluster whose proof is not looked at',
    () => kubeconfig({ token: 'x' }, { server: 'https://127.0.0.1:1', 'insecure-skip-tls-verify': true }),
    /insecure-skip-tls-verify/,
  ],
  ['metadata', () => byToken('https://169.254.169.254'), /metadata/],
  ['metadata in other clothes', () => byToken('https://[::ffff:a9fe:a9fe]'), /metadata/],
  ['the portal’s own machine, as nothing is set', () => byToken('https://127.0.0.1:1'), /SALLYPORT_CLUSTER_PRIVATE/],
  ['the network that the portal is in', () => byToken('https://10.0.0.1'), /SALLYPORT_CLUSTER_PRIVATE/],
  ['plain HTTP', () => byToken('http://127.0.0.1:1'), /https/],
])('%s: refused for what it is, and nothing is saved', async (_what, connection, why) => {
  await expect(register(connection())).rejects.toMatchObject({ status: 422, message: expect.stringMatching(why) });
  await expect(portal.admin('GET', '/clusters/evil')).rejects.toMatchObject({ status: 404 });
});

it('by a member: not at all', async () => {
  const ann = await portal.visitor([await portal.role()]);
  const body = { name: 'mine', namespace: 'x', connection: byToken('https://127.0.0.1:1') };
  for (const path of ['/clusters', '/clusters/test'])
    await expect(ann.api('POST', path, body)).rejects.toMatchObject({ status: 403 });
  await expect(ann.api('DELETE', '/clusters/test')).rejects.toMatchObject({ status: 403 });
});
