import { expect, it } from 'vitest';
import { noOutage, outageBanner, outageNews, type Outage } from './outage.ts';

const engine: Outage = { ...noOutage, engine: true };
const shell: Outage = { ...noOutage, shell: true };
const database: Outage = { ...noOutage, database: true };
const both: Outage = { ...noOutage, engine: true, shell: true };

it.each<[string, Outage, Outage, string | undefined]>([
  ['nothing changed', engine, engine, undefined],
  ['the engine went', noOutage, engine, 'engine-away'],
  ['the engine came back', engine, noOutage, 'engine-back'],
  ['the shell went', noOutage, shell, 'shell-away'],
  ['the shell went, too', engine, both, 'shell-away'],
  ['the reason became known', shell, both, 'shell-away'],
  ['the shell came back first', both, engine, 'engine-away'],
  ['the database went', noOutage, database, 'database-away'],
  ['the database came back', database, noOutage, 'database-back'],
  ['all came back at once', both, noOutage, 'shell-back'],
])('%s', (_, before, after, code) => expect(outageNews(before, after)?.code).toBe(code));

it('says why a shell is away where that is known', () => {
  expect(outageBanner(both)!.text).toContain('container engine');
  expect(outageBanner(shell)!.text).not.toContain('container engine');
  expect(outageBanner(noOutage)).toBeNull();
});
