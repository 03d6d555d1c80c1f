/** Failed connections to a cluster, in words. Pure. */
import { Problem } from './problem.ts';

const tlsCodes =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|INVALID_CA|HOSTNAME_MISMATCH|CRL_)/;

/** What a failed connection to a cluster means, in words for a person. Problems pass through as they are. */
export function unreachable(cluster: string, error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code, name, message } = (error ?? {}) as { code?: string; name?: string; message?: string };
  const meta = { cluster, ...(code ? { cause: code } : {}) };
  if (code && tlsCodes.test(code))
    return new Problem('cluster-tls', 503, `The cluster ${cluster} did not prove who it is: ${message} (${code}).`, {
      next: 'Check the certificate authority and the address that the cluster is registered with.',
      meta,
      cause: error,
    });
  if (name === 'TimeoutError' || name === 'AbortError' || code === 'ETIMEDOUT')
    return new Problem('cluster-timeout', 504, `The cluster ${cluster} did not answer in time.`, {
      next: 'Try again; if it stays so, check that the portal reaches the cluster.',
      meta,
      cause: error,
    });
  return new Problem(
    'cluster-unreachable',
    503,
    `The cluster ${cluster} cannot be reached: ${describe(code, message)}.`,
    {
      next: 'Check that the cluster is running and that the portal reaches its address.',
      meta,
      cause: error,
    },
  );
}

function describe(code: string | undefined, message: string | undefined): string {
  const known: Record<string, string> = {
    ECONNREFUSED: 'nothing listens at its address',
    ECONNRESET: 'it closed the connection',
    ENOTFOUND: 'its name does not resolve',
    EAI_AGAIN: 'its name cannot be resolved at the moment',
    EHOSTUNREACH: 'there is no route to its address',
    ENETUNREACH: 'there is no route to its network',
    EPIPE: 'it closed the connection',
  };
  return known[code ?? ''] ?? message ?? 'the connection failed';
}
