/** What a sign-in's error code means to the person: the portal's codes first, then next-auth's. */
export type Message = { title: string; next: string };

const messages: Record<string, Message> = {
  'wrong-password': { title: 'Email or password is wrong.', next: 'Check both, and the keyboard’s Caps Lock.' },
  'sign-in-limited': {
    title: 'Too many attempts.',
    next: 'Wait a few minutes; the account itself is not locked.',
  },
  'user-disabled': { title: 'This account is disabled.', next: 'Ask an administrator to enable it.' },
  'sign-in-busy': { title: 'Many people are signing in.', next: 'Try again in a few seconds.' },
  'sign-in-off': { title: 'This way of signing in is switched off.', next: 'Choose another one.' },
  'sign-in-cancelled': { title: 'The identity provider ended the sign-in.', next: 'Start again from here.' },
  'sign-in-expired': {
    title: 'The sign-in took too long, or began in another window.',
    next: 'Start again from here.',
  },
  'sign-in-replayed': { title: 'That sign-in is over already.', next: 'Start again from here.' },
  'not-a-member': {
    title: 'You are in none of the organisations that may sign in here.',
    next: 'Ask an administrator, and let your organisation see this application at GitHub.',
  },
  'identity-too-large': {
    title: 'The identity provider names too many groups for you.',
    next: 'Ask an administrator to narrow what the provider sends.',
  },
  'code-refused': { title: 'The identity provider did not confirm the sign-in.', next: 'Start again from here.' },
  'id-token-refused': {
    title: 'The identity provider’s answer could not be trusted.',
    next: 'Start again; if it lasts, tell an administrator.',
  },
  'token-not-ours': { title: 'GitHub’s answer was meant for another application.', next: 'Start again from here.' },
  'provider-unavailable': {
    title: 'The identity provider could not be asked.',
    next: 'Try again; if it lasts, an administrator should check the provider’s address.',
  },
  'provider-misconfigured': {
    title: 'The identity provider is not set up right here.',
    next: 'An administrator finds the reason in the portal’s log.',
  },
  CredentialsSignin: {
    title: 'Email or password is wrong.',
    next: 'Check both. After several failures in a row, wait a few minutes.',
  },
  AccessDenied: {
    title: 'The portal does not let this account in.',
    next: 'It may be disabled, or the provider refused; ask an administrator.',
  },
  OAuthSignin: {
    title: 'The identity provider could not be asked.',
    next: 'Try again; if it lasts, an administrator should check the provider’s address.',
  },
  OAuthCallback: {
    title: 'The identity provider’s answer was refused.',
    next: 'Start again from here: an answer counts once, for a few minutes, in the browser that asked.',
  },
  Callback: { title: 'The sign-in did not complete.', next: 'Start again from here.' },
  Configuration: {
    title: 'Sign-in is not set up correctly.',
    next: 'An administrator finds the reason in the portal’s log.',
  },
};

export function messageFor(code: string): Message {
  return messages[code] ?? { title: 'The sign-in did not complete.', next: `Start again from here. (${code})` };
}

const notes: Record<string, string> = {
  expired: 'Your sign-in has ended. Sign in again to go on where you were.',
  'signed-out': 'You are signed out. Your sessions have ended.',
};

/** Why the person is here at all, where there is something to say. */
export function noteFor(reason: string | null): string | null {
  return reason ? (notes[reason] ?? null) : null;
}
