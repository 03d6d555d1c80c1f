/**
 * The status line of an answer that is to be passed on (RFC 9112, 4). Node reads any three digits and any bytes behind
 * them, and throws where it has to write the same: from an event, that would end the portal. Pure.
 */

/** Null where there is no final answer: an interim status, one that is none, or 101 that nobody asked for. */
export function finalStatus(answer: {
  statusCode?: number | undefined;
  statusMessage?: string | undefined;
}): { status: number; reason: string } | null {
  const { statusCode: status = 0, statusMessage: reason = '' } = answer;
  // 599 is the last that has a meaning; none is known of a server that says more.
  if (status < 200 || status > 599) return null;
  return { status, reason: /^[\t\x20-\x7e\x80-\xff]*$/.test(reason) ? reason : '' };
}

/** What to say of an answer that is none. */
export const NO_ANSWER = 'its answer is not HTTP';
