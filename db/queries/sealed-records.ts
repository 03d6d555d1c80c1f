/** All sealed records, whatever table they stand in: a new master key has to reach every one of them. */
import { eq, inArray, isNotNull, sql } from 'drizzle-orm';
import type { Db } from '../client.ts';
import { accessSessions, clusters, settings } from '../schema.ts';

/** A record that stands in place of another; the same bytes where nothing has to change. Throws where it does not open. */
export type Rewrap = {
  clusterCredential(sealed: Buffer, cluster: { id: string; name: string }): Buffer;
  hostSecret(sealed: Buffer, session: string): Buffer;
  /** Base64, as it stands in the setting of that name. */
  authority(sealed: string, setting: string): string;
};

/** Names of the settings that hold authorities: of the sandboxes, of client certificates. */
const AUTHORITIES = ['sandbox-authority', 'client-authority'];

/**
 * All or nothing: the rows stay locked until the last one is replaced. Resolves with how many records there are.
 * Passes on what `rewrap` throws, and then nothing has changed.
 */
export async function rewrapSealedRecords(db: Db, rewrap: Rewrap): Promise<number> {
  return db.transaction(async (tx) => {
    const known = await tx.select().from(clusters).for('update');
    // A cluster that was removed has none any more.
    const credentials = known.filter(({ credential }) => credential.length > 0);
    for (const { id, name, credential } of credentials)
      await tx
        .update(clusters)
        .set({ credential: rewrap.clusterCredential(credential, { id, name }) })
        .where(eq(clusters.id, id));
    const sessions = await tx
      .select({ id: accessSessions.id, hostSecret: accessSessions.hostSecret })
      .from(accessSessions)
      .where(isNotNull(accessSessions.hostSecret))
      .for('update');
    for (const { id, hostSecret } of sessions)
      await tx
        .update(accessSessions)
        .set({ hostSecret: rewrap.hostSecret(hostSecret!, id) })
        .where(eq(accessSessions.id, id));
    const authorities = await tx.select().from(settings).where(inArray(settings.key, AUTHORITIES)).for('update');
    for (const { key: setting, value } of authorities) {
      const { key, ...rest } = value as { key: string };
      await tx
        .update(settings)
        .set({ value: { ...rest, key: rewrap.authority(key, setting) } })
        .where(eq(settings.key, setting));
    }
    return credentials.length + sessions.length + authorities.length;
  });
}

/**
 * The columns (`table.column`) that hold a value beginning with these bytes, in binary or, inside of JSON and text, in
 * base64: asks the database for its columns, so that it finds what {@link rewrapSealedRecords} was never told of. The
 * audit log is left out: it may be very long, and holds no secret, sealed or not.
 */
export async function columnsHolding(db: Db, header: Buffer): Promise<string[]> {
  const columns = await db.execute<{ table: string; column: string; type: string }>(sql`
    select table_name as "table", column_name as "column", data_type as type from information_schema.columns
    where table_schema = 'public' and table_name <> 'audit_events' and data_type in ('bytea', 'jsonb', 'text')`);
  // As far as base64 does not depend on what follows.
  const text = header.subarray(0, header.length - (header.length % 3)).toString('base64');
  const found: string[] = [];
  for (const { table, column, type } of columns) {
    const place = sql`${sql.identifier(column)}`;
    const holds =
      type === 'bytea'
        ? sql`substring(${place} from 1 for ${header.length}) = ${header}`
        : sql`position(${text} in ${place}::text) > 0`;
    const rows = await db.execute(sql`select 1 from ${sql.identifier(table)} where ${holds} limit 1`);
    if (rows.length > 0) found.push(`${table}.${column}`);
  }
  return found;
}
