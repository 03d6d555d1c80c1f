/** Any code in web: what it can reach of the portal. As root only, since only root can start web as another user. */
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBarePortal, type BarePortal } from '../../e2e/bare-portal.ts';
import { chooseIsolation, WEB_UID, webCommand } from './web-isolation.ts';

const root = process.getuid?.() === 0;

/** Tries each thing, and tells what came of it. */
const INTRUDER = `
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
const [dataDir, pid, socket, checkout] = process.argv.slice(2);
const attempt = (work) => { try { return { reached: String(work()).length } } catch (error) { return error.code ?? error.message } };
const result = { uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(), environment: Object.keys(process.env) };
result.keys = attempt(() => readFileSync(dataDir + '/keys/master.key'));
result.folder = attempt(() => readdirSync(dataDir));
result.audit = attempt(() => readdirSync(dataDir + '/audit'));
result.environ = attempt(() => readFileSync('/proc/' + pid + '/environ'));
result.memory = attempt(() => readFileSync('/proc/' + pid + '/mem'));
result.files = attempt(() => readdirSync('/proc/' + pid + '/fd'));
result.rewrite = attempt(() => writeFileSync(checkout + '/server/main.ts', ''));
result.kill = attempt(() => process.kill(Number(pid), 'SIGTERM'));
result.becomeRoot = attempt(() => process.setuid(0));
result.engine = await new Promise((resolve) => connect(socket, () => resolve('reached')).on('error', (error) => resolve(error.code)));
console.log(JSON.stringify(result));
`;

describe.runIf(root)('as root, web', () => {
  let portal: BarePortal;
  let folder: string;
  const socket = createServer();

  beforeAll(async () => {
    portal = await startBarePortal();
    folder = mkdtempSync(join(tmpdir(), 'sallyport-checkout-'));
    chmodSync(folder, 0o755);
    // As an engine's socket is: its owner's and its group's.
    socket.listen(join(portal.dataDir, 'engine.sock'));
    await once(socket, 'listening');
    chmodSync(join(portal.dataDir, 'engine.sock'), 0o660);
  });
  afterAll(async () => {
    socket.close();
    await portal[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A checkout with nothing but Node, a server file to protect and the intruder. */
  function checkout(mode: number): { path: string; node: string } {
    const path = mkdtempSync(join(folder, 'closed-'));
    const inner = join(path, 'checkout');
    mkdirSync(join(inner, 'bin'), { recursive: true });
    mkdirSync(join(inner, 'server'));
    cpSync(process.execPath, join(inner, 'bin', 'node'));
    writeFileSync(join(inner, 'package.json'), '{"type":"module"}');
    writeFileSync(join(inner, 'server', 'main.ts'), '');
    writeFileSync(join(inner, 'intruder.js'), INTRUDER);
    mkdirSync(join(inner, 'server', 'http'));
    cpSync(join(import.meta.dirname, 'web-lifeline.mjs'), join(inner, 'server', 'http', 'web-lifeline.mjs'));
    chmodSync(path, mode);
    // With a slash at its end, as a folder's URL has it.
    return { path: `${inner}/`, node: join(inner, 'bin', 'node') };
  }

  async function intrude(mode: number) {
    const { path, node } = checkout(mode);
    const isolation = chooseIsolation(path, node);
    const seenAs = isolation.kind === 'mount' ? isolation.root : path;
    const args = [portal.dataDir, String(portal.pid), join(portal.dataDir, 'engine.sock'), seenAs];
    const command = webCommand(isolation, path, node, 'intruder.js', args);
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production' },
      ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid! }),
    });
    const [said, failed] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(failed).toBe('');
    return { isolation, result: JSON.parse(said) as Record<string, unknown> };
  }

  test.each([
    ['in a checkout that everybody may enter', 0o755, 'user'],
    ['in a checkout that only root may enter', 0o700, 'mount'],
  ])('%s reaches no key, no memory, no engine, no file of the portal’s', async (_where, mode, kind) => {
    const { isolation, result } = await intrude(mode);
    expect(isolation.kind).toBe(kind);
    expect(result).toMatchObject({
      uid: WEB_UID,
      gid: WEB_UID,
      keys: 'EACCES',
      folder: 'EACCES',
      audit: 'EACCES',
      environ: 'EACCES',
      files: 'EACCES',
      rewrite: 'EACCES',
      kill: 'EPERM',
      becomeRoot: 'EPERM',
      engine: 'EACCES',
    });
    expect(['EACCES', 'EPERM']).toContain(result['memory']);
    expect((result['groups'] as number[]).filter((group) => group !== WEB_UID)).toEqual([]);
    expect((result['environment'] as string[]).toSorted()).toEqual(['NODE_ENV', 'PATH']);
  });
});
