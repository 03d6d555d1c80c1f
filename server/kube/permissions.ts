/** What the portal may do on a cluster: the rules of its ClusterRole and Role, from which the manifest and the check are made. */

import type { ActAs } from '../domain/impersonation.ts';

export type PolicyRule = {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
};

const RBAC = 'rbac.authorization.k8s.io';

/** In its own namespace: the accounts of sessions, and its own next token. */
export function namespaceRules(): PolicyRule[] {
  return [
    { apiGroups: [''], resources: ['serviceaccounts'], verbs: ['create', 'delete', 'get', 'list'] },
    { apiGroups: [''], resources: ['serviceaccounts/token'], verbs: ['create'] },
  ];
}

/**
 * Across the cluster: bindings, which Kubernetes lets the portal make for the named ClusterRoles only. It holds none of
 * their rights itself.
 */
export function clusterRules(clusterRoles: readonly string[], actAs: ActAs): PolicyRule[] {
  const rules = [
    ...(actAs === 'impersonation' ? IMPERSONATION : []),
    {
      apiGroups: [RBAC],
      resources: ['rolebindings', 'clusterrolebindings'],
      verbs: ['create', 'delete', 'list'],
    },
  ];
  const names = [...new Set(clusterRoles)].sort();
  // An empty list of names would mean every ClusterRole.
  if (names.length === 0) return rules;
  return [...rules, { apiGroups: [RBAC], resources: ['clusterroles'], verbs: ['bind'], resourceNames: names }];
}

/** Whoever holds these is everybody: only where people are impersonated. */
const IMPERSONATION: PolicyRule[] = [
  { apiGroups: [''], resources: ['users', 'groups'], verbs: ['impersonate'] },
  {
    apiGroups: ['authentication.k8s.io'],
    resources: ['uids', 'userextras/sallyport-session', 'userextras/sallyport-user'],
    verbs: ['impersonate'],
  },
];

/** One question for SelfSubjectAccessReview. */
export type Permission = {
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  name: string;
  namespace: string;
};

/** Everything that the rules contain, one by one. */
export function permissions(namespace: string, clusterRoles: readonly string[], actAs: ActAs): Permission[] {
  return [
    ...namespaceRules().flatMap((rule) => expand(rule, namespace)),
    ...clusterRules(clusterRoles, actAs).flatMap((rule) => expand(rule, '')),
  ];
}

function expand(rule: PolicyRule, namespace: string): Permission[] {
  const out: Permission[] = [];
  for (const group of rule.apiGroups)
    for (const spelled of rule.resources)
      for (const verb of rule.verbs)
        for (const name of rule.resourceNames ?? ['']) {
          const [resource = '', subresource = ''] = spelled.split('/');
          out.push({ verb, group, resource, subresource, name, namespace });
        }
  return out;
}

/** As a person would say it: `create serviceaccounts/token in namespace sallyport`, `bind clusterroles "edit"`. */
export function describePermission({ verb, resource, subresource, name, namespace }: Permission): string {
  const what = subresource ? `${resource}/${subresource}` : resource;
  return `${verb} ${what}${name ? ` "${name}"` : ''}${namespace ? ` in namespace ${namespace}` : ''}`;
}
