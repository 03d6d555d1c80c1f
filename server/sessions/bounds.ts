/** Waiting with an end to it. */

/** The promise; or, once `ms` are over, what `late` makes; or, once the signal aborts, its reason. */
export async function within<T>(
  promise: Promise<T>,
  ms: number,
  signal: AbortSignal | null,
  late: () => Error,
): Promise<T> {
  signal?.throwIfAborted();
  const { promise: bound, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  const aborted = () => reject(signal!.reason as Error);
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    return await Promise.race([promise, bound]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  }
}

/** True once the promise has settled, either way; false after `ms`. */
export async function settledWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `work` for each item, at most `width` at a time. */
export async function each<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const runner = async () => {
    while (queue.length > 0) await work(queue.shift()!);
  };
  await Promise.all(Array.from({ length: Math.min(width, queue.length) }, runner));
}
