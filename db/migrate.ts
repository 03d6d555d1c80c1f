/**
 * Brings the database to the schema of this version. The SQL in `migrations/` is generated from `schema.ts`
 * (`npm run migration -- --name=<what>`), and read by people before it is committed.
 */
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate as runMigrations } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { grantToPortal } from './grants.ts';

/** Any number that nothing else locks: "sallyp" in ASCII. Replicas that start together migrate one after the other. */
const MIGRATION_LOCK = 0x73_61_6c_6c_79_70;

export type MigrateOptions = {
  /** Connection of the role that owns the tables. */
  url: string;
  /** Name of the role that the portal connects as; granted what it needs. */
  portalRole: string;
};

/** Runs what is missing, in one transaction, then grants. A second run changes nothing. Throws the driver's error. */
export async function migrate({ url, portalRole }: MigrateOptions): Promise<void> {
  // One connection: the advisory lock belongs to it, and dies with it if this process does.
  const sql = postgres(url, { max: 1, connect_timeout: 10, idle_timeout: 0, onnotice: () => {} });
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await runMigrations(drizzle(sql), { migrationsFolder: fileURLToPath(new URL('./migrations', import.meta.url)) });
    await grantToPortal(sql, portalRole);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
