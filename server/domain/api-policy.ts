/**
 * What a role says no to on the Kubernetes path, before the cluster decides by its own RBAC: it narrows what the
 * role's ClusterRoles give, and never widens it. Pure. Rules are spelled as RBAC spells them (rbac.authorization.k8s.io
 * PolicyRule), with globs for namespaces and names; where it cannot be known whether a refusal covers a request, it does.
 */
import { matchesName, matchesPath } from './glob.ts';
import type { KubeRequest, Refusal } from './kube-request.ts';

export const CONNECTS = [
  'exec',
  'attach',
  'port-forward',
  'ephemeral-containers',
  'service-proxy',
  'pod-proxy',
  'node-proxy',
] as const;
/** A way into what runs on the cluster, past its API's objects. */
export type Connect = (typeof CONNECTS)[number];

/** HTTP's, and `UPGRADE` for a request that changes the protocol (WebSocket), whose own method is GET. */
export const POLICY_METHODS = ['*', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'UPGRADE'] as const;
type PolicyMethod = (typeof POLICY_METHODS)[number];

export const RECORD_STREAMS = ['when-possible', 'required'] as const;
type RecordStreams = (typeof RECORD_STREAMS)[number];

export const WAKE_BY = ['call', 'person'] as const;
type WakeBy = (typeof WAKE_BY)[number];

export type ApiRule = {
  /** Kubernetes' verbs; `*` for any. */
  verbs: string[];
  /** The empty one is core; `*` for any. */
  apiGroups: string[];
  /** `pods` (without subresources), `pods/log`, `pods/*`, or of every resource one subresource; `*` for any. */
  resources: string[];
  /** Globs. Empty: everywhere, and what is in no namespace. */
  namespaces: string[];
  /** Globs. Empty: any. */
  names: string[];
};

/** A path that names no resource, as `/metrics`. */
export type PathRule = { methods: PolicyMethod[]; path: string };

/** What may be asked of what is behind a service or pod: `path` is the one there. */
export type ProxyRule = {
  methods: PolicyMethod[];
  /** Globs. Empty: any. */
  namespaces: string[];
  /** Globs for the name, or for `name:port`. Empty: any. */
  names: string[];
  path: string;
};

export type ApiPolicy = {
  /** Nothing but get, list and watch; of the ways in none, except proxies' paths that `proxyPaths` names. */
  readOnly: boolean;
  /** The ways in that are open. */
  connect: Connect[];
  secrets: 'write' | 'read' | 'none';
  /** Service-account tokens, Secrets that hold them, and certificates: what outlives the session and names nobody. */
  mintCredentials: boolean;
  /** Empty: whatever is not denied. */
  allow: ApiRule[];
  /** Before `allow`. */
  deny: ApiRule[];
  /** Empty: any. Discovery, OpenAPI and /version are always open. */
  paths: PathRule[];
  /** Empty: any, as far as `connect` says. */
  proxyPaths: ProxyRule[];
  /** Globs for those whom `--as` and `--as-group` may name; nothing that begins with `system:` matches any. */
  impersonateUsers: string[];
  impersonateGroups: string[];
  /** Exec and attach: whether one that cannot be recorded is refused, or ended. */
  recordStreams: RecordStreams;
  /** What wakes a kubeconfig that idled: its next call, or its person in the portal. */
  wakeBy: WakeBy;
};

/** What the portal did before roles could say so, and does where they do not. */
export const OPEN_POLICY: ApiPolicy = {
  readOnly: false,
  connect: CONNECTS.filter((one) => one !== 'node-proxy'),
  secrets: 'write',
  mintCredentials: false,
  allow: [],
  deny: [],
  paths: [],
  proxyPaths: [],
  impersonateUsers: [],
  impersonateGroups: [],
  recordStreams: 'when-possible',
  wakeBy: 'call',
};

/** As much of a request as is decided on; of a real one, or of one that a review asks about. */
export type ApiAttributes = Pick<
  KubeRequest,
  'method' | 'path' | 'verb' | 'isResource' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'parts'
> & {
  /** Asks to change the protocol. */
  upgrade: boolean;
};

const READS = new Set(['get', 'list', 'watch']);
const READ_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const streams: Record<string, Connect> = { exec: 'exec', attach: 'attach', portforward: 'port-forward' };
const proxied: Record<string, Connect> = { services: 'service-proxy', pods: 'pod-proxy', nodes: 'node-proxy' };
const DISCOVERY = /^\/(version|apis?|api\/[^/]+|apis\/[^/]+(\/[^/]+)?|openapi\/.*)\/?$/;

/** Whether it says no to more than {@link OPEN_POLICY} does. */
export function narrows(policy: ApiPolicy): boolean {
  const { readOnly, connect, secrets, allow, deny, paths, proxyPaths } = policy;
  const closed = OPEN_POLICY.connect.some((way) => !connect.includes(way));
  const rules = allow.length + deny.length + paths.length + proxyPaths.length;
  return readOnly || closed || secrets !== 'write' || rules > 0;
}

