/** Who can sign in, and with what the portal is known to the provider: made once per folder, kept 0600. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Instance } from '../machine/instance.ts';
import { remembered } from '../machine/instance.ts';
import { freePort } from '../machine/ports.ts';

export type Demonstrator = { email: string; name: string; groups: string[]; password: string };

export type ProviderState = {
  port: number;
  clientId: string;
  clientSecret: string;
  people: Demonstrator[];
  cookieKey: string;
  /** Private key of the id tokens, as JWK. */
  signingKey: Record<string, unknown>;
};

/** Groups as the roles of a fresh portal expect them. */
function people(): Demonstrator[] {
  const password = (): string => randomBytes(9).toString('base64url');
  return [
    { email: 'admin@example.com', name: 'Ada Admin', groups: ['sallyport-admins'], password: password() },
    { email: 'developer@example.com', name: 'Dev Developer', groups: ['sallyport-developers'], password: password() },
    { email: 'auditor@example.com', name: 'Otto Auditor', groups: ['sallyport-auditors'], password: password() },
  ];
}

export function providerState(instance: Instance): Promise<ProviderState> {
  return remembered(instance, async () => ({
    port: await freePort(),
    clientId: 'sallyport',
    clientSecret: randomBytes(24).toString('base64url'),
    people: people(),
    cookieKey: randomBytes(24).toString('base64url'),
    signingKey: {
      ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
      kid: randomBytes(8).toString('hex'),
      alg: 'RS256',
      use: 'sig',
    },
  }));
}

/** `http://127.0.0.1:<port>`, not localhost: cookies ignore ports, and the portal of a demo is on localhost. */
export function issuerOf({ port }: Pick<ProviderState, 'port'>): string {
  return `http://127.0.0.1:${port}`;
}
