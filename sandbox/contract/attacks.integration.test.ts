/** Each Sandbox line of security.md, attacked by a person in their own shell. */
import { lstat, readdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../../e2e/machine/until.ts';
import { ToHost, u64 } from '../../protocol/frames.ts';
import { TestPortal } from './fixture.ts';
import type { TestSandbox } from './fixture.ts';

let portal: TestPortal;
let box: TestSandbox;
beforeAll(async () => {
  portal = await TestPortal.start('sockets', { limits: { pids: 100, memory: 256 * 1024 * 1024 } });
});
afterAll(() => portal[Symbol.asyncDispose]());
beforeEach(async () => {
  box = await portal.open();
});
afterEach(() => box[Symbol.asyncDispose]());

/** Runs a Python program, given as lines, in the sandbox. */
function python(lines: string[], timeoutMs?: number): Promise<string> {
  const code = Buffer.from(lines.join('\n')).toString('base64');
  return box.run(`echo ${code} | base64 -d | python3 - 2>&1`, box.link, timeoutMs);
}

const SYSCALL = [
  'import ctypes, os',
  'libc = ctypes.CDLL(None, use_errno=True)',
  'call = lambda *a: (libc.syscall(*a), os.strerror(ctypes.get_errno()))',
];

test('the socket folder cannot be written: no socket, link or file of one’s own takes the place of the portal’s', async () => {
  const folder = '/run/sallyport';
  const attempts = [
    `touch ${folder}/x`,
    `rm -f ${folder}/terminal.sock`,
    `mv ${folder}/terminal.sock ${folder}/y`,
    `ln -sf /etc/passwd ${folder}/api.sock`,
    `chmod 777 ${folder}`,
    `mount -o remount,rw ${folder}`,
    `umount ${folder}`,
  ];
  for (const attempt of attempts) expect(await box.run(`${attempt} 2>/dev/null && echo DONE`)).not.toContain('DONE');
  const real = join(portal.options.runtimeDir, 's');
  const [own] = await readdir(real);
  expect((await readdir(join(real, own!))).sort()).toEqual(['api.sock', 'terminal.sock']);
  expect((await lstat(join(real, own!, 'api.sock'))).isSocket()).toBe(true);
});

test('who dials the terminal’s socket without the secret gets nothing and learns nothing', async () => {
  const count = box.links.length;
  const out = await python([
    'import socket, json, struct, base64',
    's = socket.socket(socket.AF_UNIX); s.connect("/run/sallyport/terminal.sock")',
    'frame = lambda t, b: s.sendall(struct.pack(">IB", len(b) + 1, t) + b)',
    'hello = dict(protocol=1, purpose="terminal", nonce=base64.urlsafe_b64encode(b"n" * 32).decode().rstrip("="), state="running", generation=0, start=0, end=0)',
    'frame(1, json.dumps(hello).encode()); challenge = s.recv(4096)',
    'frame(2, b"p" * 32); s.settimeout(0.5)',
    'try: print("got", s.recv(4096))',
    'except TimeoutError: print("nothing")',
  ]);
  expect(out).toBe('nothing\n');
  expect(box.links[count]!.proven).toBe(false);
});

test('the session host cannot be looked into: environment, memory, descriptors, maps, ptrace, process_vm, pidfd', async () => {
  for (const file of ['environ', 'mem', 'maps', 'fd/0', 'auxv', 'syscall', 'stack', 'root/etc/hostname', 'cwd/x'])
    expect(await box.run(`head -c 1 /proc/1/${file} 2>&1`)).toMatch(/denied|not permitted/i);
  const out = await python([
    ...SYSCALL,
    'buf = ctypes.create_string_buffer(64)',
    'iov = (ctypes.c_ulong * 2)(ctypes.addressof(buf), 64)',
    'rem = (ctypes.c_ulong * 2)(0x400000, 64)',
    'print(call(101, 16, 1, 0, 0))',
    'print(call(310, 1, iov, 1, rem, 1, 0))',
    'print(call(311, 1, iov, 1, rem, 1, 0))',
    'print(call(438, os.pidfd_open(1), 0, 0))',
    'print(call(425, 8, buf))',
    'print(call(302, 1, 0, iov, 0))',
    'print(call(203, 1, 8, iov))',
    'print(call(141, 0, 1, 19))',
  ]);
  expect(out).toBe("(-1, 'Operation not permitted')\n".repeat(8));
  expect(await box.run('strings /proc/1/cmdline 2>/dev/null || tr "\\0" " " < /proc/1/cmdline')).not.toContain(
    box.secret.toString('base64url'),
  );
});

test('every signal, to the process and to each of its threads, leaves the host as it was; no inspector opens', async () => {
  const out = await python(
    [
      ...SYSCALL,
      'for sig in range(1, 65):',
      '  try: os.kill(1, sig)',
      '  except OSError as e: pass',
      'for tid in os.listdir("/proc/1/task"):',
      '  for sig in range(1, 65): call(234, 1, int(tid), sig); call(200, int(tid), sig)',
      'import socket, time',
      'time.sleep(0.3)',
      's = socket.socket(); print(s.connect_ex(("127.0.0.1", 9229)) != 0)',
    ],
    20_000,
  );
  expect(out).toContain('True');
  expect(await box.run('echo alive')).toBe('alive\n');
  expect(box.link.closed).toBe(false);
  const { State } = await portal.docker.getContainer(box.sandbox.container).inspect();
  expect(State.Running).toBe(true);
});

test('a fork bomb stays inside, and its own shell is recorded to the end', async () => {
  await using other = await portal.open();
  box.link.type('bomb() { bomb | bomb & }; bomb\r');
  await box.link.shows(/Resource temporarily unavailable/, 30_000);
  const started = performance.now();
  expect(await other.run('echo alive')).toBe('alive\n');
  expect(performance.now() - started).toBeLessThan(5000);
  box.link.send(ToHost.end, Buffer.from('{"reason":"ended-by-person"}'));
  await box.sandbox.exited;
  expect(box.link.marks().at(-1)).toMatchObject({ mark: 'exit' });
}, 90_000);

test('limits, home, seccomp and scores are what is promised, seen from inside', async () => {
  expect(
    await box.run('command grep -h -E "Seccomp:|NoNewPrivs" /proc/self/status; ulimit -f; ulimit -n; ulimit -c'),
  ).toBe(
    // bash counts files in KiB.
    `NoNewPrivs:\t1\nSeccomp:\t2\n${384 * 1024}\n4096\n0\n`,
  );
  expect(
    await box.run('stat -f -c %T ~ /tmp; command grep -E " /(home/sallyport|tmp|run/sallyport-user) " /proc/mounts'),
  ).toMatch(/^tmpfs\ntmpfs\n(?:tmpfs \S+ tmpfs rw,nosuid,nodev,.*\n){3}$/);
  expect(await box.run('touch /x /opt/sallyport/x /usr/local/bin/x 2>&1 | command grep -c Read-only')).toBe('3\n');
  // The kernel takes the shell's programs first; they cannot give it back.
  const [shell, host] = (await box.run('cat /proc/self/oom_score_adj /proc/1/oom_score_adj')).split('\n').map(Number);
  expect(shell).toBeGreaterThan(host!);
  expect(
    await box.run(
      'echo 0 2>/dev/null > /proc/self/oom_score_adj; echo -900 2>/dev/null > /proc/1/oom_score_adj; cat /proc/1/oom_score_adj',
    ),
  ).toBe(`${host}\n`);
  const { HostConfig } = await portal.docker.getContainer(box.sandbox.container).inspect();
  expect(HostConfig).toMatchObject({ Memory: 256 << 20, MemorySwap: 256 << 20, PidsLimit: 100, NanoCpus: 1e9 });
  expect(JSON.stringify(HostConfig.SecurityOpt)).not.toMatch(/unconfined|seccomp=/);
});

test('an own image’s NODE_OPTIONS reach neither the host nor the shell', async () => {
  const tag = `sallyport.test/node-options-${process.pid}`;
  const plain = portal.docker.getContainer(box.sandbox.container);
  await plain.commit({ repo: tag, changes: 'ENV NODE_OPTIONS=--inspect=127.0.0.1:9229 NODE_EXTRA=1' });
  try {
    await using own = await TestPortal.start('sockets', { image: tag });
    await using inside = await own.open();
    const ports =
      'command grep -c -i ":240D " /proc/net/tcp; env | command grep -c NODE_; tr "\\0" " " < /proc/1/cmdline';
    expect(await inside.run(ports)).toMatch(/^0\n0\n\S+node --disable-sigusr1 /);
  } finally {
    await portal.docker.getImage(tag).remove({ force: true });
  }
});

test('a thousand orphans leave no zombie', async () => {
  await box.run('for i in $(seq 1 1000); do (sleep 0.01 &) ; done; sleep 0.5', box.link, 60_000);
  await until(async () => (await box.run('ps -eo stat= | command grep -c ^Z')) === '0\n', {
    what: 'no zombie is left',
  });
  expect(await box.run('(exit 7); echo $?')).toBe('7\n');
}, 90_000);

test('a full disk and too much memory hurt only who made them; the host is the last to go', async () => {
  expect(await box.run('head -c 300M /dev/zero > ~/fill; echo $?', box.link, 60_000)).toMatch(
    /No space|\n1\n|Killed|137|153/,
  );
  await box.run('rm -f ~/fill; head -c 1 /dev/zero > /root-file 2>&1; ls /root-file 2>&1');
  expect(await box.run('echo x > /etc/x; echo $?')).toContain('Read-only');
  const out = await box.run('python3 -c "x = bytearray(1 << 30); print(len(x))"; echo $?', box.link, 60_000);
  expect(out).toMatch(/137|Killed|MemoryError/);
  expect(await box.run('echo alive')).toBe('alive\n');
}, 120_000);

test('two gigabytes of output that nobody renders fill no memory, neither here nor in the host', async () => {
  box.link.send(ToHost.viewer, Buffer.from([1]));
  box.link.type('head -c 2G /dev/zero | tr "\\0" x\r');
  await until(() => box.link.logEnd > 512 * 1024, { what: 'the brake holds' });
  const { memory_stats: memory } = await portal.docker.getContainer(box.sandbox.container).stats({ stream: false });
  expect((memory.stats as unknown as Record<string, number>)['rss'] ?? memory.usage).toBeLessThan(120 * 1024 * 1024);
  expect(box.link.logEnd).toBeLessThan(1024 * 1024);
  box.link.type('\x03');
  box.link.send(ToHost.rendered, u64(box.link.logEnd));
  await box.link.shows(/\^C/);
});

test('there is no network, no service account, no capability, no way to become somebody else', async () => {
  expect(await box.run('cat /proc/net/dev | tail -n +3 | cut -d: -f1')).toBe('    lo\n');
  expect(await box.run('curl -sS -m 2 --noproxy "*" http://1.1.1.1 2>&1')).toMatch(
    /Couldn't connect|unreachable|Failed/,
  );
  expect(await box.run('ls /var/run/secrets 2>&1')).toContain('No such file');
  expect(await box.run('id -u; command grep -E "CapEff|CapBnd|NoNewPrivs|^Seccomp:" /proc/self/status')).toBe(
    '1000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n',
  );
  expect(await box.run('find / -xdev -perm /6000 -type f 2>/dev/null')).toBe('');
  expect(await box.run('unshare -Ur id 2>&1')).toMatch(/not permitted|failed/);
  expect(await box.run('ls -l /var/run/docker.sock /run/docker.sock 2>&1')).not.toContain('srw');
  expect(await box.run('env | grep -i -E "secret|token|password"')).toBe('');
});

test('another sandbox’s sockets are not there, and other users of the machine do not get through to them', async () => {
  await using other = await portal.open();
  expect(await other.run('command ls /run/sallyport')).toBe('api.sock  terminal.sock\n');
  const mode = (await lstat(join(portal.options.runtimeDir, 's'))).mode & 0o777;
  expect(mode).toBe(0o700);
});

test('in the way of exec the host’s socket gives nothing to who has no secret', async () => {
  await using exec = await TestPortal.start('exec');
  await using inside = await exec.open();
  const count = inside.links.length;
  const run = (lines: string[]) =>
    inside.run(`echo ${Buffer.from(lines.join('\n')).toString('base64')} | base64 -d | python3 - 2>&1`);
  expect(
    await run([
      'import socket, ssl',
      'def dial():',
      '  s = socket.socket(socket.AF_UNIX); s.connect("\\0sallyport-host"); s.settimeout(1); return s',
      // The host greets as a TLS client; whoever answers it with anything but the key is cut.
      's = dial(); print(s.recv(4096)[:3])',
      's.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")',
      'try: print(len(s.recv(4096)) < 32)',
      'except OSError: print(True)',
      'for ciphers in ["PSK", "ALL:@SECLEVEL=0"]:',
      '  context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.maximum_version = ssl.TLSVersion.TLSv1_2; context.set_ciphers(ciphers)',
      '  try: context.wrap_socket(dial(), server_side=True); print("in")',
      '  except (OSError, ssl.SSLError): print("out")',
      // Nobody else can take its place while it lives.
      't = socket.socket(socket.AF_UNIX)',
      'try: t.bind("\\0sallyport-host"); print("bound")',
      'except OSError: print("taken")',
    ]),
  ).toBe("b'\\x16\\x03\\x01'\nTrue\nout\nout\ntaken\n");
  expect(inside.links.length).toBe(count);
  // The relay is a program like any other there: all of it may be read, and there is nothing in it.
  const secret = inside.secret;
  expect(
    await run([
      'import base64, os',
      `secret = base64.b64decode("${Buffer.from(secret.map((byte) => byte ^ 0x55)).toString('base64')}")`,
      'secret = bytes(b ^ 0x55 for b in secret)',
      'forms = [secret, base64.urlsafe_b64encode(secret).rstrip(b"="), base64.b64encode(secret).rstrip(b"="), secret.hex().encode()]',
      'looked = found = 0',
      'for pid in filter(str.isdigit, os.listdir("/proc")):',
      '  if int(pid) == os.getpid(): continue',
      '  try: command = open(f"/proc/{pid}/cmdline", "rb").read()',
      '  except OSError: continue',
      '  if b"relay.js" not in command: continue',
      '  looked += 1',
      '  hay = command + open(f"/proc/{pid}/environ", "rb").read()',
      '  memory = open(f"/proc/{pid}/mem", "rb", 0)',
      '  for line in open(f"/proc/{pid}/maps"):',
      '    start, end = (int(x, 16) for x in line.split()[0].split("-"))',
      '    if "rw" not in line or end - start > 1 << 28: continue',
      '    try: memory.seek(start); hay += memory.read(end - start)',
      '    except (OSError, OverflowError, ValueError): pass',
      '  found += any(form in hay for form in forms)',
      'print(looked, found, len(hay) > 1 << 20)',
    ]),
  ).toBe('1 0 True\n');
  inside.link.type('pkill -f relay.js\r');
  // The relay was killed: the portal makes another, and the session goes on.
  const after = await inside.nextLink();
  await after.attach(2, inside.links.at(-2)!.logEnd);
  after.typeFrom(inside.links.at(-2)!.acked.get(1)!);
  expect(await inside.run('echo alive', after)).toBe('alive\n');
});

test('the portal’s own sockets answer nobody who comes by another way', async () => {
  // A program of the portal's machine that may open the socket is still only somebody without the secret.
  const folder = join(portal.options.runtimeDir, 's');
  const [own] = await readdir(folder);
  const count = box.links.length;
  const socket = createConnection(join(folder, own!, 'terminal.sock'));
  await until(() => box.links.length > count, { what: 'it is taken' });
  socket.end();
  expect(box.links[count]!.proven).toBe(false);
});
