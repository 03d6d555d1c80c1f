/**
 * The composition root's part for people's own tools: credentials of three kinds (tokens, client certificates, links),
 * the sessions behind them, and the gateway's own address, at which they are taken.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { findLinkKey } from '../db/queries/link-keys.ts';
import { addressRanges } from './address-ranges.ts';
import type { AuditLog } from './audit/audit-log.ts';
import { authorityKeys } from './authority-keys.ts';
import { openOrigins, type ProxyOrigins } from './context-origins.ts';
import type { AccessDeps } from './context-access.ts';
import { sealingContexts } from './crypto/sealed-records.ts';
import { bareHost } from './domain/bare-host.ts';
import type { Person } from './domain/person.ts';
import type { ApiServer } from './gateway/api-server.ts';
import type { Authority } from './gateway/authority.ts';
import { ClientAuthority, ClientCertificates } from './gateway/client-authority.ts';
import { kubeconfigFile, type KubeconfigEntry } from './gateway/kubeconfig-file.ts';
import { listenGateway } from './gateway/listener.ts';
import type { LiveCalls } from './gateway/live-calls.ts';
import { operatorKeyOf, OperatorTokens } from './gateway/operator-tokens.ts';
import { OwnCertificate } from './gateway/own-certificate.ts';
import { isLinkToken, KubernetesTokens, kubeconfigTokens, linkTokens } from './gateway/tokens.ts';
import { clientAddress } from './http/client-address.ts';
import { KubeClient } from './kube/client.ts';
import { inForce, RULES_REVIEWS } from './kube/in-force.ts';
import type { ClusterRegistry } from './kube/registry.ts';
import { issueKubeconfig, type IssuedCredential, type KubeconfigWish } from './sessions/kubeconfig-issue.ts';
import { Kubeconfigs, type KubeconfigsDeps } from './sessions/kubeconfigs.ts';
import { LinkKeys } from './sessions/link-keys.ts';
import { Links } from './sessions/links.ts';
import type { AccountsPart, Caller, ClustersPart } from './sessions/parts.ts';

export type OwnToolsDeps = AccessDeps & {
  accounts: AccountsPart;
  clusters: ClustersPart;
  api: Pick<ApiServer, 'request' | 'upgrade'>;
  calls: LiveCalls;
  /** Signs the gateway's own certificate where the operator gives none. */
  authority: Authority;
  errorDocs: string;
  /** Ends a session by its row. */
  end: KubeconfigsDeps['end'];
};

export type OwnTools = {
  links: Links;
  linkKeys: LinkKeys;
  /** What operators' own links have as `aud`. */
  linkAudience: string;
  /** In the browser. */
  proxy: ProxyOrigins;
  /** Of a cluster. */
  gatewayAddress(cluster: string): string;
  wakeKubeconfig(id: string, person: Person, caller: Caller): Promise<void>;
  issueKubeconfig(person: Person, wish: KubeconfigWish, caller: Caller): Promise<IssuedCredential>;
  /** A kubeconfig's text, for the gateway's address. */
  kubeconfigFile(entries: readonly [KubeconfigEntry, ...KubeconfigEntry[]]): string;
};

