/**
 * The database as one file, and back: a tar of Postgres' own COPY format, one entry a table, in one snapshot. The
 * embedded Postgres comes without pg_dump; this works with every Postgres alike.
 */
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { extract, pack } from 'tar-stream';

/** Sign-ins and leases are of the moment: they are not kept, everybody signs in anew. */
const LEFT_OUT = new Set(['web_sessions', 'replicas']);
const MANIFEST = 'manifest.json';

type Manifest = {
  format: 'sallyport-backup';
  at: string;
  /** Hashes of the migrations that made the tables: a file fits a database that had exactly these. */
  migrations: string[];
  /** In an order in which each row finds what it refers to. */
  tables: string[];
};

export type BackupResult = { file: string; tables: number; bytes: number };

/** `url`: as the role that owns the tables. The file is written beside its place and then moved there; mode 0600. */
export async function backup(url: string, file: string): Promise<BackupResult> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  const scratch = mkdtempSync(join(dirname(file), '.sallyport-backup-'));
  try {
    const tables = (await tablesInOrder(sql)).filter((table) => !LEFT_OUT.has(table));
    const manifest: Manifest = {
      format: 'sallyport-backup',
      at: new Date().toISOString(),
      migrations: await migrationsOf(sql),
      tables,
    };
    const archive = pack();
    const target = join(scratch, 'backup.tar');
    const written = pipeline(archive, createWriteStream(target, { mode: 0o600, flush: true }));
    archive.entry({ name: MANIFEST }, JSON.stringify(manifest));
    await sql.begin('isolation level repeatable read read only', async (transaction) => {
      for (const table of tables) {
        // An entry says its size before its bytes, so each table takes a turn through a file.
        const copy = join(scratch, 'table');
        await pipeline(
          await transaction`copy (select * from ${transaction(table)}) to stdout`.readable(),
          createWriteStream(copy, { mode: 0o600 }),
        );
        const entry = archive.entry({ name: `tables/${table}`, size: (await stat(copy)).size });
        await pipeline(createReadStream(copy), entry);
      }
    });
    archive.finalize();
    await written;
    await rename(target, file);
    return { file, tables: tables.length, bytes: (await stat(file)).size };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    await sql.end({ timeout: 5 });
  }
}

/** `url`: as the role that owns the tables, which must be there and empty. All or nothing. */
export async function restore(url: string, file: string): Promise<{ tables: number; takenAt: string }> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.begin(async (transaction) => {
      let manifest: Manifest | undefined;
      const entries = extract();
      const read = pipeline(createReadStream(file), entries);
      read.catch(() => {}); // thrown by the loop as well
      for await (const entry of entries) {
        const { name } = entry.header;
        if (name === MANIFEST) {
          manifest = JSON.parse((await buffer(entry)).toString('utf8')) as Manifest;
          await check(transaction, manifest);
          continue;
        }
        const table = name.replace(/^tables\//, '');
        if (!manifest?.tables.includes(table)) throw new Error(`${file} is no backup: it holds ${name}`);
        await pipeline(entry, await transaction`copy ${transaction(table)} from stdin`.writable());
      }
      await read;
      if (!manifest) throw new Error(`${file} is no backup`);
      await continueSequences(transaction);
      return { tables: manifest.tables.length, takenAt: manifest.at };
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function check(sql: postgres.TransactionSql, manifest: Manifest): Promise<void> {
  if (manifest.format !== 'sallyport-backup') throw new Error('this is no backup');
  const here = await migrationsOf(sql);
  if (here.join() !== manifest.migrations.join())
    throw new Error(
      'this backup is of another version: restore it with the version that made it, then start the new one',
    );
  for (const table of manifest.tables) {
    const [row] = await sql`select 1 from ${sql(table)} limit 1`;
    if (row) throw new Error(`the database is not empty (${table}): restore into a new one`);
  }
}

async function migrationsOf(sql: postgres.Sql | postgres.TransactionSql): Promise<string[]> {
  const rows = await sql<{ hash: string }[]>`select hash from drizzle.__drizzle_migrations order by created_at`;
  return rows.map(({ hash }) => hash);
}

/** Tables of ours, those that others refer to first. */
async function tablesInOrder(sql: postgres.Sql): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by 1`;
  const references = await sql<{ from: string; to: string }[]>`
    select conrelid::regclass::text as "from", confrelid::regclass::text as "to" from pg_constraint
    where contype = 'f' and connamespace = 'public'::regnamespace and conrelid <> confrelid`;
  const ordered: string[] = [];
  const waiting = new Set(tables.map(({ name }) => name));
  while (waiting.size) {
    const free = [...waiting].filter((table) => !references.some(({ from, to }) => from === table && waiting.has(to)));
    if (!free.length) throw new Error('tables refer to each other in a circle');
    for (const table of free) {
      ordered.push(table);
      waiting.delete(table);
    }
  }
  return ordered;
}

/** Ids go on after the highest that was restored. */
async function continueSequences(sql: postgres.TransactionSql): Promise<void> {
  const columns = await sql<{ table: string; column: string; sequence: string }[]>`
    select c.relname as "table", a.attname as "column", pg_get_serial_sequence(quote_ident(c.relname), a.attname) as sequence
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
      and pg_get_serial_sequence(quote_ident(c.relname), a.attname) is not null`;
  for (const { table, column, sequence } of columns)
    await sql`select setval(${sequence}::regclass, coalesce((select max(${sql(column)}) from ${sql(table)}), 0) + 1, false)`;
}
