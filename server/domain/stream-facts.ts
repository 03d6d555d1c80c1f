/** What an exec, attach or port-forward is, by its request, and how it ended, by its error channel. Pure. */
import type { KubeRequest } from './kube-request.ts';
import { redactText } from './redaction.ts';

export type StreamFacts = {
  kind: 'exec' | 'attach' | 'port-forward';
  namespace: string;
  pod: string;
  container: string;
  /** Of an exec; cut, and without what looks like a credential. */
  command: string[];
  tty: boolean;
  stdin: boolean;
};

const kinds = { exec: 'exec', attach: 'attach', portforward: 'port-forward' } as const;
const WORDS_MOST = 64;
const WORD_MOST = 1_024;

/** Null for any other request. */
export function streamFacts(request: KubeRequest): StreamFacts | null {
  const kind = kinds[request.subresource as keyof typeof kinds];
  if (!kind || request.group !== '' || request.resource !== 'pods') return null;
  const asked = new URLSearchParams(request.query);
  const is = (name: string) => ['true', '1'].includes((asked.get(name) ?? '').toLowerCase());
  const command = asked.getAll('command').slice(0, WORDS_MOST);
  return {
    kind,
    namespace: request.namespace,
    pod: request.name,
    container: (asked.get('container') ?? '').slice(0, 253),
    command: command.map((word) => redactText(word.slice(0, WORD_MOST * 2)).slice(0, WORD_MOST)),
    tty: is('tty'),
    stdin: is('stdin'),
  };
}

/** In words: `exec web-1 -c app -n shop: sh -c …`. */
export function streamTitle({ kind, namespace, pod, container, command }: StreamFacts): string {
  const where = `${kind} ${pod}${container ? ` -c ${container}` : ''} -n ${namespace}`;
  return command.length > 0 ? `${where}: ${command.join(' ')}` : where;
}

/** A metav1.Status, as the error channel brings it at the end. Null where it does not say. */
export function exitCodeOf(text: string): number | null {
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch {
    return null;
  }
  const { status: word, details } = (status ?? {}) as {
    status?: unknown;
    details?: { causes?: { reason?: unknown; message?: unknown }[] };
  };
  if (word === 'Success') return 0;
  const cause = Array.isArray(details?.causes) ? details.causes.find(({ reason }) => reason === 'ExitCode') : undefined;
  const code = Number(cause?.message);
  return cause !== undefined && Number.isInteger(code) ? code : null;
}

/** The terminal's size, as the resize channel brings it. */
export function sizeOf(text: string): { cols: number; rows: number } | null {
  try {
    const { Width: cols, Height: rows } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    const fits = (value: unknown): value is number =>
      Number.isInteger(value) && Number(value) > 0 && Number(value) < 10_000;
    return fits(cols) && fits(rows) ? { cols, rows } : null;
  } catch {
    return null;
  }
}

/** A line that asks for something nobody may see; a terminal far away does not say that it shows no echo. */
const PROMPT = /\b(pass(word|phrase|code)?|pin|secret|token|otp|verification code)\b[^\n\r]{0,80}[:?>]\s*$/i;

export function asksForSecret(line: string): boolean {
  return PROMPT.test(line.slice(-200));
}
