/** The test cluster behind a wire proxy, with an account that registers it there: for faults on the way to a cluster. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Authority, createAuthority } from '../server/gateway/authority.ts';
import { kubectlAsAdmin } from './leftovers.ts';
import { testCluster } from './use.ts';
import { startWireProxy, type WireProxy } from './wire-proxy.ts';

export type ProxiedCluster = AsyncDisposable & {
  proxy: WireProxy;
  /** Name of the account (in the namespace default) and of its binding to cluster-admin. */
  account: string;
  /** The kubeconfig's text: the proxy's address and authority, the account's token. */
  kubeconfig(changes?: { ca?: string; token?: string }): string;
};

/** The account may do everything; it goes with the disposal. */
export async function proxiedCluster(): Promise<ProxiedCluster> {
  await using stack = new AsyncDisposableStack();
  const authority = await Authority.open(await createAuthority(new Date()), () => new Date());
  const { certificate: cert, key } = await authority.issueServingCertificate();
  const { clusters } = parse(readFileSync((await testCluster()).kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  };
  const real = clusters[0]!.cluster;
  const realAuthority = Buffer.from(real['certificate-authority-data'], 'base64').toString();
  const proxy = stack.use(await startWireProxy({ tls: { cert, key } }, { url: real.server, ca: realAuthority }));
  const account = `proxied-${randomBytes(4).toString('hex')}`;
  await kubectlAsAdmin('create', 'serviceaccount', account, '--namespace=default');
  stack.defer(
    async () =>
      void (await kubectlAsAdmin('delete', 'serviceaccount', account, '--namespace=default', '--ignore-not-found')),
  );
  const subject = `--serviceaccount=default:${account}`;
  await kubectlAsAdmin('create', 'clusterrolebinding', account, '--clusterrole=cluster-admin', subject);
  stack.defer(async () => void (await kubectlAsAdmin('delete', 'clusterrolebinding', account, '--ignore-not-found')));
  const given = (await kubectlAsAdmin('create', 'token', account, '--namespace=default', '--duration=2h')).trim();
  const opened = stack.move();
  return {
    proxy,
    account,
    kubeconfig({ ca = authority.certificate, token = given } = {}) {
      const cluster = {
        server: proxy.address,
        'certificate-authority-data': Buffer.from(ca).toString('base64'),
      };
      return JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'proxied',
        clusters: [{ name: 'proxied', cluster }],
        users: [{ name: 'proxied', user: { token } }],
        contexts: [{ name: 'proxied', context: { cluster: 'proxied', user: 'proxied' } }],
      });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
