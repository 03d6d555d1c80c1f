/** Why a cluster said no, as the audit log keeps it: the reason of a metav1.Status, and its message without values. Pure. */
import { redactText } from './redaction.ts';

export type StatusReason = { statusReason?: string; statusMessage?: string };

const MOST_MESSAGE = 512;
/** Validation quotes what somebody sent from here on. */
const QUOTES = /\b(?:Invalid|Unsupported|Duplicate) value:/;

/** Empty where the answer is no Status. */
export function statusReason(text: string): StatusReason {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return {};
  }
  const { kind, reason, message } = (answer ?? {}) as { kind?: unknown; reason?: unknown; message?: unknown };
  if (kind !== 'Status') return {};
  return {
    ...(typeof reason === 'string' && reason !== '' ? { statusReason: reason.slice(0, 64) } : {}),
    ...(typeof message === 'string' && message !== '' ? { statusMessage: cut(message) } : {}),
  };
}

function cut(message: string): string {
  const at = message.search(QUOTES);
  const shown = at < 0 ? message : `${message.slice(0, at)}…`;
  return redactText(shown.slice(0, MOST_MESSAGE * 2)).slice(0, MOST_MESSAGE);
}
