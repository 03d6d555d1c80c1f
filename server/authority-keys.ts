/** Certificate authorities of the installation: one of each, so that kubeconfigs outlive the process that wrote them. */
import type { Db } from '../db/client.ts';
import { settleSetting } from '../db/queries/settings.ts';
import type { Sealer } from './crypto/sealing.ts';
import { createAuthority, type AuthorityKeys } from './gateway/authority.ts';

/** @param context of the sealing, and the setting's name. Made where there is none yet. */
export async function authorityKeys(
  db: Db,
  sealer: Sealer,
  context: string,
  now: Date,
  name?: string,
): Promise<AuthorityKeys> {
  const made = await createAuthority(now, name);
  const kept = await settleSetting(db, context, {
    certificate: made.certificate,
    key: sealer.seal(made.key, context).toString('base64'),
  } satisfies AuthorityKeys);
  const key = sealer.open(Buffer.from(kept.key, 'base64'), context).toString();
  return { certificate: kept.certificate, key };
}
