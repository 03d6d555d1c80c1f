/**
 * What the portal itself says no to on the Kubernetes path, before the cluster decides by its own RBAC. Pure: the
 * request is the parsed one, the answer names the rule and what to do instead.
 */
import { type ApiAttributes, type ApiPolicy, policyRefusal } from './api-policy.ts';
import type { KubeRequest, Refusal } from './kube-request.ts';

export type GatewayRules = {
  /** Where the portal's own account and the session accounts live. */
  portalNamespace: string;
  /** The session's role, as it is now. */
  role: string;
  policy: ApiPolicy;
};

/** Subresources that open a stream into something: more than a read, whatever the method (Kubernetes #78741). */
const connectSubresources = new Set(['exec', 'attach', 'portforward', 'proxy']);

/** Null: not refused here. */
export function refusalOf(request: ApiAttributes, rules: GatewayRules): Refusal | null {
  return (
    (request.isResource ? resourceRefusal(request, rules) : null) ?? policyRefusal(request, rules.policy, rules.role)
  );
}

/** What holds whatever a role says, or until one says otherwise. */
function resourceRefusal(request: ApiAttributes, { portalNamespace, policy }: GatewayRules): Refusal | null {
  const { group, resource, subresource, verb } = request;
  const writes = changesSomething(request);

  if (verb === '') return refuse('method-not-allowed', 405, `Kubernetes knows no ${request.method} for resources.`);
  if (verb === 'proxy')
    return refuse(
      'legacy-proxy-refused',
      403,
      'Paths of the form /api/v1/proxy/… are refused. Use the proxy subresource of the pod or the service.',
    );
  if (!policy.mintCredentials && resource === 'serviceaccounts' && subresource === 'token')
    return refuse(
      'token-minting-refused',
      403,
      'Making service-account tokens is refused: a token would outlive this session and carry no name. Run the workload as the service account instead.',
    );
  if (!policy.mintCredentials && group === 'certificates.k8s.io' && writes)
    return refuse(
      'certificate-signing-refused',
      403,
      'Requesting or signing certificates of the cluster is refused: a certificate would outlive this session.',
    );
  if (writes && request.namespace === portalNamespace)
    return refuse(
      'portal-namespace-refused',
      403,
      `Changes in the namespace ${portalNamespace} are refused: it holds the accounts of everybody's sessions.`,
    );
  return null;
}

/** What must be on the record before it happens; everything that is not plainly a read. */
export function changesSomething(request: Pick<KubeRequest, 'method' | 'verb' | 'subresource'>): boolean {
  if (connectSubresources.has(request.subresource) || request.verb === 'proxy') return true;
  return !['GET', 'HEAD', 'OPTIONS'].includes(request.method);
}

/** Streams that live as long as somebody reads: watches, followed logs and the connect subresources. */
export function isLongRunning(request: KubeRequest): boolean {
  if (request.verb === 'watch' || connectSubresources.has(request.subresource)) return true;
  if (request.subresource === 'log') return true;
  return request.isResource && request.name !== '' && /[?&]watch(=|&|$)/.test(request.query);
}

export type UpgradeProtocol = 'websocket' | 'spdy';

/** `Upgrade:` values that Kubernetes' clients send, and where; h2c and others would carry requests past every rule. */
export function upgradeOf(request: KubeRequest, upgrade: string): UpgradeProtocol | { refused: Refusal } {
  const wanted = upgrade.trim().toLowerCase();
  const connects = connectSubresources.has(request.subresource);
  if (wanted === 'websocket' && (connects || request.verb === 'watch' || request.subresource === 'log'))
    return 'websocket';
  if (wanted === 'spdy/3.1' && connects && request.subresource !== 'proxy') return 'spdy';
  // A web application behind a service may only be spoken to by WebSocket; SPDY belongs to the kubelet's streams.
  return {
    refused: {
      code: 'upgrade-refused',
      status: 400,
      message: `Changing this request's protocol to "${upgrade.slice(0, 40)}" is refused.`,
    },
  };
}

/** Whether the body has to be read before it is sent on: Secrets of one type are a way to mint tokens. */
export function mustInspectBody(request: KubeRequest): boolean {
  return (
    request.isResource &&
    request.resource === 'secrets' &&
    request.group === '' &&
    ['create', 'update', 'patch'].includes(request.verb)
  );
}

function refuse(code: string, status: number, message: string): Refusal {
  return { code, status, message };
}
