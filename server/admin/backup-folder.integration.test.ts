/** The backup of a whole data folder with the embedded database, by the very commands of docs/operations.md. */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stopPostgres } from '../../db/embedded/postgres.ts';
import { admin } from '../../e2e/admin-command.ts';
import { spawnPortal } from '../../e2e/bare-portal.ts';
import { freePort } from '../../e2e/machine/ports.ts';
import { until } from '../../e2e/machine/until.ts';

const DOC = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');

/** The lines of the documentation, under a heading, that begin so. */
function documented(heading: string, ...beginnings: string[]): string {
  const section = DOC.split(/^## /m).find((text) => text.startsWith(heading))!;
  const lines = beginnings.map((beginning) => section.split('\n').find((line) => line.startsWith(beginning)));
  expect(lines).not.toContain(undefined);
  return lines.join('\n');
}

type Running = { child: ChildProcess; origin: string };

async function start(dataDir: string): Promise<Running> {
  const port = await freePort();
  const env = {
    HOME: process.env['HOME'] ?? '',
    SALLYPORT_DATA_DIR: dataDir,
    SALLYPORT_PORT: String(port),
    SALLYPORT_GATEWAY_PORT: '0',
    SALLYPORT_WEB_URL: 'http://127.0.0.1:9',
    DOCKER_HOST: 'unix:///nonexistent.sock',
  };
  const lines: string[] = [];
  const child = spawnPortal(env, lines);
  const origin = `http://localhost:${port}`;
  await until(async () => (await fetch(`${origin}/healthz`)).ok, { what: () => `the portal: ${lines.join('')}` });
  return { child, origin };
}

async function stop({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

// As anybody else the commands are without runuser, as the documentation says.
test.runIf(process.getuid?.() === 0)(
  'copied while the database stands still, it is the same portal elsewhere',
  async () => {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-copy-'));
    await chmod(folder, 0o711);
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const [here, there] = [join(folder, 'here'), join(folder, 'there')];
    for (const data of [here, there]) {
      mkdirSync(data);
      stack.defer(() => stopPostgres(join(data, 'postgres'), { remove: false }));
    }
    const as = (DATA: string, commands: string) =>
      execFileSync('sh', ['-ec', commands], { cwd: folder, env: { ...process.env, DATA }, stdio: 'pipe' });

    const first = await start(here);
    stack.defer(() => stop(first));
    const place = { dataDir: here };
    await admin(place, ['user', 'add', '--email', 'first@example.com', '--role', 'admin']);
    const { result } = await admin(place, ['token', 'create', '--email', 'first@example.com', '--name', 'kept']);
    await stop(first);
    as(here, documented('Backup', 'runuser', 'tar --create --file=data.tar --directory="$DATA" --exclude'));

    as(there, documented('Restore', 'tar --extract').split(' && ')[1]!);
    const second = await start(there);
    stack.defer(() => stop(second));
    const headers = { authorization: `Bearer ${result['token']}` };
    const me = await (await fetch(`${second.origin}/api/v1/me`, { headers })).json();
    expect(me).toMatchObject({ email: 'first@example.com', portal: 'admin' });
    await stop(second);
  },
);
