/** Failed connections to a cluster, in words. Pure. */
import { Problem } from './problem.ts';

const tlsCodes =
  /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|INVALID_CA|HOSTNAME_MISMATCH|CRL_)/;

/** A certificate that would be good at another time. */
const clockCodes = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);

/** A connection that was not made in time; nothing of a request has been sent. */
export class ConnectingTimedOut extends Error {
  override name = 'ConnectingTimedOut';
  readonly code = 'ETIMEDOUT';
  /** What it was waiting for. */
  readonly step: 'name' | 'connection' | 'handshake';
  /** Ms that it was given. */
  readonly ms: number;

  constructor(step: ConnectingTimedOut['step'], ms: number) {
    super(`no ${step} within ${ms} ms`);
    this.step = step;
    this.ms = ms;
  }
}

/** A request that was sent, and no answer came in time. */
export class AnswerTimedOut extends Error {
  override name = 'AnswerTimedOut';
  readonly code = 'ETIMEDOUT';
  /** Ms that it was given. */
  readonly ms: number;

  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.ms = ms;
  }
}

/** What a failed connection to a cluster means, in words for a person. Problems pass through as they are. */
export function unreachable(cluster: string, error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code, name, message } = (error ?? {}) as { code?: string; name?: string; message?: string };
  const meta = { cluster, ...(code ? { cause: code } : {}) };
  if (error instanceof ConnectingTimedOut) {
    const { happened, next } = unmade[error.step];
    const within = `within ${error.ms / 1000} s`;
    return new Problem('cluster-unreachable', 503, `The cluster ${cluster} cannot be reached: ${happened} ${within}.`, {
      next,
      meta: { ...meta, step: error.step },
      cause: error,
    });
  }
  if (code && tlsCodes.test(code))
    return new Problem('cluster-tls', 503, `The cluster ${cluster} did not prove who it is: ${message} (${code}).`, {
      next: clockCodes.has(code)
        ? 'Compare the clocks of the portal and of the cluster; if they agree, its certificate has to be renewed.'
        : 'Check the certificate authority and the address that the cluster is registered with.',
      meta,
      cause: error,
    });
  if (error instanceof AnswerTimedOut)
    return new Problem('cluster-timeout', 504, `The cluster ${cluster} did not answer within ${error.ms / 1000} s.`, {
      next: 'Look whether what was asked for has happened, and try again; if it stays so, tell who runs the cluster.',
      meta: { ...meta, timeoutSeconds: String(error.ms / 1000) },
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

const unmade: Record<ConnectingTimedOut['step'], { happened: string; next: string }> = {
  name: { happened: 'its name did not resolve', next: 'Check the name servers that the portal asks.' },
  connection: {
    happened: 'its address did not take the connection',
    next: 'Check that the cluster is running and that no firewall stands between it and the portal.',
  },
  handshake: {
    happened: 'its address took the connection, but did not answer the TLS handshake',
    next: 'Check that its API server, or the load balancer in front of it, is not stuck, and that it speaks TLS.',
  },
};

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
