import type { Session } from '../../server/http/schemas.ts';

/** Why a session ended, in a sentence. */
export function endSentence(session: Pick<Session, 'endReason' | 'exitCode'>): string {
  switch (session.endReason) {
    case 'exited':
      return session.exitCode ? `The shell exited with code ${session.exitCode}.` : 'The shell exited.';
    case 'ended-by-person':
      return 'It was ended by hand.';
    case 'signed-out':
      return 'Its owner signed out.';
    case 'idle':
      return 'Nothing was typed for too long.';
    case 'detached':
      return 'Its page was closed and nobody came back in time.';
    case 'hard-cap':
      return 'It reached the longest time that its role allows.';
    case 'revoked':
      return 'Access was taken away, or an administrator ended it.';
    case 'fault':
      return 'Something that it needs failed.';
    default:
      return 'It has ended.';
  }
}

/** What the portal noted besides; null where the sentence says as much already. */
export function endDetail({ endReason, endDetail }: Pick<Session, 'endReason' | 'endDetail'>): string | null {
  return endReason === 'idle' || endReason === 'detached' || endReason === 'hard-cap' ? null : endDetail;
}

/** What an end that is coming is called. */
export function deadlineWords(reason: NonNullable<Session['deadline']>['reason']): string {
  if (reason === 'hard-cap') return 'longest time';
  return reason;
}

/** Whether Extend can put the end off: past the hard cap nothing can. */
export function extendable(session: Pick<Session, 'state' | 'deadline'>): boolean {
  return session.state === 'active' && session.deadline !== null && session.deadline.reason !== 'hard-cap';
}
