import { expect, test } from 'vitest';
import type { SessionWithNames } from '../../db/queries/sessions.ts';
import { greeting } from './claim.ts';

const session = {
  cluster: { name: 'far-away', production: true },
  user: { email: 'ada@example.com' },
  role: 'admin',
  namespaces: [],
  hardCapAt: new Date('2026-11-23T03:50:00Z'),
  idleMs: 900_000,
} as unknown as SessionWithNames;

test('the greeting breaks between words at the width of the window', () => {
  for (const cols of [20, 48, 80, 200])
    for (const line of greeting(session, cols).split('\r\n')) {
      expect(line).toBe(line.trim());
      expect(line.length <= cols || !line.includes(' ')).toBe(true);
    }
  expect(greeting(session, 500).split('\r\n')).toEqual([
    'Cluster far-away (PRODUCTION), as ada@example.com with the role admin, cluster-wide.',
    'This session is recorded. It ends at 2026-11-23 03:50 UTC at the latest, or after 15 minutes without input; type exit to leave.',
    '',
    '',
  ]);
});

test('a name carries no control character into the terminal', () => {
  const named = { ...session, user: { email: 'a\u001b[31m\r\nb@example.com' } } as unknown as SessionWithNames;
  expect(greeting(named, 200)).toContain('as a[31mb@example.com with');
});
