import { expect, test } from 'vitest';
import { createLogger } from './log.ts';

const secrets = {
  apiToken: `sp_${'A'.repeat(43)}`,
  jwt: 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLWJ5dGVz',
  password: 'hunter2hunter2',
  cookie: '__Host-sallyport_0a1b2c3d=SECRETCOOKIEVALUE',
  phc: '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$dGFndGFndGFndGFndGFndGFn',
};

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger('debug', { write: (line) => lines.push(line) }));
  return lines.join('');
}

test('no credential reaches a line, by field, by message, by error or by cause', () => {
  const text = logged((log) => {
    log.info({ password: secrets.password, token: secrets.apiToken, user: { passwordHash: secrets.phc } }, 'x');
    log.info({ headers: { authorization: `Bearer ${secrets.jwt}`, cookie: secrets.cookie } }, 'x');
    log.info({ request: { headers: { cookie: secrets.cookie } } }, `got ${secrets.apiToken} and ${secrets.jwt}`);
    log.info({ url: `postgres://portal:${secrets.password}@db/x`, set: `${secrets.cookie}; Path=/` }, 'x');
    const cause = new Error(`Failed query: update\nparams: ${secrets.password},x`);
    log.error({ err: new Error(`with ${secrets.jwt}`, { cause }) }, 'x');
    log.error({ err: new Error(`Failed query: insert into users\nparams: ${secrets.password}`) }, secrets.phc);
  });
  for (const secret of [secrets.apiToken, secrets.jwt, secrets.password, 'SECRETCOOKIEVALUE', secrets.phc])
    expect(text).not.toContain(secret);
  expect(text).toContain('Failed query: insert into users');
});

test('a line is one JSON object with level and time', () => {
  const line = JSON.parse(logged((log) => log.child({ part: 'gateway' }).warn({ a: 1 }, 'two\nlines')));
  expect(line).toMatchObject({ level: 'warn', part: 'gateway', a: 1, msg: 'two\nlines' });
  expect(new Date(line.time).getTime()).not.toBeNaN();
});
