/**
 * What the portal's database role may do. Migrations run as another role, which owns the tables; the portal's may
 * not change tables, and may only add to and read the audit log.
 */
import type postgres from 'postgres';
import { auditPartitions } from './partitions.ts';

/** Tables that the portal's role may insert into and read, nothing else. */
const APPEND_ONLY = ['audit_events'];

/**
 * Grants, and takes back, so that the rights are these however the database was set up. Runs as the migrating role
 * after each migration. Where `role` is that role itself (one DATABASE_URL for both), it loses UPDATE, DELETE and
 * TRUNCATE on append-only tables, though as their owner it could give them back to itself.
 */
export async function grantToPortal(sql: postgres.Sql, role: string): Promise<void> {
  await sql`grant usage on schema public to ${sql(role)}`;
  const [owner] = await sql<{ current: string }[]>`select current_user as current`;
  if (owner?.current !== role) {
    await sql`revoke create on schema public from ${sql(role)}`;
    await sql`grant select, insert, update, delete on all tables in schema public to ${sql(role)}`;
    await sql`grant usage, select on all sequences in schema public to ${sql(role)}`;
  }
  // A partition has rights of its own: who may not change the table could change its months one by one.
  for (const table of [...APPEND_ONLY, ...(await auditPartitions(sql))])
    await sql`revoke update, delete, truncate, references, trigger on table ${sql(table)} from ${sql(role)}`;
}
