/** The environment that the portal of `npm run up` gets: the operator's own settings, and what was set up for it. */
import type { IdentityProvider } from '../../e2e/idp/idp.ts';
import type { ChosenEngine } from './engine.ts';
import type { UpOptions } from './options.ts';

/** Taken over as they are; SALLYPORT_… settings besides (docs/configuration.md). */
const PASSED = ['PATH', 'HOME', 'LANG', 'TZ', 'DATABASE_URL', 'MIGRATION_DATABASE_URL', 'NODE_EXTRA_CA_CERTS'];

export type Prepared = {
  engine: ChosenEngine;
  image: string;
  /** Undefined where the operator named a provider. */
  provider: IdentityProvider | undefined;
};

/** What the operator set, of all that is set. */
export function operatorsSettings(source: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const own = Object.entries(source).filter(
    ([name]) =>
      PASSED.includes(name) ||
      PASSED.includes(name.replace(/_FILE$/, '')) ||
      (name.startsWith('SALLYPORT_') && !name.startsWith('SALLYPORT_TEST_') && name !== 'SALLYPORT_ROUNDS'),
  );
  return Object.fromEntries(own);
}

export function portalEnv(options: UpOptions, prepared: Prepared, source: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { provider } = prepared;
  return {
    SALLYPORT_SANDBOX_IMAGE: prepared.image,
    ...(provider && {
      SALLYPORT_OIDC_ISSUER: provider.issuer,
      SALLYPORT_OIDC_CLIENT_ID: provider.clientId,
      SALLYPORT_OIDC_CLIENT_SECRET: provider.clientSecret,
      SALLYPORT_OIDC_NAME: 'the demo identity provider',
    }),
    ...operatorsSettings(source),
    NODE_ENV: 'production',
    SALLYPORT_PORT: String(options.port),
    SALLYPORT_GATEWAY_PORT: String(options.gatewayPort),
    SALLYPORT_DATA_DIR: options.dataDir,
    DOCKER_HOST: prepared.engine.dockerHost,
  };
}
