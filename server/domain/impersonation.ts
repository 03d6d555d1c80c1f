/**
 * Who a call is made as, on a cluster where the portal's own account impersonates people (Kubernetes' "user
 * impersonation"): the person, with the groups through which they have the session's role. Pure.
 */
import type { Refusal } from './kube-request.ts';

/** How sessions act on a cluster: each with an account of its own, or the portal's account impersonating the person. */
export const ACT_AS = ['account', 'impersonation'] as const;
export type ActAs = (typeof ACT_AS)[number];

export type Impersonation = {
  user: string;
  uid: string;
  groups: readonly string[];
  sessionId: string;
};

/**
 * The headers, as name and value in turn, in the bytes that Go reads (UTF-8 as node's latin1). `asked` is whom the
 * person acts as, by leave of their role: then that is who acts, and the person stays named beside it. Nobody of the
 * system's, `system:masters` first of all, is ever impersonated.
 */
export function impersonationHeaders(
  person: Impersonation,
  asked: { user: string; groups: readonly string[] } | null,
): string[] | { refused: Refusal } {
  const { user, groups } = asked ?? person;
  const reserved = [user, ...groups].find((name) => /^\s*system:/i.test(name) || name.trim() === '');
  if (reserved !== undefined || [user, ...groups].some((name) => !PRINTABLE.test(name)))
    return {
      refused: {
        code: 'identity-reserved',
        status: 403,
        message: `This cluster is used under people's own names, and "${printable(reserved ?? user)}" is one that Kubernetes keeps for itself or cannot carry. Ask an administrator to change the name at the identity provider, or to let this cluster be used by session accounts.`,
      },
    };
  return [
    'impersonate-user',
    headerBytes(user),
    // A uid is the person's; whom they act as has none that we know.
    ...(asked ? [] : ['impersonate-uid', person.uid]),
    ...groups.flatMap((group) => ['impersonate-group', headerBytes(group)]),
    'impersonate-extra-sallyport-session',
    person.sessionId,
    ...(asked ? ['impersonate-extra-sallyport-user', headerBytes(person.user)] : []),
  ];
}

const PRINTABLE = /^[^\p{Cc}\p{Zl}\p{Zp}]{1,512}$/u;

function printable(name: string): string {
  return name.replace(/\p{Cc}/gu, '�').slice(0, 100);
}

/** A name as node sends it in a header: each byte of its UTF-8 as a character, which is what Go reads. */
export function headerBytes(name: string): string {
  return Buffer.from(name, 'utf8').toString('latin1');
}

/** {@link headerBytes} back: what node gives of a header that kubectl sent. */
export function headerName(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