/** `connections`: open now, at the gateway's own address. */
export async function openOwnTools(
  deps: OwnToolsDeps,
): Promise<OwnTools & AsyncDisposable & { readonly connections: number }> {
  const { config, db, portalId, accounts, clusters, api, calls, authority, audit, roles, now, errorDocs } = deps;
  const { endWithSignOut } = config.kubeconfig;
  await using opening = new AsyncDisposableStack();

  // ── credentials ──
  const signing = { keys: deps.secrets.signingKeys, issuer: portalId, now };
  const credentials = new KubernetesTokens(signing, kubeconfigTokens);
  const linkCredentials = new KubernetesTokens(signing, linkTokens);
  const name = `CN=Sallyport client authority ${portalId}`;
  const clientAuthority = await ClientAuthority.open(
    await authorityKeys(db, deps.sealer, sealingContexts.clientAuthority, now(), name),
    now,
  );

  // ── what stands behind them ──
  const ground = { db, clusters, roles, endWithSignOut, audit, now };
  const links = new Links({ ...ground, sign: (subject) => linkCredentials.issue(subject) });
  const linkAudience = `sallyport-link:${portalId}`;
  const linkKeys = new LinkKeys({
    ...ground,
    announceRemoved: (key) => deps.notifications.announce(db, 'link-key', key),
  });
  const operatorLinks = new OperatorTokens({
    audience: linkAudience,
    key: (id) => findLinkKey(db, id),
    session: (key, claims, hash) => links.adopt(key, claims, hash),
    now,
  });
  const anyLink = {
    verify: (token: string) =>
      operatorKeyOf(token) === null ? linkCredentials.verify(token) : operatorLinks.verify(token),
  };
  const issuing = {
    ...ground,
    sign: credentials.issue.bind(credentials),
    certify: clientAuthority.issue.bind(clientAuthority),
  };
  const kubeconfigs = opening.use(
    new Kubeconfigs({
      db,
      accounts,
      inForce: recordedInForce(deps.registry, audit, now),
      calls,
      notifications: deps.notifications,
      announce: (session) => deps.notifications.announce(db, 'access-session', session),
      wakeBy: async (role) => (await roles.policy(role))?.wakeBy ?? null,
      accountPage: `${deps.origin}/account`,
      end: deps.end,
      audit,
      now,
      log: deps.log.child({ part: 'sessions' }),
    }),
  );

  // ── the address at which they are taken ──
  const trusted = addressRanges(config.trustedProxies);
  const addressOf = ({ socket, headers }: IncomingMessage) =>
    clientAddress(socket.remoteAddress, headers['x-forwarded-for']?.toString(), trusted);
  const proxy = openOrigins({
    ...ground,
    config,
    origin: deps.origin,
    signing,
    sessions: kubeconfigs,
    links,
    linkTokens: anyLink,
    api,
    clientAddress: addressOf,
    errorDocs,
    log: deps.log,
  });
  const own = config.tls
    ? null
    : opening.use(
        await OwnCertificate.open({
          authority,
          hosts: [bareHost(new URL(config.gateway.url ?? deps.origin).hostname)],
          now,
          onFault: (err) => deps.log.error({ err, part: 'gateway' }, "the gateway's own certificate was not renewed"),
        }),
      );
  const listener = opening.use(
    await listenGateway(config.gateway, config.tls ?? own!.identity, {
      api,
      errorDocs,
      sessions: kubeconfigs,
      tokens: {
        verify: (token) =>
          !credentials.knows(token) && (operatorKeyOf(token) !== null || isLinkToken(token))
            ? anyLink.verify(token)
            : credentials.verify(token),
      },
      links,
      corsOrigins: config.corsOrigins,
      now,
      clientAuthority: clientAuthority.certificate,
      certificates: new ClientCertificates(clientAuthority, now),
      clientAddress: addressOf,
    }),
  );
  own?.onRenewed((identity) => listener.useCertificate(identity));
  const url = config.gateway.url ?? `https://${new URL(deps.origin).hostname}:${listener.port}`;

  const opened = opening.move();
  return {
    get connections() {
      return listener.connections;
    },
    links,
    linkKeys,
    linkAudience,
    proxy,
    gatewayAddress: (cluster) => `${url}/k8s/${cluster}`,
    wakeKubeconfig: (id, person, caller) => kubeconfigs.wake(id, person, caller),
    issueKubeconfig: (person, wish, caller) => issueKubeconfig(issuing, person, wish, caller),
    kubeconfigFile: (entries) =>
      kubeconfigFile(entries, { gateway: url, authority: config.tls ? null : authority.certificate }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Asks the cluster whether an account is granted what it was bound to, on record: its own audit log has it, so ours does. */
function recordedInForce(registry: ClusterRegistry, audit: AuditLog, now: () => Date): KubeconfigsDeps['inForce'] {
  return async ({ clusterId, namespaces, sessionId }, token) => {
    const { name, endpoint, actAs } = await registry.connection(clusterId);
    // Nothing was made that the cluster would have to hear of.
    if (actAs === 'impersonation') return;
    const portal = { endpoint, authorization: `Bearer ${token}` };
    const [at, auditId] = [now(), randomUUID()];
    // Done in the session's name, though not by its person.
    const whose = { at, actorId: null, actor: 'portal', sessionId, clusterId, auditId };
    const call = { method: 'POST', path: RULES_REVIEWS, verb: 'create', group: 'authorization.k8s.io' };
    const record = audit.startCall({
      ...whose,
      changes: false,
      detail: { ...call, resource: 'selfsubjectrulesreviews', status: null, durationMs: null },
    });
    await record.started;
    let status: number | null = null;
    try {
      await inForce(new KubeClient({ name, portal }), namespaces, auditId);
      status = 201;
    } finally {
      const durationMs = now().getTime() - at.getTime();
      const answer = { status, durationMs, requestBytes: 0, responseBytes: 0, upgraded: false };
      await record.finish({ at: now(), detail: answer });
    }
  };
}
