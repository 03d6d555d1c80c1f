/** What a shell stands on and is away at the moment, and what its person is told of it. */
import type { Banner } from '../../protocol/frames.ts';

export type Outage = {
  /** The container engine does not answer. */
  engine: boolean;
  /** The database does not answer. */
  database: boolean;
  /** The session host in the sandbox does not answer. */
  shell: boolean;
};

export const noOutage: Outage = { engine: false, database: false, shell: false };

/** What stands at the top of the terminal while it lasts; null where all is well. */
export function outageBanner({ engine, database, shell }: Outage): Banner | null {
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
  if (database)
    return {
      kind: 'warning',
      code: 'database-away',
      text:
        'The portal’s database does not answer. This shell goes on and stays on record; calls to the cluster, pages ' +
        'and new shells wait until it is back.',
    };
  return null;
}

/** What is said when something changed; null where nothing is to be said. */
export function outageNews(before: Outage, after: Outage): Banner | null {
  const same = (['engine', 'database', 'shell'] as const).every((part) => before[part] === after[part]);
  if (same) return null;
  const standing = outageBanner(after);
  if (standing) return standing;
  const [what, name] = before.shell
    ? (['shell', 'Your shell'] as const)
    : before.engine
      ? (['engine', 'The container engine'] as const)
      : (['database', 'The portal’s database'] as const);
  return { kind: 'info', code: `${what}-back`, text: `${name} answers again.` };
}
