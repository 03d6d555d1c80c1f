import { expect, test } from 'vitest';
import { understand } from './usage.ts';

test.each([[[]], [['--help']], [['-h']], [['help']]])('%j shows the commands', (args) =>
  expect(understand(args)).toEqual({ help: expect.stringContaining('kube login CLUSTER') }),
);

test.each(['login', 'logout', 'whoami', 'kube ls', 'kube login', 'kube logout', 'kube credential'])(
  '%s has --help, and no option takes a secret',
  (name) => {
    const { help } = understand([...name.split(' '), '--help']) as { help: string };
    expect(help).toContain(`sallyport ${name}`);
    expect(help).toContain('--portal URL');
    expect(help).not.toMatch(/--(token|password|secret|code)/);
  },
);

test.each([
  ['an unknown command', ['nothing']],
  ['an unknown command of kube', ['kube', 'nothing']],
  ['an unknown option', ['login', '--token', 'x']],
  ['an option without its value', ['login', '--portal']],
  ['a cluster too few', ['kube', 'login']],
  ['a word too many', ['whoami', 'me']],
])('%s is a wrong use, exit code 2', (_what, args) =>
  expect(() => understand(args)).toThrow(expect.objectContaining({ name: 'Failure', exitCode: 2 })),
);
