/** What a session host is told when it becomes a person's: their shell's surroundings and first words. */
import type { Claim } from '../../protocol/frames.ts';
import { KUBERNETES_PORT, PromptEnv, TOKEN_FILE } from '../../protocol/sandbox.ts';
import type { SessionWithNames } from '../../db/queries/sessions.ts';
import { printable } from '../domain/printable.ts';

/** `authority`: PEM that the sandbox's Kubernetes address is verified with. */
export function claimOf(
  session: SessionWithNames,
  size: { cols: number; rows: number },
  access: { authority: string; token: string },
): Claim {
  return {
    ...size,
    token: access.token,
    kubeconfig: kubeconfigOf(session, access.authority),
    env: {
      [PromptEnv.cluster]: session.cluster.name,
      [PromptEnv.production]: session.cluster.production ? '1' : '',
      SALLYPORT_USER: session.user.email,
      SALLYPORT_ROLE: session.role,
      SALLYPORT_NAMESPACE: session.namespaces[0] ?? 'default',
      SALLYPORT_SESSION: session.id,
    },
    greeting: greeting(session, size.cols),
  };
}

/**
 * Names the token's file, which the session host rewrites at each renewal, and never holds the token. JSON, which
 * is YAML, so that no name needs quoting rules.
 */
export function kubeconfigOf(session: SessionWithNames, authority: string): string {
  const { name } = session.cluster;
  const namespace = session.namespaces[0] ?? 'default';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: {
          server: `https://127.0.0.1:${KUBERNETES_PORT}`,
          'certificate-authority-data': Buffer.from(authority).toString('base64'),
        },
      },
    ],
    users: [{ name: session.user.email, user: { tokenFile: TOKEN_FILE } }],
    contexts: [{ name, context: { cluster: name, user: session.user.email, namespace } }],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/**
 * Which cluster, as whom, until when, and that it is recorded. Lines end as a terminal wants them, and between words
 * where the window has `cols` columns.
 */
export function greeting(session: SessionWithNames, cols: number): string {
  const where = session.namespaces.length > 0 ? `in ${session.namespaces.join(', ')}` : 'cluster-wide';
  const lines = [
    `Cluster ${printable(session.cluster.name)}${session.cluster.production ? ' (PRODUCTION)' : ''}, ` +
      `as ${printable(session.user.email)} with the role ${printable(session.role)}, ${where}.`,
    `This session is recorded. It ends at ${utc(session.hardCapAt)} at the latest, ` +
      `or after ${minutes(session.idleMs)} without input; type exit to leave.`,
  ];
  return `${lines.flatMap((line) => wrapped(line, cols)).join('\r\n')}\r\n\r\n`;
}

/** Broken between words; a word that is longer than a line is left to the terminal. */
function wrapped(text: string, cols: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && longer.length <= cols) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

function utc(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function minutes(ms: number): string {
  const count = Math.round(ms / 60_000);
  return count === 1 ? '1 minute' : `${count} minutes`;
}
