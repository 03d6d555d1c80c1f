import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../e2e/machine/until.ts';
import { TestPortal } from './fixture.ts';
import type { TestSandbox } from './fixture.ts';

const execute = promisify(execFile);
let portal: TestPortal;
beforeAll(async () => {
  portal = await TestPortal.start('sockets');
});
afterAll(() => portal[Symbol.asyncDispose]());

/** Types a password, key by key, at a prompt that does not echo: openssl writes its own before it turns the echo off. */
async function password(box: TestSandbox, prompt: string | RegExp, secret = 'hunter2-secret'): Promise<void> {
  await box.link.shows(prompt);
  // Of the sandbox's terminal only root learns it from outside.
  if (process.getuid?.() === 0)
    await until(async () => / icanon .* -echo /.test(await modesOf(box)), { what: 'the end of the echo' });
  for (const key of `${secret}\r`) {
    box.link.type(key);
    await pause(1);
  }
}

/** Of the shell's terminal, as `stty -a` says them; asked from outside, since a new process in there is a finding. */
async function modesOf(box: TestSandbox): Promise<string> {
  const { State } = await portal.docker.getContainer(box.sandbox.container).inspect();
  const { stdout } = await execute('stty', ['-a', '-F', `/proc/${State.Pid}/root/dev/pts/0`]);
  return stdout.replace(/\s+/g, ' ');
}

test.each([
  ['read -s', 'read -s -p "Pass""word: " p; echo "len ${#p}"', /Password: $/],
  ['stty -echo', 'stty -echo; printf "Pass""word: "; read p; stty echo; echo "len ${#p}"', /Password: $/],
  ['getpass', `python3 -c 'import getpass; print("len", len(getpass.getpass("Pass" "word: ")))'`, /Password: $/],
  ['openssl', 'openssl enc -aes-256-cbc -pbkdf2 -in /etc/hostname -out /tmp/x; echo "len 14"', /encryption password:$/],
  [
    'git',
    `git credential fill <<< $'protocol=https\\nhost=h\\nusername=u\\n' | awk -F= '/password/{print "len", length($2)}'`,
    /Password for .*: $/,
  ],
])('what is typed at the prompt of %s is nowhere', async (name, command, prompt) => {
  await using box = await portal.open();
  box.link.type(`${command}\r`);
  await password(box, prompt);
  if (name === 'openssl') await password(box, /Verifying.*password:$/);
  await box.link.shows('len 14');
  const log = Buffer.concat(box.link.log).toString('latin1');
  expect(log).not.toContain('hunter');
  expect(log).not.toContain('secret-');
  expect(box.link.inputRecorded().toString()).toBe(`${command}\r`);
  const marks = box.link.marks().map((mark) => mark.mark);
  expect(marks).toEqual(name === 'openssl' ? ['secret', 'secret'] : ['secret']);
});

test('what is pasted behind a password at once is recorded, the password not', async () => {
  await using box = await portal.open();
  // Its prompt comes once echo is off.
  box.link.type('read -s -p "Pass""word: " p\r');
  await box.link.shows(/Password: $/);
  box.link.type('hunter2\recho "af""ter"\r');
  await box.link.shows('after');
  expect(box.link.inputRecorded().toString()).toBe('read -s -p "Pass""word: " p\recho "af""ter"\r');
});

test('commands, and what is typed in vim and less, are recorded', async () => {
  await using box = await portal.open();
  const typed: string[] = [];
  const type = (text: string) => {
    typed.push(text);
    box.link.type(text);
  };
  type('seq 1 500 > f\r');
  type('less f\r');
  await box.link.shows('\x1b[7mf\x1b[');
  type('/250\r');
  await box.link.shows(/250/);
  type('q');
  await box.link.shows(/\$ $/);
  type('vim -u NONE g\r');
  await box.link.shows(/"g"/);
  type('ityped in vim\x1b:wq\r');
  await box.link.shows(/written/);
  await box.link.shows(/\$ $/);
  type('cat g\r');
  await box.link.shows('typed in vim\r\n');
  expect(box.link.inputRecorded().toString()).toBe(typed.join(''));
  expect(box.link.marks()).toEqual([]);
});

test('a shell that reads without echo is told, once; password prompts are not', async () => {
  await using box = await portal.open();
  box.link.type('for i in 1 2 3; do read -s -p "no""$i " p; done\r');
  for (const round of [1, 2, 3]) {
    await box.link.shows(new RegExp(`no${round} $`));
    box.link.type('a\r');
  }
  await box.link.shows(/\$ $/);
  await box.run('echo shown');
  expect(box.link.marks().map((mark) => mark.mark)).toEqual(['secret', 'secret', 'secret']);

  box.link.type('stty -echo; bash --noediting\r');
  await box.link.shows(/bash --noediting\r\n[^]*\$ $/);
  for (let line = 0; line < 4; line += 1) {
    const shown = box.link.output().length;
    box.link.type('id -u\r');
    await until(() => box.link.output().subarray(shown).includes('1000\r\n'), { what: 'the hidden command ran' });
  }
  const hidden = box.link.marks().filter((mark) => mark.mark === 'hidden-shell');
  expect(hidden).toHaveLength(1);
  expect(hidden[0]).toMatchObject({ detail: expect.stringContaining('bash') as string });
});
