/** The demo's own facts: who may sign in, where. Made once, kept 0600 in the data folder. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IdentityProvider } from '../../e2e/idp/idp.ts';
import type { PortalAdmin } from './portal-admin.ts';

/** Exactly what `npm run up -- --json` prints. */
export type Demo = {
  url: string;
  gatewayUrl: string;
  admin: { email: string; password: string };
  /** An administrator's; for this demo only. */
  apiToken: string;
  dataDir: string;
};

const FILE = 'demo.json';

export function readDemo(dataDir: string): Demo | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, FILE), 'utf8')) as Demo;
  } catch {
    return undefined;
  }
}

/** True where the portal takes the token: a database of its own may have been emptied in between. */
async function tokenWorks(url: string, token: string): Promise<boolean> {
  const answer = await fetch(`${url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  await answer.body?.cancel();
  return answer.ok;
}

/** Makes the administrator and the token where they are missing, and keeps them. `local`: where the portal listens. */
export async function settleDemo(
  place: Pick<Demo, 'url' | 'gatewayUrl' | 'dataDir'>,
  local: string,
  admin: PortalAdmin,
): Promise<Demo> {
  const before = readDemo(place.dataDir);
  const kept = before && (await tokenWorks(local, before.apiToken)) ? before : undefined;
  const made = kept ?? (await make(admin));
  const demo: Demo = {
    url: place.url,
    gatewayUrl: place.gatewayUrl,
    admin: made.admin,
    apiToken: made.apiToken,
    dataDir: place.dataDir,
  };
  await writeFile(join(place.dataDir, FILE), `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  return demo;
}

async function make(admin: PortalAdmin): Promise<Pick<Demo, 'admin' | 'apiToken'>> {
  const user = await admin.user('administrator@sallyport.local', 'Local administrator');
  const { token } = await admin.token(user.email, 'npm run up');
  return { admin: user, apiToken: token };
}

/** What a person sees when everything is ready. */
export function welcome(demo: Demo, provider: IdentityProvider | undefined): string {
  const people = provider?.people.map((one) => `    ${one.email.padEnd(32)} ${one.password}`) ?? [];
  return [
    '',
    `  Sallyport is ready: ${demo.url}`,
    '',
    ...(people.length ? ['  Sign in with the demo identity provider as', ...people] : []),
    '  or with a password of the portal’s own as',
    `    ${demo.admin.email.padEnd(32)} ${demo.admin.password}`,
    '',
    `  An administrator's API token and these passwords are kept in ${join(demo.dataDir, FILE)}.`,
    '  Ctrl-C stops the portal; npm run down ends and removes everything.',
    '',
  ].join('\n');
}
