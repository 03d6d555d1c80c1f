import { describe, expect, test } from 'vitest';
import { Tickets } from './tickets.ts';

const bound = { session: 's', user: 'u', webSession: 'w' };

describe('Tickets', () => {
  const at = (ms: number) => new Date(1_700_000_000_000 + ms);

  test('good once, for half a minute', () => {
    let now = at(0);
    const tickets = new Tickets(() => now);
    const { ticket, expiresAt } = tickets.issue(bound);
    expect(expiresAt).toEqual(at(30_000));
    expect(tickets.redeem(ticket, bound)).toBe(true);
    expect(tickets.redeem(ticket, bound)).toBe(false);
    const late = tickets.issue(bound).ticket;
    now = at(30_000);
    expect(tickets.redeem(late, bound)).toBe(false);
  });

  test.each([{ session: 'other' }, { user: 'other' }, { webSession: 'other' }])(
    'useless for %o, and then used up',
    (other) => {
      const tickets = new Tickets(() => at(0));
      const { ticket } = tickets.issue(bound);
      expect(tickets.redeem(ticket, { ...bound, ...other })).toBe(false);
      expect(tickets.redeem(ticket, bound)).toBe(false);
    },
  );

  test('one who asks without end loses their own, never somebody else’s', () => {
    const tickets = new Tickets(() => at(0));
    const theirs = tickets.issue({ ...bound, user: 'quiet' }).ticket;
    const flood = Array.from({ length: 20_000 }, () => tickets.issue(bound).ticket);
    expect(tickets.redeem(theirs, { ...bound, user: 'quiet' })).toBe(true);
    expect(flood.filter((ticket) => tickets.redeem(ticket, bound))).toEqual(flood.slice(-100));
  });

  test('no guess is good', () => {
    const tickets = new Tickets(() => at(0));
    tickets.issue(bound);
    expect(tickets.redeem('', bound)).toBe(false);
    expect(tickets.redeem('constructor', bound)).toBe(false);
  });
});
