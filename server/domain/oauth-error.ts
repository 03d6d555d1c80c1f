/** Errors of the portal as an authorization server, in the words of RFC 6749 5.2, RFC 8628 3.5, 8693 2.2.2, 7009 2.2.1. */
export type OauthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'
  | 'access_denied'
  | 'authorization_pending'
  | 'slow_down'
  | 'expired_token'
  | 'temporarily_unavailable'
  | 'server_error';

export class OauthError extends Error {
  override name = 'OauthError';
  readonly error: OauthErrorCode;
  readonly status: number;
  /** Seconds, where waiting helps. */
  readonly retryAfter: number | undefined;

  /** `message` is the error_description: a sentence for people. */
  constructor(error: OauthErrorCode, message: string, options: { status?: number; retryAfter?: number } = {}) {
    super(message);
    this.error = error;
    this.status = options.status ?? 400;
    this.retryAfter = options.retryAfter;
  }
}

/** For who has to wait; ms. */
export function tooManyAttempts(waitMs: number): OauthError {
  const retryAfter = Math.ceil(waitMs / 1_000);
  return new OauthError('temporarily_unavailable', `Too many attempts. Wait ${Math.ceil(retryAfter / 60)} min.`, {
    status: 429,
    retryAfter,
  });
}