/** Null: not refused here. `role` is its name, for the sentence. */
export function policyRefusal(asked: ApiAttributes, policy: ApiPolicy, role: string): Refusal | null {
  if (!asked.isResource) return pathRefusal(asked, policy, role);
  // Questions about oneself, answered with what both locks say.
  if (isSelfReview(asked)) return null;
  return (
    connectRefusal(asked, policy, role) ??
    readOnlyRefusal(asked, policy, role) ??
    secretsRefusal(asked, policy, role) ??
    ruleRefusal(asked, policy, role)
  );
}

export function isSelfReview({ group, resource, subresource }: ApiAttributes): boolean {
  if (subresource !== '') return false;
  if (group === 'authorization.k8s.io')
    return resource === 'selfsubjectaccessreviews' || resource === 'selfsubjectrulesreviews';
  return group === 'authentication.k8s.io' && resource === 'selfsubjectreviews';
}

function pathRefusal({ method, path }: ApiAttributes, policy: ApiPolicy, role: string): Refusal | null {
  const reads = READ_METHODS.has(method);
  if (policy.readOnly && !reads) return readOnly(role, `${method} ${path}`);
  if (policy.paths.length === 0 || (reads && DISCOVERY.test(path))) return null;
  if (policy.paths.some((rule) => names(rule.methods, method) && matchesPath(rule.path, path))) return null;
  return refuse('role-path-refused', 403, `The role "${role}" does not open ${method} ${path}.`);
}

function connectRefusal(asked: ApiAttributes, policy: ApiPolicy, role: string): Refusal | null {
  const way = wayOf(asked);
  if (way === null) return null;
  const { namespace, resource, name } = asked;
  const where = `${resource.replace(/s$/, '')} ${name}${namespace ? ` in ${namespace}` : ''}`;
  if (!policy.connect.includes(way)) {
    const shut = `The role "${role}" does not open ${spoken[way]} (${where}).`;
    return way === 'node-proxy' ? refuse('node-proxy-refused', 403, shut) : refuse('role-connect-refused', 403, shut);
  }
  if (!isProxy(asked) || policy.proxyPaths.length === 0)
    return policy.readOnly ? readOnly(role, `${spoken[way]} (${where})`) : null;
  const method = asked.upgrade ? 'UPGRADE' : asked.method;
  if (policy.readOnly && !READ_METHODS.has(method)) return readOnly(role, `${method} to ${where}`);
  if (policy.proxyPaths.some((rule) => opens(rule, asked, method))) return null;
  const path = asked.path === '' ? '' : ` of ${belowProxy(asked)}`;
  return refuse('role-path-refused', 403, `The role "${role}" does not open ${method}${path} at the ${where}.`);
}

const spoken: Record<Connect, string> = {
  exec: 'exec',
  attach: 'attach',
  'port-forward': 'port-forward',
  'ephemeral-containers': 'ephemeral containers',
  'service-proxy': 'the proxy to services',
  'pod-proxy': 'the proxy to pods',
  'node-proxy':
    "the proxy to a node's kubelet, which runs commands in every pod of the node past Kubernetes' own permissions",
};

function wayOf({ group, resource, subresource, verb }: ApiAttributes): Connect | null {
  if (group !== '') return null;
  if (subresource === 'proxy') return proxied[resource] ?? null;
  if (resource !== 'pods') return null;
  if (subresource === 'ephemeralcontainers') return READS.has(verb) ? null : 'ephemeral-containers';
  return streams[subresource] ?? null;
}

function isProxy({ group, resource, subresource }: ApiAttributes): boolean {
  return group === '' && subresource === 'proxy' && resource in proxied;
}

function opens(rule: ProxyRule, asked: ApiAttributes, method: string): boolean {
  if (!names(rule.methods, method)) return false;
  if (rule.namespaces.length > 0 && !rule.namespaces.some((glob) => matchesName(glob, asked.namespace))) return false;
  const { name, port } = proxyTarget(asked.name);
  if (
    rule.names.length > 0 &&
    !rule.names.some((glob) => matchesName(glob, glob.includes(':') ? `${name}:${port}` : name))
  )
    return false;
  // A review names no path: it asks whether there is one.
  return asked.path === '' || matchesPath(rule.path, belowProxy(asked));
}

/** Proxies name their target `name`, `name:port` or `scheme:name:port`, the port by number or name. */
function proxyTarget(name: string): { name: string; port: string } {
  const parts = name.split(':');
  if (parts.length === 3) return { name: parts[1]!, port: parts[2]! };
  return { name: parts[0]!, port: parts[1] ?? '' };
}

function belowProxy({ parts, path }: ApiAttributes): string {
  const below = parts.slice(3).join('/');
  return `/${below}${below !== '' && path.endsWith('/') ? '/' : ''}`;
}

