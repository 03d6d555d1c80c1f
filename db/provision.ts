/** Makes the portal's database and its two roles on the embedded Postgres. A second run changes nothing. */
import { createHmac } from 'node:crypto';
import postgres from 'postgres';

/** Owns the tables, migrates them. */
const OWNER = 'sallyport_owner';
/** What the portal works as. */
const PORTAL = 'sallyport';
const DATABASE = 'sallyport';
/** Any number that nothing else locks: Postgres refuses two who change a role, or a database's grants, at once. */
const PROVISION_LOCK = 0x73_61_6c_6c_79_71;

/** `adminUrl`: the superuser's. The roles' passwords follow from its own, so that nothing more need be kept. */
export async function provision(adminUrl: string): Promise<{ url: string; migrationUrl: string }> {
  const admin = new URL(adminUrl);
  const passwordOf = (role: string) =>
    createHmac('sha256', decodeURIComponent(admin.password)).update(role).digest('base64url');
  const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    // Goes with the connection.
    await sql`select pg_advisory_lock(${PROVISION_LOCK})`;
    for (const role of [OWNER, PORTAL]) {
      const [found] = await sql`select 1 from pg_roles where rolname = ${role}`;
      if (!found) await sql`create role ${sql(role)}`;
      // The password is base64url: nothing in it can end the literal.
      await sql.unsafe(`alter role ${role} login password '${passwordOf(role)}'`);
    }
    const [found] = await sql`select 1 from pg_database where datname = ${DATABASE}`;
    if (!found) await sql`create database ${sql(DATABASE)} owner ${sql(OWNER)}`;
    await sql`revoke connect, temporary on database ${sql(DATABASE)} from public`;
    await sql`grant connect on database ${sql(DATABASE)} to ${sql(PORTAL)}`;
  } finally {
    await sql.end({ timeout: 5 });
  }
  const urlOf = (role: string) => {
    const url = new URL(adminUrl);
    url.username = role;
    url.password = passwordOf(role);
    url.pathname = `/${DATABASE}`;
    return url.href;
  };
  return { url: urlOf(PORTAL), migrationUrl: urlOf(OWNER) };
}
