import { expect, test } from 'vitest';
import { hashPassword, isOutdated, verifyPassword } from './password.ts';

test('a hash is argon2id in PHC form, different each time, and verifies its password only', async () => {
  const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/);
  expect(one).not.toBe(two);
  expect(await verifyPassword('correct horse', one)).toBe(true);
  expect(await verifyPassword('correct horsE', one)).toBe(false);
});

test('verifies the reference vector of another implementation', async () => {
  // From the argon2 reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -l 32`, v=19
  const reference = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  expect(await verifyPassword('password', reference)).toBe(true);
  expect(isOutdated(reference)).toBe(true);
});

test.each([null, '', 'plain', '$2b$12$abcdefghijklmnopqrstuv'])('no password fits the stored %s', async (stored) => {
  expect(await verifyPassword('', stored)).toBe(false);
});

test('an unknown user costs as much time as a wrong password', async () => {
  const stored = await hashPassword('correct horse');
  // Of the processor, in µs: a machine that does other things meanwhile stretches only the clock on the wall.
  const spent = async (hash: string | null) => {
    const before = process.cpuUsage();
    await verifyPassword('wrong', hash);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  let [known, unknown] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 3; round += 1) {
    known = Math.min(known, await spent(stored));
    unknown = Math.min(unknown, await spent(null));
  }
  expect(unknown / known).toBeGreaterThan(0.5);
  expect(unknown / known).toBeLessThan(2);
});
