/** The pages' cached questions to the portal, each with how stale it may be. */
import { queryOptions } from '@tanstack/react-query';
import type { Cluster } from '../../server/http/schemas.ts';
import { api } from './api.ts';

/** A list that changes while it is looked at is asked again this often; hidden pages do not ask. */
const LIVE_MS = 5_000;
/** A cluster is being checked for the first time: the answer is a moment away. */
const CHECKING_MS = 1_000;

function nextLook(clusters: Cluster[] | undefined): number {
  return clusters?.some(({ health }) => health.state === 'unknown') ? CHECKING_MS : 3 * LIVE_MS;
}

export const queries = {
  me: () => queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => api.me(signal), staleTime: 60_000 }),
  /** Of a service user; null: one's own. */
  tokens: (of: string | null) =>
    queryOptions({ queryKey: ['tokens', of], queryFn: ({ signal }) => api.tokens(of, signal) }),
  ownedServiceUsers: () =>
    queryOptions({ queryKey: ['service-users'], queryFn: ({ signal }) => api.ownedServiceUsers(signal) }),
  serviceUser: (id: string) =>
    queryOptions({ queryKey: ['service-user', id], queryFn: ({ signal }) => api.serviceUser(id, signal) }),
  linkKeys: (of: string) =>
    queryOptions({ queryKey: ['link-keys', of], queryFn: ({ signal }) => api.linkKeys(of, signal) }),
  trusts: (of: string) => queryOptions({ queryKey: ['trusts', of], queryFn: ({ signal }) => api.trusts(of, signal) }),
  kubeconfigs: () =>
    queryOptions({
      queryKey: ['kubeconfigs'],
      queryFn: ({ signal }) => api.kubeconfigs(signal),
      refetchInterval: LIVE_MS,
    }),
  services: () =>
    queryOptions({ queryKey: ['services'], queryFn: ({ signal }) => api.services(signal), refetchInterval: LIVE_MS }),
  links: () =>
    queryOptions({ queryKey: ['links'], queryFn: ({ signal }) => api.links(signal), refetchInterval: LIVE_MS }),
  users: () => queryOptions({ queryKey: ['users'], queryFn: ({ signal }) => api.users(signal) }),
  roles: () => queryOptions({ queryKey: ['roles'], queryFn: ({ signal }) => api.roles(signal) }),
  clusters: () =>
    queryOptions({
      queryKey: ['clusters'],
      queryFn: ({ signal }) => api.clusters(signal),
      refetchInterval: ({ state }) => nextLook(state.data?.items),
    }),
  cluster: (name: string) =>
    queryOptions({
      queryKey: ['cluster', name],
      queryFn: ({ signal }) => api.cluster(name, signal),
      refetchInterval: ({ state }) => nextLook(state.data && [state.data]),
    }),
  manifest: (namespace: string, actAs: Cluster['actAs']) =>
    queryOptions({
      queryKey: ['manifest', namespace, actAs],
      queryFn: ({ signal }) => api.clusterManifest(namespace, actAs, signal),
      staleTime: Infinity,
    }),
  /** The person's own sessions that still live: the dock and the start page. */
  mySessions: () =>
    queryOptions({
      queryKey: ['sessions', 'mine-open'],
      queryFn: ({ signal }) => api.sessions({ mine: true, channel: 'terminal' }, signal),
      refetchInterval: LIVE_MS,
    }),
  session: (id: string) =>
    queryOptions({ queryKey: ['session', id], queryFn: ({ signal }) => api.session(id, signal) }),
};
