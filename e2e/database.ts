/** A database for one test file, empty, gone at the end. */
import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { testPostgres } from './use.ts';

export type TestDatabase = AsyncDisposable & {
  /** The superuser's, to this database. */
  url: string;
};

/** `await using database = await testDatabase()` */
export async function testDatabase(): Promise<TestDatabase> {
  const { adminUrl } = await testPostgres();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  await admin.unsafe(`create database ${name}`);
  await admin.end();
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      const again = postgres(adminUrl, { max: 1, onnotice: () => undefined });
      await again.unsafe(`drop database if exists ${name} with (force)`);
      await again.end();
    },
  };
}
