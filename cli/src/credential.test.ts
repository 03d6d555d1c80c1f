import { expect, test } from 'vitest';
import { nextStep } from './credential.ts';

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
