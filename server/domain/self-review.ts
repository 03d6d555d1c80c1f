/**
 * What `kubectl auth can-i` is told: the cluster's answer to a review of one's own rights, cut to what the gateway lets
 * through. Pure. Shapes: authorization.k8s.io/v1 SelfSubjectAccessReview and SelfSubjectRulesReview.
 */
import { type ApiAttributes, narrows } from './api-policy.ts';
import { type GatewayRules, refusalOf } from './gateway-decision.ts';

export type AccessReview = {
  spec: {
    resourceAttributes?: Asked | undefined;
    nonResourceAttributes?: { path: string; verb: string } | undefined;
  };
  status: { allowed: boolean; denied?: boolean | undefined; reason?: string | undefined };
};
type ResourceRule = { verbs: string[]; apiGroups: string[]; resources: string[]; resourceNames: string[] };
type PathRule = { verbs: string[]; nonResourceURLs: string[] };
export type RulesReview = {
  status: { resourceRules: ResourceRule[]; nonResourceRules: PathRule[]; incomplete: boolean };
};

/** A resource that the cluster serves; `resource` with its subresource, as RBAC writes it. */
export type ServedResource = { group: string; resource: string };

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
const methods: Record<string, string> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};
/** Paths that are open to reads whatever a role says, as RBAC writes them. */
const DISCOVERY = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*', '/version', '/version/'];

/** The review as both locks answer it. */
export function accessReviewed(review: AccessReview, rules: GatewayRules): AccessReview {
  const refused = review.status.allowed ? reviewRefusal(review.spec, rules) : null;
  return refused === null ? review : { ...review, status: { allowed: false, denied: true, reason: refused } };
}

function reviewRefusal(spec: AccessReview['spec'], rules: GatewayRules): string | null {
  if (spec.nonResourceAttributes) {
    const { path, verb } = spec.nonResourceAttributes;
    if (path.includes('*') || verb === '*') return wholesale(rules);
    return refusalOf({ ...blank, path, method: verb.toUpperCase() }, rules)?.message ?? null;
  }
  const asked = spec.resourceAttributes;
  if (!asked) return null;
  if ([asked.verb, asked.group, asked.resource].includes('*')) return wholesale(rules);
  if (asked.verb === 'impersonate' && rules.policy.impersonateUsers.length === 0)
    return `The role "${rules.role}" lets nobody act as somebody else.`;
  return refusalOf(attributes(asked), rules)?.message ?? null;
}

/** Of everything at once: no, where something of it is refused. */
function wholesale({ policy, role }: GatewayRules): string | null {
  return narrows(policy) ? `The role "${role}" does not let everything through.` : null;
}

const blank: ApiAttributes = {
  method: 'GET',
  path: '',
  verb: '',
  isResource: false,
  group: '',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
  parts: [],
  upgrade: false,
};

type Asked = Pick<ApiAttributes, 'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>;

function attributes({ verb, group, resource, subresource, namespace, name }: Asked): ApiAttributes {
  const method = methods[verb] ?? 'POST';
  return { ...blank, isResource: true, method, verb, group, resource, subresource, namespace, name };
}

/**
 * The list of rules with what the gateway refuses taken out. RBAC's wildcards are spelled out by `served` where a role
 * refuses something, for what is left has no shorter name; without `served` they are left out, and the list says so.
 */
export function rulesReviewed(
  review: RulesReview,
  rules: GatewayRules,
  namespace: string,
  served: readonly ServedResource[] | null,
): RulesReview {
  const { status } = review;
  const spelled = narrows(rules.policy);
  let incomplete = status.incomplete;
  const resourceRules = status.resourceRules.flatMap((rule) => {
    if (!isWild(rule)) return isOpen(rule, rules, namespace) ? [rule] : cut(rule, pairs(rule), rules, namespace);
    if (!spelled) return [rule];
    incomplete ||= served === null || rule.verbs.includes('*');
    return cut(rule, (served ?? []).filter(covered(rule)), rules, namespace);
  });
  const nonResourceRules = status.nonResourceRules.flatMap((rule) => cutPaths(rule, rules, spelled));
  return { ...review, status: { ...status, resourceRules, nonResourceRules, incomplete } };
}

