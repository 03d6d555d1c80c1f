/** What we rely on in the driver, and what patches/ mends in it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { testDatabase } from '../e2e/database.ts';

test('a connection that breaks while a query is on its way works again at the next', async () => {
  await using database = await testDatabase();
  const { hostname, port } = new URL(database.url);
  let newest: Socket | undefined;
  const dial = async (): Promise<Socket> => {
    newest = connect(Number(port), hostname);
    await once(newest, 'connect');
    return newest;
  };
  // The driver's own option, of which its types know nothing.
  const own = { socket: dial } as object;
  const sql = postgres(database.url, { max: 1, connect_timeout: 2, backoff: () => 0, ...own });
  try {
    for (let round = 0; round < 3; round++) {
      expect(await sql`select 1 as one`).toEqual([{ one: 1 }]);
      const broken = newest!;
      // Asked before the driver hears of it itself; whether it is answered or lost is the driver's to say.
      const asked = new Promise((resolve) =>
        broken.prependOnceListener('close', () => sql`select 2`.then(resolve, resolve)),
      );
      broken.destroy();
      await asked;
    }
    expect(await sql`select 3 as three`).toEqual([{ three: 3 }]);
  } finally {
    await sql.end({ timeout: 1 });
  }
});
