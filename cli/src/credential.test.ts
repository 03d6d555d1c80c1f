import { expect, test } from 'vitest';
import { endHere, nextStep } from './credential.ts';

const NOW = 1_000_000_000;
const kept = { expiresAt: new Date(NOW + 3_600_000).toISOString(), confirmedAt: NOW - 5_000, handedTo: [1, 2] };

test.each([
  ['nothing is kept', null, 'renew'],
  ['it has ended', { ...kept, expiresAt: new Date(NOW - 1).toISOString() }, 'renew'],
  ['59 s are left', { ...kept, expiresAt: new Date(NOW + 59_000).toISOString() }, 'renew'],
  ['a minute is left', { ...kept, expiresAt: new Date(NOW + 60_000).toISOString() }, 'hand out'],
  ['its end is no time', { ...kept, expiresAt: 'soon' }, 'renew'],
  ['it was confirmed a moment ago', kept, 'hand out'],
  ['it was confirmed half a minute ago', { ...kept, confirmedAt: NOW - 30_000 }, 'confirm'],
  ['the clock went back', { ...kept, confirmedAt: NOW + 10_000 }, 'confirm'],
  ['the same process comes again: the API refused it', { ...kept, handedTo: [1, 3] }, 'confirm'],
])('where %s: %s → %s', (_why, found, step) => expect(nextStep(found, 3, NOW)).toBe(step));

test.each([
  ['with the portal’s', 0],
  ['hours ahead of the portal’s', 5 * 3_600_000],
  ['hours behind it', -5 * 3_600_000],
])(
  'by a clock %s a credential lives as long as the portal gives it, and is not asked for at every call',
  (_, ahead) => {
    const given = { openedAt: new Date(NOW).toISOString(), expiresAt: new Date(NOW + 3_600_000).toISOString() };
    const here = NOW + ahead;
    const found = { expiresAt: endHere(given, here), confirmedAt: here, handedTo: [1] };
    expect(nextStep(found, 3, here + 10_000)).toBe('hand out');
    expect(nextStep(found, 3, here + 3_600_000 - 59_000)).toBe('renew');
  },
);
