/** How the command line signs in, as pure rules: its redirect address, scopes, PKCE's syntax, user codes, polling. */
import type { Scope } from './person.ts';
import { PRINTABLE } from './printable.ts';

/** The only client. Public: whoever installs it could read a secret out of it, so it has none. */
export const CLI_CLIENT = { id: 'sallyport-cli', name: 'Sallyport command line' } as const;

/** Ms. The program waits at its address while the browser brings the code: a minute is long. */
export const AUTHORIZATION_CODE_MS = 60_000;
/** Ms. To find another device, sign in there and type eight letters. */
export const DEVICE_CODE_MS = 10 * 60_000;
/** A working day; a stolen one ends by itself, and nobody has to renew it in the background. */
export const CLI_TOKEN_DAYS = 0.5;
/** Seconds between questions of a device, RFC 8628 3.2. */
export const POLL_SECONDS = 5;
/** Seconds more for each question that came too early (3.5), and where that ends. */
const SLOWER_SECONDS = 5;
const SLOWEST_SECONDS = 60;

/** RFC 8252 7.3: any port, this host, this path, and nothing beside them. Names resolve, so `localhost` is none. */
export function isLoopbackRedirect(uri: string): boolean {
  const port = /^http:\/\/127\.0\.0\.1:([1-9]\d{0,4})\/callback$/.exec(uri)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** What a command line may be given, which is never `admin`; absent: all of it. Null: it asks for something else. */
export function cliScopes(text: string | undefined): Scope[] | null {
  const asked = [...new Set((text ?? 'read sessions').split(' ').filter(Boolean))];
  return asked.length > 0 && asked.every((scope) => scope === 'read' || scope === 'sessions')
    ? (asked as Scope[])
    : null;
}

/** As the person sees it on the page and in the list of tokens. Null: empty, too long, or no line of text. */
export function deviceName(text: string | undefined): string | null {
  const name = (text ?? '').trim();
  return name.length >= 1 && name.length <= 64 && PRINTABLE.test(name) ? name : null;
}

/** RFC 7636 4.2: base64url of a SHA-256. */
export function isChallenge(text: string): boolean {
  return /^[A-Za-z0-9_-]{43}$/.test(text);
}

/** RFC 7636 4.1. */
export function isVerifier(text: string): boolean {
  return /^[A-Za-z0-9._~-]{43,128}$/.test(text);
}

/** RFC 8628 6.1: no vowels, so no words; none that looks like a digit. 20^8 codes: 34 bits. */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ';
const CODE_LENGTH = 8;

/** A user code out of random bytes, or null where too few of them could be used; 16 almost always do. */
export function userCodeFrom(random: Uint8Array): string | null {
  // Bytes past the last multiple of 20 would make some letters likelier.
  const usable = [...random].filter((byte) => byte < 240);
  if (usable.length < CODE_LENGTH) return null;
  return usable
    .slice(0, CODE_LENGTH)
    .map((byte) => LETTERS[byte % LETTERS.length])
    .join('');
}

/** What a person typed: case, spaces and hyphens do not count. Null: no user code. */
export function readUserCode(typed: string): string | null {
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  return code.length === CODE_LENGTH && [...code].every((letter) => LETTERS.includes(letter)) ? code : null;
}

export function showUserCode(code: string): string {
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** A question of a device that nobody has decided on yet: too early, and how long to wait from now on. */
export function paced(
  before: { polledAt: Date | null; intervalSeconds: number },
  now: Date,
): { tooEarly: boolean; intervalSeconds: number } {
  const { polledAt, intervalSeconds } = before;
  // A tenth for clocks and networks that bring an answer late and a question early.
  const tooEarly = polledAt !== null && now.getTime() - polledAt.getTime() < intervalSeconds * 900;
  return {
    tooEarly,
    intervalSeconds: tooEarly ? Math.min(intervalSeconds + SLOWER_SECONDS, SLOWEST_SECONDS) : intervalSeconds,
  };
}
