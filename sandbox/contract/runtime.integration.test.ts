/** The life of a sandbox, held to one contract by both ways; long, as that contract is. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createConnection, createServer as createTcp } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../e2e/machine/until.ts';
import { DockerSandboxRuntime } from '../docker/docker-runtime.ts';
import { PORTAL_LABEL, REPLICA_LABEL, SANDBOX_LABEL } from '../docker/spec.ts';
import { FULL, TestPortal, WAYS } from './fixture.ts';
import { HostLink } from './host-link.ts';

const streams = { terminal: () => {}, api: () => {} };

describe.each(WAYS)('the runtime by %s', (way) => {
  let portal: TestPortal;
  beforeAll(async () => {
    portal = await TestPortal.start(way);
  });
  afterAll(() => portal[Symbol.asyncDispose]());

  test('a portal that restarts takes its sandboxes up again, where they were', async () => {
    await using box = await portal.open();
    await box.run('x=kept');
    const end = box.link.logEnd;
    const acked = box.link.acked.get(1)!;
    await box.sandbox.release();
    box.link.drop();
    const restarted = new DockerSandboxRuntime(portal.options);
    const links: HostLink[] = [];
    const adopted = await restarted.adopt(box.sandbox.container, box.id, box.secret, {
      terminal: (stream) => void links.push(new HostLink(stream, box.secret)),
      api: (stream) => stream.destroy(),
    });
    await until(() => links[0]?.proven === true, { what: 'the host dials the new portal' });
    await links[0]!.attach(2, end);
    links[0]!.typeFrom(acked);
    expect(await box.run('echo $x', links[0])).toBe('kept\n');
    links[0]!.type('exit 3\r');
    expect(await adopted.exited).toMatchObject({ code: 3 });
    await adopted.remove();
  });

  test('a connection of a program waits for a portal that is away for a moment', async () => {
    await using box = await portal.open();
    box.onApi = (stream) => void stream.pipe(stream);
    const program = `python3 -c 'import socket; s = socket.create_connection(("127.0.0.1", 6443)); s.sendall(b"ping"); print(s.recv(4))'`;
    expect(await box.run(program)).toBe("b'ping'\n");
    if (way === 'exec') return;
    const { link } = box;
    const end = link.logEnd;
    await box.sandbox.release();
    link.type(`${program}\r`);
    await until(() => link.logEnd > end, { what: 'it is typed' });
    const adopted = await portal.runtime.adopt(box.sandbox.container, box.id, box.secret, box.streams);
    await link.shows(/b'ping'\r\n[^]*b'ping'\r\n/);
    await adopted.remove();
  });

  test('the API’s stream carries as it comes, both ways, byte for byte', async () => {
    await using box = await portal.open();
    box.onApi = (stream) => void stream.pipe(stream);
    const size = (FULL ? 200 : 30) * 1024 * 1024;
    const code = [
      'import socket, threading, hashlib, os',
      's = socket.create_connection(("127.0.0.1", 3128)); block = os.urandom(1 << 20); n = ' + size + ' >> 20',
      'def send():',
      '  for i in range(n): s.sendall(block)',
      '  s.shutdown(socket.SHUT_WR)',
      'threading.Thread(target=send).start(); h = hashlib.sha256(); got = 0',
      'while True:',
      '  b = s.recv(1 << 16)',
      '  if not b: break',
      '  h.update(b); got += len(b)',
      'e = hashlib.sha256()',
      'for i in range(n): e.update(block)',
      'print("same", got, h.digest() == e.digest())',
    ];
    const base64 = Buffer.from(code.join('\n')).toString('base64');
    const out = await box.run(`echo ${base64} | base64 -d | python3 -`, box.link, 60_000);
    expect(out).toContain(`same ${size} True`);
  }, 90_000);

  test('a killed container is an exit without a mark', async () => {
    await using box = await portal.open();
    await portal.docker.getContainer(box.sandbox.container).kill();
    expect(await box.sandbox.exited).toMatchObject({ code: 137 });
    expect(box.link.marks()).toEqual([]);
    await box.sandbox.remove();
    await box.sandbox.remove();
  });

  test('a container that is removed behind the portal’s back is an exit too', async () => {
    await using box = await portal.open();
    await portal.docker.getContainer(box.sandbox.container).remove({ force: true });
    await expect(box.sandbox.exited).resolves.toMatchObject({ oomKilled: false });
    await expect(portal.runtime.adopt(box.sandbox.container, box.id, box.secret, streams)).rejects.toMatchObject({
      code: 'sandbox-gone',
    });
  });

  test('an opening that is given up leaves nothing', async () => {
    const giveUp = new AbortController();
    const before = await portal.runtime.list();
    const opening = portal.runtime.create(randomUUID(), randomBytes(32), streams, giveUp.signal);
    setTimeout(() => giveUp.abort(new Error('given up')), 50);
    await expect(opening).rejects.toThrow('given up');
    expect(await portal.runtime.list()).toEqual(before);
  });
});

describe('the runtime', () => {
  let portal: TestPortal;
  beforeAll(async () => {
    portal = await TestPortal.start('auto');
  });
  afterAll(() => portal[Symbol.asyncDispose]());

  test('finds out by itself that sockets are shared here, and that a folder the engine does not know is not', async () => {
    expect(await portal.runtime.way()).toBe('sockets');
    const elsewhere = new DockerSandboxRuntime({ ...portal.options, hostRuntimeDir: '/nowhere/at/all' });
    expect(await elsewhere.way()).toBe('exec');
  });

  test('one replica sees what another has made, and by whom', async () => {
    const other = new DockerSandboxRuntime({ ...portal.options, replica: randomUUID() });
    await using box = await portal.warm();
    expect(await other.list()).toEqual([
      expect.objectContaining({ sandbox: box.id, replica: portal.options.replica, running: true }),
    ]);
  });

  test('lists its own, running or not, and touches nothing of another portal', async () => {
    await using foreign = await TestPortal.start('sockets');
    const theirs = await foreign.warm();
    const ours = await portal.warm();
    await portal.docker.getContainer(ours.sandbox.container).kill();
    await ours.sandbox.exited;
    const listed = await portal.runtime.list();
    expect(listed).toEqual([
      expect.objectContaining({ sandbox: ours.id, portal: portal.options.portalId, running: false }),
    ]);
    await expect(
      portal.runtime.adopt(theirs.sandbox.container, theirs.id, theirs.secret, streams),
    ).rejects.toMatchObject({ code: 'sandbox-gone' });
    await portal.runtime.removeContainer(ours.sandbox.container);
    await portal.runtime.removeContainer(ours.sandbox.container);
    expect(await portal.runtime.list()).toEqual([]);
    expect(await foreign.runtime.list()).toHaveLength(1);
  });

  test('sweeps folders that no sandbox owns, and no other', async () => {
    const kept = await portal.warm();
    const stray = join(portal.options.runtimeDir, 's', 'deadbeefdeadbeef');
    await mkdir(stray);
    await portal.runtime.sweep(new Set([kept.id]), 60_000);
    expect(existsSync(stray)).toBe(true); // another replica may just be making it
    await portal.runtime.sweep(new Set([kept.id]), 0);
    expect(existsSync(stray)).toBe(false);
    expect(await readdir(join(portal.options.runtimeDir, 's'))).toHaveLength(1);
    await kept.sandbox.remove();
    expect(await readdir(join(portal.options.runtimeDir, 's'))).toEqual([]);
  });

  test('labels say whose a sandbox is', async () => {
    await using box = await portal.warm();
    const { Config, HostConfig } = await portal.docker.getContainer(box.sandbox.container).inspect();
    expect(Config.Labels).toMatchObject({
      [PORTAL_LABEL]: portal.options.portalId,
      [REPLICA_LABEL]: portal.options.replica,
      [SANDBOX_LABEL]: box.id,
    });
    expect(JSON.stringify([Config, HostConfig])).not.toContain(box.secret.toString('base64url'));
    expect(HostConfig.LogConfig?.Type).toBe('none');
  });

  test('a missing image, no engine, an old engine: each says what it is', async () => {
    const secret = randomBytes(32);
    const missing = new DockerSandboxRuntime({ ...portal.options, image: 'sallyport.test/none:1', mode: 'sockets' });
    await expect(missing.create(randomUUID(), secret, streams)).rejects.toMatchObject({
      code: 'sandbox-image-missing',
    });
    const gone = new Docker({ socketPath: '/nowhere/docker.sock' });
    const without = new DockerSandboxRuntime({ ...portal.options, docker: gone, mode: 'sockets' });
    await expect(without.create(randomUUID(), secret, streams)).rejects.toMatchObject({ code: 'engine-unavailable' });
    await expect(without.list()).rejects.toMatchObject({ code: 'engine-unavailable' });
    expect(await without.health()).toMatchObject({ ok: false });
    expect(await portal.runtime.health()).toMatchObject({
      ok: true,
      engine: expect.stringContaining('Docker') as string,
    });
    const old = createServer((_request, answer) => answer.end('{"Version":"19.03","ApiVersion":"1.40"}'));
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const { port } = old.address() as { port: number };
    const docker = new Docker({ host: '127.0.0.1', port, protocol: 'http' });
    const outdated = await new DockerSandboxRuntime({ ...portal.options, docker }).health();
    expect(outdated).toMatchObject({ ok: false, message: expect.stringContaining('1.41') as string });
    old.close();
  });

  test('another OCI runtime is what the container runs on; one that the engine lacks is named, by health and by an opening', async () => {
    const named = (runtime: string, mode: 'sockets' | 'auto') =>
      new DockerSandboxRuntime({ ...portal.options, mode, runtime });
    const shim = named('io.containerd.runc.v2', 'sockets');
    expect(await shim.health()).toMatchObject({ ok: true });
    const sandbox = await shim.create(randomUUID(), randomBytes(32), streams);
    const { HostConfig } = await portal.docker.getContainer(sandbox.container).inspect();
    expect(HostConfig.Runtime).toBe('io.containerd.runc.v2');
    await sandbox.remove();
    expect(await named('runsc', 'sockets').health()).toMatchObject({
      ok: false,
      message: expect.stringMatching(/no runtime runsc \(SALLYPORT_SANDBOX_RUNTIME\); it has .*runc/) as string,
    });
    // Whether it is asked for a sandbox, or for the probe before the first one.
    for (const mode of ['sockets', 'auto'] as const)
      await expect(named('runsc', mode).create(randomUUID(), randomBytes(32), streams)).rejects.toMatchObject({
        code: 'sandbox-runtime-missing',
        status: 503,
        message: 'The container engine has no runtime runsc.',
        next: expect.stringContaining('SALLYPORT_SANDBOX_RUNTIME') as string,
      });
    expect(await portal.runtime.list()).toEqual([]);
  });

  test('an engine that cannot limit what a sandbox takes is not well', async () => {
    const answers: Record<string, object> = {
      version: { Version: '27.0', ApiVersion: '1.46' },
      info: { Runtimes: { runc: {} }, MemoryLimit: true, PidsLimit: false, CpuCfsQuota: false },
    };
    const weak = createServer((request, answer) =>
      answer.end(JSON.stringify(answers[request.url!.split('/').at(-1)!])),
    );
    await new Promise<void>((resolve) => weak.listen(0, '127.0.0.1', resolve));
    const { port } = weak.address() as { port: number };
    const docker = new Docker({ host: '127.0.0.1', port, protocol: 'http' });
    expect(await new DockerSandboxRuntime({ ...portal.options, docker }).health()).toMatchObject({
      ok: false,
      message: expect.stringContaining('cannot limit processes, CPU') as string,
    });
    weak.close();
  });

  test('a host that cannot start says why, and nothing is left', async () => {
    const wrong = new DockerSandboxRuntime({ ...portal.options, mode: 'sockets' });
    await expect(wrong.create(randomUUID(), randomBytes(5), streams)).rejects.toMatchObject({
      code: 'sandbox-failed',
      message: expect.stringContaining('standard input held no secret') as string,
    });
    expect(await portal.runtime.list()).toEqual([]);
  });

  test('a runtime directory that is too long for sockets is refused in words', async () => {
    const runtimeDir = join(portal.options.runtimeDir, 'x'.repeat(100));
    const long = new DockerSandboxRuntime({ ...portal.options, runtimeDir, mode: 'sockets' });
    await expect(long.create(randomUUID(), randomBytes(32), streams)).rejects.toMatchObject({
      code: 'sandbox-failed',
      next: 'Choose a shorter runtime directory.',
    });
  });

  test('over TCP, nothing but the secret reaches the host’s standard input, whatever packets the attach comes in', async () => {
    // What follows the head of an attach arrives once the engine has taken the connection over.
    let attached = 0;
    let body = '';
    await using way = await tcpWay(portal.docker, (client, engine) => {
      let held = false;
      engine.pipe(client);
      client.on('data', (chunk: Buffer) => {
        const end = chunk.indexOf('\r\n\r\n') + 4;
        if (held) body += chunk.toString();
        else if (!chunk.toString('latin1', 0, end).includes('/attach?')) engine.write(chunk);
        else {
          held = true;
          attached += 1;
          body = chunk.toString('latin1', end);
          engine.write(chunk.subarray(0, end));
          engine.once('data', () => {
            engine.write(body);
            client.removeAllListeners('data').pipe(engine);
          });
        }
      });
    });
    await using through = await TestPortal.start('sockets', { docker: way.docker });
    await using box = await through.warm();
    expect(box.link.proven).toBe(true);
    expect({ attached, body }).toEqual({ attached: 1, body: '' });
  });

  test('the home folder is as large as it is said, and /tmp half of the memory', async () => {
    await using small = await TestPortal.start('sockets', { limits: { memory: 256 << 20, home: 32 << 20 } });
    await using box = await small.open();
    expect(await box.run('df --block-size=1 --output=size ~ /tmp | tail -n 2')).toMatch(
      new RegExp(`^ *${32 << 20}\n *${128 << 20}\n$`),
    );
  });

  test('an engine that goes away for a moment ends nobody’s session', async () => {
    // A way to the real engine that can be cut: what the portal sees of an engine's restart.
    const open = new Set<Socket>();
    let cut = false;
    await using way = await tcpWay(portal.docker, (client, engine) => {
      if (cut) return void client.destroy();
      for (const socket of [client, engine]) open.add(socket);
      client.pipe(engine).pipe(client);
    });
    await using through = await TestPortal.start('sockets', { docker: way.docker });
    await using box = await through.open();
    let exited = false;
    void box.sandbox.exited.then(() => (exited = true));
    cut = true;
    for (const socket of open) socket.destroy();
    expect(await box.run('echo still here')).toBe('still here\n');
    await expect(through.runtime.list()).rejects.toMatchObject({ code: 'engine-unavailable' });
    expect(exited).toBe(false);
    cut = false;
    box.link.type('exit 5\r');
    expect(await box.sandbox.exited).toMatchObject({ code: 5 });
  });
});

/** The real engine at a TCP port of this machine's loopback; `carry` passes on what both sides say. */
async function tcpWay(
  engineClient: Docker,
  carry: (client: Socket, engine: Socket) => void,
): Promise<AsyncDisposable & { docker: Docker }> {
  const { socketPath } = engineClient.modem as unknown as { socketPath: string };
  const open = new Set<Socket>();
  const server = createTcp((client) => {
    const engine = createConnection(socketPath);
    for (const socket of [client, engine]) {
      open.add(socket);
      socket.on('error', () => {}).on('close', () => [client, engine].forEach((each) => each.destroy()));
    }
    carry(client, engine);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    docker: new Docker({ host: '127.0.0.1', port, protocol: 'http' }),
    [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      return closed;
    },
  };
}
