import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { postgresAnswers } from './answers.ts';
import { startPostgres, stopPostgres } from './postgres.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-postgres-'));
  await chmod(folder, 0o711);
});

afterAll(async () => {
  await stopPostgres(folder, { remove: true });
  await rm(folder, { recursive: true, force: true });
});

function connect(url: string): postgres.Sql {
  return postgres(url, { max: 1, connect_timeout: 5 });
}

function pid(): number {
  return Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
}

test.each<[string, (socket: Socket) => void]>([
  ['takes connections and is silent, as one that was killed a moment ago', () => {}],
  ['hangs up', (socket) => socket.destroy()],
  ['is something else', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
])('what %s is no Postgres', async (_, behave) => {
  const server = createServer(behave).listen(0, '127.0.0.1');
  await once(server, 'listening');
  expect(await postgresAnswers((server.address() as AddressInfo).port)).toBe(false);
  server.close();
});

test('starts once, keeps its data over a kill, asks for the password, and can be removed', async () => {
  const { adminUrl } = await startPostgres(folder, { fsync: false });
  const first = connect(adminUrl);
  await first`create table kept (value text)`;
  await first`insert into kept values ('as it was')`;
  await first.end();
  const before = pid();
  expect(await startPostgres(folder, { fsync: false })).toEqual({ adminUrl });
  expect(pid()).toBe(before);

  process.kill(before, 'SIGKILL');
  const again = await startPostgres(folder, { fsync: false });
  expect(pid()).not.toBe(before);
  const second = connect(again.adminUrl);
  expect(await second`select value from kept`).toMatchObject([{ value: 'as it was' }]);
  await second.end();

  const wrong = new URL(again.adminUrl);
  wrong.password = 'guessed';
  const stranger = connect(wrong.href);
  await expect(stranger`select 1`).rejects.toThrow('password authentication failed');
  await stranger.end();

  await stopPostgres(folder, { remove: true });
  expect(existsSync(folder)).toBe(false);
  await stopPostgres(folder, { remove: true });
}, 60_000);
