/** Fetches a recording's log, and later what has come since. */
import { problemOf, unreachable } from '../lib/problem.ts';

/** More than this is not held in a page's memory; the export holds all of it. */
export const SHOWN_MOST_BYTES = 256 * 1024 * 1024;

/** Hands the log from an offset to `take`, chunk by chunk. Nothing new is no error. Throws PortalError. */
export async function loadRecording(
  /** Its address. */
  recording: string,
  from: number,
  take: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> {
  let response: Response;
  try {
    response = await fetch(recording, {
      signal,
      cache: 'no-store',
      headers: { range: `bytes=${from}-${SHOWN_MOST_BYTES - 1}` },
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw unreachable(error);
  }
  if (response.status === 416) return;
  if (!response.ok || !response.body) throw await problemOf(response);
  // A portal that answers with the whole log has sent what is known already, too.
  let skip = response.status === 206 ? 0 : from;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (skip >= value.length) skip -= value.length;
    else {
      take(skip ? value.subarray(skip) : value);
      skip = 0;
    }
  }
}
