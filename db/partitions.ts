/**
 * The months of the audit log: a partition each, made at every start by the migrating role, two years ahead. What
 * comes later than any of them lies in the default partition until the next start moves it.
 */
import type postgres from 'postgres';

const TABLE = 'audit_events';
const DEFAULT = `${TABLE}_default`;
/** Nobody runs a portal for longer without a start; and if so, nothing is lost. */
const AHEAD = 24;

/** A second run changes nothing. Each month is one transaction: rows of it that lie in the default partition move in. */
export async function makeAuditMonths(sql: postgres.Sql, now: Date): Promise<void> {
  const present = new Set(await auditPartitions(sql));
  const strays = await sql<{ month: string }[]>`
    select distinct to_char(at at time zone 'UTC', 'YYYY-MM') as month from ${sql(DEFAULT)}`;
  const ahead = Array.from({ length: AHEAD + 1 }, (_, months) => monthOf(now, months));
  const wanted = new Map(
    [...strays.map(({ month }) => new Date(`${month}-01T00:00:00Z`)), ...ahead].map((month) => [nameOf(month), month]),
  );
  for (const [name, month] of wanted) if (!present.has(name)) await makeMonth(sql, name, month);
}

/** Every partition, the default one among them. */
export async function auditPartitions(sql: postgres.Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = ${TABLE}::regclass`;
  return rows.map(({ name }) => name);
}

async function makeMonth(sql: postgres.Sql, name: string, month: Date): Promise<void> {
  const [from, to] = [month.toISOString(), monthOf(month, 1).toISOString()];
  await sql.begin(async (tx) => {
    // Attaching locks the default partition in any case, to see that none of its rows belongs here.
    await tx`lock table ${tx(TABLE)} in access exclusive mode`;
    await tx`create table ${tx(name)} (like ${tx(TABLE)} including all)`;
    await tx`with moved as (delete from ${tx(DEFAULT)} where at >= ${from} and at < ${to} returning *)
      insert into ${tx(name)} select * from moved`;
    await tx.unsafe(`alter table ${TABLE} attach partition ${name} for values from ('${from}') to ('${to}')`);
  });
}

function monthOf(at: Date, months: number): Date {
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + months, 1));
}

/** `audit_events_2026_11`. */
function nameOf(month: Date): string {
  return `${TABLE}_${month.toISOString().slice(0, 7).replace('-', '_')}`;
}
