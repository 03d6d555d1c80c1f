import { expect, it } from 'vitest';
import { noOutage, outageBanner, outageNews, type Outage } from './outage.ts';

const engine: Outage = { engine: true, shell: false };
const shell: Outage = { engine: false, shell: true };
const both: Outage = { engine: true, shell: true };

it.each<[string, Outage, Outage, string | undefined]>([
  ['nothing changed', engine, engine, undefined],
  ['the engine went', noOutage, engine, 'engine-away'],
  ['the engine came back', engine, noOutage, 'engine-back'],
  ['the shell went', noOutage, shell, 'shell-away'],
  ['the shell went, too', engine, both, 'shell-away'],
  ['the reason became known', shell, both, 'shell-away'],
  ['the shell came back first', both, engine, 'engine-away'],
  ['all came back at once', both, noOutage, 'shell-back'],
])('%s', (_, before, after, code) => expect(outageNews(before, after)?.code).toBe(code));

it('says why a shell is away where that is known', () => {
  expect(outageBanner(both)!.text).toContain('container engine');
  expect(outageBanner(shell)!.text).not.toContain('container engine');
  expect(outageBanner(noOutage)).toBeNull();
});
