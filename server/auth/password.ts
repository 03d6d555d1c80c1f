/** Passwords of local users: argon2id (RFC 9106), kept as PHC strings. */
import { argon2, randomBytes, timingSafeEqual, type Argon2Parameters } from 'node:crypto';
import { promisify } from 'node:util';
import { Problem } from '../domain/problem.ts';

const derive = promisify(argon2) as (algorithm: string, parameters: Argon2Parameters) => Promise<Buffer>;

/** RFC 9106's second recommended option, for machines with little memory to spare: 64 MiB, three passes, four lanes. */
const COST = { memory: 65_536, passes: 3, parallelism: 4 };
const TAG_BYTES = 32;
const SALT_BYTES = 16;
/** Each derivation takes 64 MiB and most of a core for 150 ms: more at once would starve everybody's keystrokes. */
const AT_ONCE = 2;
/** Beyond this queue, a sign-in waits longer than a person would. */
const WAITING = 20;

const PHC = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{22,128})$/;

let running = 0;
const waiting: (() => void)[] = [];

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await bounded(password, salt, COST, TAG_BYTES);
  const { memory, passes, parallelism } = COST;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/**
 * Whether `password` is the one behind `stored`. Without a stored hash (no such person) it answers false after the
 * same work, so that the time tells nothing. Throws Problem `sign-in-busy`.
 */
export async function verifyPassword(password: string, stored: string | null): Promise<boolean> {
  const match = PHC.exec(stored ?? '');
  if (!match) {
    await bounded(password, randomBytes(SALT_BYTES), COST, TAG_BYTES);
    return false;
  }
  const [, memory, passes, parallelism, salt, tag] = match;
  const expected = Buffer.from(tag!, 'base64');
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const actual = await bounded(password, Buffer.from(salt!, 'base64'), cost, expected.length);
  return timingSafeEqual(actual, expected);
}

/** Whether a hash was made with another cost than today's: hash anew at the next sign-in. */
export function isOutdated(stored: string): boolean {
  const [, memory, passes, parallelism] = PHC.exec(stored) ?? [];
  return Number(memory) !== COST.memory || Number(passes) !== COST.passes || Number(parallelism) !== COST.parallelism;
}

async function bounded(password: string, nonce: Buffer, cost: typeof COST, tagLength: number): Promise<Buffer> {
  if (running >= AT_ONCE) {
    if (waiting.length >= WAITING)
      throw new Problem('sign-in-busy', 503, 'Too many people are signing in at this moment.', {
        next: 'Try again in a few seconds.',
        meta: { retryAfterSeconds: '5' },
      });
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running++;
  try {
    return await derive('argon2id', { message: password.normalize('NFKC'), nonce, tagLength, ...cost });
  } finally {
    running--;
    waiting.shift()?.();
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
