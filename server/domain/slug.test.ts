import fc from 'fast-check';
import { expect, test } from 'vitest';
import { freeSlug, slugFrom } from './slug.ts';

test.each([
  ['ada.lovelace@example.org', 'ada-lovelace'],
  ['Zoë_Müller@x', 'zoe-muller'],
  ['42@x', 'u-42'],
  ['@x', 'user'],
  ['李', 'user'],
])('%s becomes %s', (words, slug) => {
  expect(slugFrom(words)).toBe(slug);
});

test('whatever it is made of, a slug is a DNS label of at most 40 characters that starts with a letter', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 20 }), (words, others) => {
      const taken = new Set<string>();
      for (let i = 0; i <= others; i++) {
        const slug = freeSlug(slugFrom(words), taken);
        expect(slug).toMatch(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
        expect(taken).not.toContain(slug);
        taken.add(slug);
      }
    }),
  );
});
