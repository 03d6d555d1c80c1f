/** How long a client of one of our listening sockets may take, and how many there may be. docs/operations.md, “Bounds”. */

export const HTTP_BOUNDS = {
  /** Ms from the connection to the end of the headers: a client that dribbles them is not waited for. */
  headersTimeout: 15_000,
  /** Ms between looks at the clients: one is cut this much later than its bound at most. Node's own 30 s double it. */
  connectionsCheckingInterval: 5_000,
  /** Ms that an idle connection is kept: longer than the 60 s after which the usual reverse proxies let go of theirs. */
  keepAliveTimeout: 65_000,
  requireHostHeader: true,
  insecureHTTPParser: false,
} as const;

/** Headers past this many are not looked at, nor passed on. */
export const MAX_HEADERS_COUNT = 200;

/**
 * Connections at once; further ones are closed as they come. Far below the descriptors that a process may have, so that
 * recordings and the database can still be opened.
 */
export const MAX_CONNECTIONS = 10_000;
