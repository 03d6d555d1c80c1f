import { expect, it } from 'vitest';
import { isDatabaseAway } from './database-away.ts';

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });

it.each([
  ['the driver lost its connection', coded('CONNECTION_CLOSED'), true],
  ['Postgres is being stopped', coded('57P01'), true],
  ['something else than the database refuses', new Error('failed', { cause: coded('ECONNREFUSED') }), false],
  ['the same, as drizzle says it', Object.assign(coded(''), { query: 'select 1', cause: coded('ECONNREFUSED') }), true],
  ['a cluster refuses', coded('ECONNREFUSED'), false],
  ['a wrong question', Object.assign(coded('42P01'), { query: 'select' }), false],
  ['nothing', undefined, false],
])('%s', (_, error, away) => expect(isDatabaseAway(error)).toBe(away));
