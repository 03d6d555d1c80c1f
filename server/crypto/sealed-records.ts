/** What is sealed in the database, each kind with its context: the record opens in its own place and nowhere else. */
export const sealingContexts = {
  /** The credential of a registered cluster, by the cluster's id. */
  clusterCredential: (cluster: string) => `cluster-credential:${cluster}`,
  /** The secret that a session host proves itself with, by the session's id. */
  hostSecret: (session: string) => `session-host:${session}`,
  /** The key of the authority that sandboxes trust; one for the installation. */
  sandboxAuthority: 'sandbox-authority',
  /** The key that signs client certificates; another one, so that neither vouches for what is the other's. */
  clientAuthority: 'client-authority',
};
