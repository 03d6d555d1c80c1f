/**
 * A token bucket with a queue of bounded length. Pure: the time comes in as an argument. A bucket may owe tokens, as
 * many as its queue is long; who takes one that is owed waits until it has come, in the order of asking.
 */

export type Rate = {
  /** Tokens that come each second; more than 0. */
  perSecond: number;
  /** Tokens that a full bucket holds. */
  burst: number;
  /** Callers that may wait at once; 0: none. */
  queue: number;
};

/** Tokens, negative where they are owed, as of a time in ms. */
export type Bucket = { tokens: number; at: number };

export type Taken =
  | { kind: 'taken'; bucket: Bucket; waitMs: number }
  /** Nothing was taken. */
  | { kind: 'refused'; bucket: Bucket; retryAfterMs: number };

export function fullBucket(rate: Rate, now: number): Bucket {
  return { tokens: rate.burst, at: now };
}

/** What has come since is added; a clock that goes back brings nothing and takes nothing. */
export function refilled(bucket: Bucket, rate: Rate, now: number): Bucket {
  const at = Math.max(bucket.at, now);
  return { tokens: Math.min(rate.burst, bucket.tokens + ((at - bucket.at) / 1_000) * rate.perSecond), at };
}

export function take(before: Bucket, rate: Rate, now: number): Taken {
  const bucket = refilled(before, rate, now);
  const tokens = bucket.tokens - 1;
  // Sums of fractions: a token is there when all but a millionth of it is.
  if (tokens < -rate.queue - 1e-6)
    return { kind: 'refused', bucket, retryAfterMs: ((-rate.queue - tokens) / rate.perSecond) * 1_000 };
  return { kind: 'taken', bucket: { ...bucket, tokens }, waitMs: Math.max(0, (-tokens / rate.perSecond) * 1_000) };
}