function readOnlyRefusal(asked: ApiAttributes, policy: ApiPolicy, role: string): Refusal | null {
  if (!policy.readOnly || isProxy(asked) || (READS.has(asked.verb) && READ_METHODS.has(asked.method))) return null;
  return readOnly(role, said(asked));
}

function secretsRefusal(asked: ApiAttributes, policy: ApiPolicy, role: string): Refusal | null {
  if (asked.group !== '' || asked.resource !== 'secrets' || policy.secrets === 'write') return null;
  if (policy.secrets === 'none') return refuse('role-secrets-refused', 403, `The role "${role}" sees no Secrets.`);
  if (READS.has(asked.verb)) return null;
  return refuse('role-secrets-refused', 403, `The role "${role}" reads Secrets and changes none (${said(asked)}).`);
}

function ruleRefusal(asked: ApiAttributes, policy: ApiPolicy, role: string): Refusal | null {
  if (policy.deny.some((rule) => mayCover(rule, asked)))
    return refuse('role-rule-refused', 403, `The role "${role}" refuses to ${said(asked)}.`);
  if (policy.allow.length === 0 || policy.allow.some((rule) => covers(rule, asked))) return null;
  return refuse('role-rule-refused', 403, `The role "${role}" does not let you ${said(asked)}.`);
}

/** Whether all that is asked is within the rule. */
function covers(rule: ApiRule, asked: ApiAttributes): boolean {
  if (!rightKind(rule, asked)) return false;
  if (rule.namespaces.length > 0 && !rule.namespaces.some((glob) => matchesName(glob, asked.namespace))) return false;
  return rule.names.length === 0 || (asked.name !== '' && rule.names.some((glob) => matchesName(glob, nameOf(asked))));
}

/** Whether something of what is asked may be within the rule. */
function mayCover(rule: ApiRule, asked: ApiAttributes): boolean {
  if (!rightKind(rule, asked)) return false;
  if (rule.namespaces.length > 0) {
    // A list without a namespace shows every one of them, unless its objects are in none.
    const everywhere = asked.namespace === '' && asked.name === '' && !CLUSTER_SCOPED.has(asked.resource);
    if (!everywhere && !rule.namespaces.some((glob) => matchesName(glob, asked.namespace))) return false;
  }
  // A list shows those too, and what is created names itself in its body.
  return rule.names.length === 0 || asked.name === '' || rule.names.some((glob) => matchesName(glob, nameOf(asked)));
}

function rightKind(rule: ApiRule, { verb, group, resource, subresource }: ApiAttributes): boolean {
  return (
    names(rule.verbs, verb) &&
    names(rule.apiGroups, group) &&
    rule.resources.some((pattern) => namesResource(pattern, resource, subresource))
  );
}

function namesResource(pattern: string, resource: string, subresource: string): boolean {
  if (pattern === '*') return true;
  const [wanted, below] = pattern.split('/', 2);
  if (below === undefined) return subresource === '' && wanted === resource;
  if (subresource === '') return false;
  return (wanted === '*' || wanted === resource) && (below === '*' || below === subresource);
}

function names(list: readonly string[], value: string): boolean {
  return list.includes('*') || list.includes(value);
}

function nameOf(asked: ApiAttributes): string {
  return isProxy(asked) ? proxyTarget(asked.name).name : asked.name;
}

/** Kubernetes' own resources that are in no namespace; one that is not here is taken to be in some. */
const CLUSTER_SCOPED = new Set(
  `apiservices certificatesigningrequests clusterrolebindings clusterroles clustertrustbundles componentstatuses
  csidrivers csinodes customresourcedefinitions deviceclasses flowschemas ingressclasses ipaddresses
  mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations namespaces nodes
  persistentvolumes priorityclasses prioritylevelconfigurations resourceslices runtimeclasses selfsubjectaccessreviews
  selfsubjectreviews selfsubjectrulesreviews servicecidrs storageclasses storageversions storageversionmigrations
  subjectaccessreviews tokenreviews validatingadmissionpolicies validatingadmissionpolicybindings
  validatingwebhookconfigurations volumeattachments volumeattributesclasses`.split(/\s+/),
);

/** As kubectl would say it: `delete deployments.apps web in shop`. */
function said({ verb, group, resource, subresource, namespace, name }: ApiAttributes): string {
  const kind = `${resource}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''}`;
  return `${verb} ${kind}${name ? ` ${name}` : ''}${namespace && resource !== 'namespaces' ? ` in ${namespace}` : ''}`;
}

function readOnly(role: string, what: string): Refusal {
  return refuse('role-read-only', 403, `The role "${role}" is read-only: ${what} is refused.`);
}

function refuse(code: string, status: number, message: string): Refusal {
  return {
    code,
    status,
    message: `${message} The portal refuses this before the cluster is asked; another of your roles may allow it, or an administrator can.`,
  };
}
