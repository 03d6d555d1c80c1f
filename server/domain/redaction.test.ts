import { expect, test } from 'vitest';
import { redactText } from './redaction.ts';

const key = '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n';
test.each([
  ['a private key', `${key}-----END EC PRIVATE KEY-----`],
  ['a private key that was cut off', key],
  ['a password in an address', 'postgres://portal:MHcCAQEE@db/x'],
])('%s is cut out', (_, text) => {
  expect(redactText(`before ${text}`)).not.toContain('MHcCAQEE');
  expect(redactText(`before ${text}`)).toMatch(/^before /);
});
