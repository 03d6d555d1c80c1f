/** The connection pool to Postgres, and drizzle over it. */
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema.ts';

/** What queries take: the pool, or a transaction of it. */
export type Db = Pick<
  PostgresJsDatabase<typeof schema>,
  'select' | 'insert' | 'update' | 'delete' | 'execute' | 'transaction'
>;

export type Database = AsyncDisposable & {
  db: Db;
  /** The driver itself, for what drizzle has no words for. */
  sql: postgres.Sql;
  /** Resolves when the database answers; throws the driver's error otherwise. */
  ping(): Promise<void>;
};

export type DatabaseOptions = {
  /** Connections at most. Postgres allows 100 in all by default, and every replica has a pool. */
  max?: number;
  /** Shown in pg_stat_activity. */
  applicationName?: string;
};

/** Opens lazily: nothing is dialled before the first query. Disposing lets running queries finish for 5 s. */
export function openDatabase(url: string, options: DatabaseOptions = {}): Database {
  const sql = postgres(url, {
    max: options.max ?? 10,
    // Seconds. A database that is down must be said within a health check's patience.
    connect_timeout: 5,
    idle_timeout: 60,
    // Seconds between attempts to connect again. The driver's own grow to twenty: so long would every question wait to
    // be told that the database is away, and so long would it be back unnoticed.
    backoff: () => 0.3,
    connection: { application_name: options.applicationName ?? 'sallyport' },
    onnotice: () => {},
  });
  return {
    db: drizzle(sql, { schema }),
    sql,
    async ping() {
      await sql`select 1`;
    },
    async [Symbol.asyncDispose]() {
      await sql.end({ timeout: 5 });
    },
  };
}
