/** Problems that more than one room answers with, so that one thing has one code and one sentence. */
import { Problem } from './problem.ts';

/** Also of one that the person may not see. */
export function clusterUnknown(nameOrId: string): Problem {
  return new Problem('cluster-unknown', 404, `There is no cluster "${nameOrId}", or none that you may see.`, {
    next: 'Choose one of the list of clusters.',
    meta: { cluster: nameOrId },
  });
}

/** Also of one that the person may not see. */
export function sessionUnknown(): Problem {
  return new Problem('session-not-found', 404, 'There is no such session, or none that you may see.', {
    next: 'Look it up in the list of sessions.',
  });
}

/** For calls of a session's shell. */
export function sessionEnded(): Problem {
  return new Problem('session-ended', 401, 'This session has ended.', { next: 'Open a new one in the portal.' });
}

export function userDisabled(): Problem {
  return new Problem('user-disabled', 403, 'Your account is disabled.', { next: 'Ask an administrator.' });
}

/** `most` in bytes. */
export function fileTooLarge(most: number): Problem {
  return new Problem('file-too-large', 413, `A transfer moves at most ${most / 1024 / 1024} MiB.`, {
    next: 'Send less at a time.',
  });
}

/** The client has not sent all of it. */
export function requestLate(): Problem {
  return new Problem('request-late', 408, 'The request did not arrive in time.', { next: 'Send it again.' });
}

/** For nobody to read: whoever would have is gone. The status is the one that logs know. */
export function clientGone(): Problem {
  return new Problem('client-gone', 499, 'The client closed the connection.');
}

/** Following one would carry a credential to wherever it leads. */
export function redirectRefused(cluster: string): Problem {
  return new Problem(
    'redirect-refused',
    502,
    `The cluster ${cluster} answered with a redirect, which the portal does not follow.`,
    { next: "Ask the operator to register the API server's own address.", meta: { cluster } },
  );
}

/** Without the database nobody knows who may do what: it is refused. */
export function databaseUnavailable(cause: unknown): Problem {
  return new Problem('database-unavailable', 503, 'The portal’s database does not answer.', {
    next: 'Try again in a minute. Shells that are open go on. If it stays, tell the operator of the portal.',
    cause,
  });
}

/** A fault of ours; the cause is for the log. */
export function internalProblem(cause: unknown): Problem {
  return new Problem('internal', 500, 'Something went wrong in the portal.', {
    next: 'Try again. If it stays, give an administrator the correlation id.',
    cause,
  });
}
