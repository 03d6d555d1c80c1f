/** What a sign-in's error code means to the person: the portal's codes first, then next-auth's. */
export type Message = { title: string; next: string };

const messages: Record<string, Message> = {
  'sign-in-refused': { title: 'Email or password is wrong.', next: 'Check both, and the keyboard’s Caps Lock.' },
  'sign-in-limited': {
    title: 'Too many attempts.',
    next: 'Wait a few minutes; the account itself is not locked.',
  },
  'user-disabled': { title: 'This account is disabled.', next: 'Ask an administrator to enable it.' },
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
