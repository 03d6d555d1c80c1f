/** What a shell stands on and is away at the moment, and what its person is told of it. */
import type { Banner } from '../../protocol/frames.ts';

export type Outage = {
  /** The container engine does not answer. */
  engine: boolean;
  /** The session host in the sandbox does not answer. */
  shell: boolean;
};

export const noOutage: Outage = { engine: false, shell: false };

/** What stands at the top of the terminal while it lasts; null where all is well. */
export function outageBanner({ engine, shell }: Outage): Banner | null {
  if (shell)
    return {
      kind: 'warning',
      code: 'shell-away',
      text: engine
        ? 'Your shell does not answer, and neither does the container engine that runs it. What you type is kept. ' +
          'Once the engine is back the shell goes on, or the session ends if its container is gone.'
        : 'Your shell does not answer: the connection to its sandbox is lost. What you type is kept and arrives once ' +
          'it is back. If it stays away, end the session and open a new one.',
    };
  if (engine)
    return {
      kind: 'warning',
      code: 'engine-away',
      text:
        'The container engine does not answer. This shell goes on; new ones do not open until the engine is back. ' +
        'An administrator can start it.',
    };
  return null;
}

/** What is said when something changed; null where nothing is to be said. */
export function outageNews(before: Outage, after: Outage): Banner | null {
  if (before.engine === after.engine && before.shell === after.shell) return null;
  const standing = outageBanner(after);
  if (standing) return standing;
  return before.shell
    ? { kind: 'info', code: 'shell-back', text: 'Your shell answers again.' }
    : { kind: 'info', code: 'engine-back', text: 'The container engine answers again.' };
}
