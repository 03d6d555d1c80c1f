import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sealer } from './sealing.ts';

const key = randomBytes(32);

describe('sealed records', () => {
  test('open to what was sealed, and two seals of one text differ', () => {
    const sealer = new Sealer([key]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.string(), (plain, context) => {
        const sealed = sealer.seal(plain, context);
        expect(sealer.open(sealed, context)).toEqual(Buffer.from(plain));
        expect(sealer.seal(plain, context)).not.toEqual(sealed);
      }),
      { numRuns: 50 },
    );
  });

  test('hold no byte of the plain text', () => {
    const sealed = new Sealer([key]).seal('a-very-secret-token', 'c');
    expect(sealed.includes('secret')).toBe(false);
  });

  test('do not open under another key, in another place, or changed by one bit', () => {
    const sealer = new Sealer([key]);
    const sealed = sealer.seal('token', 'cluster-credential:a');
    expect(() => new Sealer([randomBytes(32)]).open(sealed, 'cluster-credential:a')).toThrow('not among');
    expect(() => sealer.open(sealed, 'cluster-credential:b')).toThrow('changed');
    for (let at = 18; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => sealer.open(changed, 'cluster-credential:a')).toThrow(/does not open/);
    }
    for (let size = 0; size < sealed.length; size++)
      expect(() => sealer.open(sealed.subarray(0, size), 'cluster-credential:a')).toThrow(/does not open/);
  });

  test('are re-wrapped by a new master key without touching the record', () => {
    const old = new Sealer([key]).seal('token', 'c');
    const next = randomBytes(32);
    const rewrapped = new Sealer([next, key]).rewrap(old, 'c');
    expect(new Sealer([next]).open(rewrapped, 'c').toString()).toBe('token');
    expect(rewrapped.subarray(-20)).toEqual(old.subarray(-20));
  });
});