/** Whether it is asked for all that the cluster serves. */
export function needsServed({ status }: RulesReview, { policy }: GatewayRules): boolean {
  return narrows(policy) && status.resourceRules.some(isWild);
}

function isWild({ apiGroups, resources }: ResourceRule): boolean {
  return apiGroups.includes('*') || resources.some((resource) => resource.includes('*'));
}

function pairs({ apiGroups, resources }: ResourceRule): ServedResource[] {
  return apiGroups.flatMap((group) => resources.map((resource) => ({ group, resource })));
}

function covered(rule: ResourceRule): (one: ServedResource) => boolean {
  return ({ group, resource }) =>
    (rule.apiGroups.includes('*') || rule.apiGroups.includes(group)) &&
    (rule.resources.includes('*') ||
      rule.resources.includes(resource) ||
      rule.resources.includes(`*/${resource.split('/')[1]}`));
}

/** Whether nothing of it is refused: then it stays as the cluster wrote it. */
function isOpen(rule: ResourceRule, rules: GatewayRules, namespace: string): boolean {
  if (rule.verbs.includes('*') && narrows(rules.policy)) return false;
  const names = rule.resourceNames.length > 0 ? rule.resourceNames : [''];
  return pairs(rule).every(({ group, resource }) => {
    const [kind, subresource] = resource.split('/', 2) as [string, string?];
    const base = { group, resource: kind, subresource: subresource ?? '', namespace };
    return names.every((name) => rule.verbs.every((verb) => !refusalOf(attributes({ ...base, verb, name }), rules)));
  });
}

/** What is left of a rule for these resources, as few rules as say it. */
function cut(
  rule: ResourceRule,
  resources: readonly ServedResource[],
  rules: GatewayRules,
  namespace: string,
): ResourceRule[] {
  const verbs = rule.verbs.includes('*') && narrows(rules.policy) ? VERBS : rule.verbs;
  // A role that allows named objects only allows nothing of the whole: those are asked about by name.
  const named = rules.policy.allow.flatMap((allow) => allow.names).filter((name) => !name.includes('*'));
  const sets = rule.resourceNames.length > 0 ? rule.resourceNames : ['', ...new Set(named)];
  const left = new Map<string, ResourceRule>();
  for (const { group, resource } of resources) {
    const [kind, subresource] = resource.split('/', 2) as [string, string?];
    const base = { group, resource: kind, subresource: subresource ?? '', namespace };
    let whole: string[] = [];
    for (const name of sets) {
      const open = verbs.filter((verb) => !refusalOf(attributes({ ...base, verb, name }), rules));
      if (name === '') whole = open;
      const more = name === '' || rule.resourceNames.length > 0 ? open : open.filter((verb) => !whole.includes(verb));
      if (more.length === 0) continue;
      const key = JSON.stringify([group, name, more]);
      const found = left.get(key) ?? {
        verbs: more,
        apiGroups: [group],
        resources: [],
        resourceNames: name === '' ? [] : [name],
      };
      left.set(key, { ...found, resources: [...found.resources, resource] });
    }
  }
  return [...left.values()];
}

function cutPaths(rule: PathRule, rules: GatewayRules, spelled: boolean): PathRule[] {
  if (!spelled) return [rule];
  const all = rule.verbs.includes('*') ? ['get', 'head', 'options', 'post', 'put', 'patch', 'delete'] : rule.verbs;
  const urls = rule.nonResourceURLs.flatMap((url) =>
    url.includes('*') && rules.policy.paths.length > 0
      ? [...DISCOVERY, ...rules.policy.paths.map(({ path }) => path)].filter((path) =>
          path.startsWith(url.replace(/\*$/, '')),
        )
      : [url],
  );
  const left = new Map<string, PathRule>();
  for (const url of new Set(urls)) {
    const open = all.filter((verb) => !refusalOf({ ...blank, path: sample(url), method: verb.toUpperCase() }, rules));
    if (open.length === 0) continue;
    const key = open.join();
    const found = left.get(key) ?? { verbs: open, nonResourceURLs: [] };
    left.set(key, { ...found, nonResourceURLs: [...found.nonResourceURLs, url] });
  }
  return [...left.values()];
}

/** A path that a pattern covers: one pattern is open where its role opens what it stands for. */
function sample(url: string): string {
  return url.replaceAll('*', 'x');
}
