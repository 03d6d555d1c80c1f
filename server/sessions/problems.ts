/** What people are told where a session cannot be opened, reached or kept. */
import { Problem } from '../domain/problem.ts';

export const openingLate = () =>
  new Problem('opening-late', 503, 'The session did not open in time.', { next: 'Try again in a minute.' });
export const stopping = () =>
  new Problem('portal-stopping', 503, 'The portal is stopping.', { next: 'Try again in a minute.' });
/** Longer than a call is made to wait for it. */
export const accountLate = () =>
  new Problem('account-late', 503, 'The session’s account on the cluster is not ready yet.', { next: 'Try again.' });
export const notYours = () =>
  new Problem('not-yours', 403, 'This session is another person’s.', {
    next: 'Only they may do this; an administrator may end it.',
  });
export const notLive = () =>
  new Problem('session-not-live', 409, 'The session has ended.', { next: 'Open a new one.' });
/** Terminal, files and clocks of a session are with the replica that holds it. */
export const elsewhere = () =>
  new Problem('session-elsewhere', 503, 'Another replica of the portal holds this session.', {
    next: 'Reload the page. If it stays so, an administrator has to make the balancer keep a browser at one replica.',
  });
/** After a restart, until the session is taken up; or while another replica ends it. */
export const comingBack = () =>
  new Problem('session-coming-back', 503, 'The portal is taking the session up again.', {
    next: 'Try again in a second.',
  });
export const tooMany = (max: number) =>
  new Problem('too-many-sessions', 409, `You have ${max} sessions open, as many as your role allows.`, {
    next: 'End one of them first.',
    meta: { max: String(max) },
  });
