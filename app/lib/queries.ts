/** The pages' cached questions to the portal, each with how stale it may be. */
import { queryOptions } from '@tanstack/react-query';
import { api } from './api.ts';

/** A list that changes while it is looked at is asked again this often; hidden pages do not ask. */
const LIVE_MS = 5_000;

export const queries = {
  me: () => queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => api.me(signal), staleTime: 60_000 }),
  tokens: () => queryOptions({ queryKey: ['tokens'], queryFn: ({ signal }) => api.tokens(signal) }),
  users: () => queryOptions({ queryKey: ['users'], queryFn: ({ signal }) => api.users(signal) }),
  roles: () => queryOptions({ queryKey: ['roles'], queryFn: ({ signal }) => api.roles(signal) }),
  clusters: () =>
    queryOptions({
      queryKey: ['clusters'],
      queryFn: ({ signal }) => api.clusters(signal),
      refetchInterval: 3 * LIVE_MS,
    }),
  cluster: (name: string) =>
    queryOptions({
      queryKey: ['cluster', name],
      queryFn: ({ signal }) => api.cluster(name, signal),
      refetchInterval: 3 * LIVE_MS,
    }),
  manifest: (namespace: string) =>
    queryOptions({
      queryKey: ['manifest', namespace],
      queryFn: ({ signal }) => api.clusterManifest(namespace, signal),
      staleTime: Infinity,
    }),
  /** The person's own sessions that still live: the dock and the start page. */
  mySessions: () =>
    queryOptions({
      queryKey: ['sessions', 'mine-open'],
      queryFn: ({ signal }) => api.sessions({ mine: true }, signal),
      refetchInterval: LIVE_MS,
    }),
  session: (id: string) =>
    queryOptions({ queryKey: ['session', id], queryFn: ({ signal }) => api.session(id, signal) }),
};
