/**
 * Brings the database to the schema of this version. The SQL in `migrations/` is generated from `schema.ts`
 * (`npm run migration -- --name=<what>`), and read by people before it is committed.
 */
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { grantToPortal } from './grants.ts';
import { makeAuditMonths } from './partitions.ts';

/** Any number that nothing else locks: "sallyp" in ASCII. Replicas that start together migrate one after the other. */
const MIGRATION_LOCK = 0x73_61_6c_6c_79_70;

export type MigrateOptions = {
  /** Connection of the role that owns the tables. */
  url: string;
  /** Name of the role that the portal connects as; granted what it needs. */
  portalRole: string;
  now?: () => Date;
};

/**
 * Runs what is missing, in one transaction, then makes the audit log's months, then grants. A second run changes nothing. Throws the driver's error, or
 * one that says that the database is of a newer version.
 */
export async function migrate({ url, portalRole, now = () => new Date() }: MigrateOptions): Promise<void> {
  // One connection: the advisory lock belongs to it, and dies with it if this process does.
  const sql = postgres(url, { max: 1, connect_timeout: 10, idle_timeout: 0, onnotice: () => {} });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));
    await refuseNewer(sql, readMigrationFiles({ migrationsFolder }).at(-1)!.folderMillis);
    await runMigrations(drizzle(sql), { migrationsFolder });
    await makeAuditMonths(sql, now());
    await grantToPortal(sql, portalRole);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** An older version must not write into tables that it does not know. */
async function refuseNewer(sql: postgres.Sql, newestKnown: number): Promise<void> {
  const [table] = await sql<
    { name: string | null }[]
  >`select to_regclass('drizzle.__drizzle_migrations')::text as name`;
  if (!table?.name) return;
  const [newer] = await sql`select 1 from drizzle.__drizzle_migrations where created_at > ${newestKnown} limit 1`;
  if (newer)
    throw new Error(
      'the database is of a newer version of Sallyport than this one: start that version, or restore a backup',
    );
}
