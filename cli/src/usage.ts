/** The commands and their words: what is understood, and what --help says of it. */
import { parseArgs } from 'node:util';
import * as commands from './commands.ts';
import type { Run, Words } from './commands.ts';
import { misused } from './failure.ts';

type Option = { type: 'string' | 'boolean'; value?: string; help: string };
export type Command = {
  name: string;
  /** What stands behind the name. */
  operands: string;
  /** How many of them. */
  least: number;
  most: number;
  summary: string;
  details?: string;
  options: Record<string, Option>;
  run: Run;
};

const portal: Option = { type: 'string', value: 'URL', help: 'The portal; without it, the one of your last login' };
const ca: Option = { type: 'string', value: 'FILE', help: 'Certificate of a private authority (or SALLYPORT_CA)' };
const role: Option = { type: 'string', value: 'ROLE', help: 'Where several of your roles reach the cluster' };

const COMMANDS: Command[] = [
  {
    name: 'login',
    operands: '',
    least: 0,
    most: 0,
    summary: 'Sign in at a portal, for twelve hours',
    details: 'Your browser opens, and you allow this machine there. The certificate of --ca is remembered.',
    options: {
      portal,
      device: { type: 'boolean', help: 'For machines without a browser: show a code to type on another' },
      ca,
    },
    run: commands.login,
  },
  {
    name: 'logout',
    operands: '',
    least: 0,
    most: 0,
    summary: 'Sign out, and end the credentials that kubectl had from it',
    options: { portal, ca },
    run: commands.logout,
  },
  {
    name: 'whoami',
    operands: '',
    least: 0,
    most: 0,
    summary: 'Who you are at the portal',
    options: { portal, ca },
    run: commands.whoami,
  },
  {
    name: 'kube ls',
    operands: '',
    least: 0,
    most: 0,
    summary: 'The clusters that you may use',
    options: { portal, ca },
    run: commands.kubeLs,
  },
  {
    name: 'kube login',
    operands: 'CLUSTER',
    least: 1,
    most: 1,
    summary: 'Write a context for a cluster into your kubeconfig',
    details: 'The file holds no secret: kubectl asks this program for a credential whenever it needs one.',
    options: {
      role,
      namespace: { type: 'string', value: 'NAMESPACE', help: 'Of the context; without it, the role’s first' },
      context: { type: 'string', value: 'NAME', help: 'Its name; without it, sallyport-CLUSTER' },
      portal,
      ca,
    },
    run: commands.kubeLogin,
  },
  {
    name: 'kube logout',
    operands: '[CLUSTER]',
    least: 0,
    most: 1,
    summary: 'Remove the contexts of a cluster, or of all, and revoke their credentials',
    options: { portal, ca },
    run: commands.kubeLogout,
  },
  {
    name: 'kube credential',
    operands: '',
    least: 0,
    most: 0,
    summary: 'For kubectl: print a credential (client.authentication.k8s.io/v1)',
    options: { cluster: { type: 'string', value: 'CLUSTER', help: 'Which' }, role, portal, ca },
    run: commands.kubeCredential,
  },
];

export type Understood = { help: string } | { run: Run; words: Words };

/** Throws Failure with exit code 2. */
export function understand(args: string[]): Understood {
  const [first = '', second = ''] = args;
  if (first === '' || first === '--help' || first === '-h' || first === 'help') return { help: overview('') };
  if (first === 'kube' && (second === '' || second === '--help' || second === '-h')) return { help: overview('kube ') };
  const length = first === 'kube' ? 2 : 1;
  const name = args.slice(0, length).join(' ');
  const command = COMMANDS.find((one) => one.name === name);
  if (!command) throw misused(`There is no command “${name}”. See: sallyport --help`);
  const options = Object.fromEntries(Object.entries(command.options).map(([key, { type }]) => [key, { type }]));
  let words: Words;
  try {
    words = parseArgs({
      args: args.slice(length),
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
  } catch (error) {
    throw misused(`${(error as Error).message.split('. ')[0]!}. See: sallyport ${name} --help`);
  }
  if (words.values['help']) return { help: helpOf(command) };
  const { length: count } = words.positionals;
  if (count < command.least || count > command.most)
    throw misused(`Usage: sallyport ${name} ${command.operands || '(nothing more)'}. See: sallyport ${name} --help`);
  return { run: command.run, words };
}

function overview(prefix: string): string {
  const listed = COMMANDS.filter(({ name }) => name.startsWith(prefix));
  const width = Math.max(...listed.map(({ name, operands }) => `${name} ${operands}`.length));
  const lines = listed.map(({ name, operands, summary }) => `  ${`${name} ${operands}`.padEnd(width)}  ${summary}`);
  return `sallyport: access to Kubernetes through a Sallyport portal\n\n${lines.join('\n')}\n\nEach has --help.\n`;
}

function helpOf({ name, operands, summary, details, options }: Command): string {
  const shown = Object.entries(options).map(([key, { value, help }]) => [`--${key}${value ? ` ${value}` : ''}`, help]);
  const width = Math.max(...shown.map(([left]) => left!.length));
  const lines = shown.map(([left, right]) => `  ${left!.padEnd(width)}  ${right}`);
  const usage = ['sallyport', name, operands, '[OPTION…]'].filter(Boolean).join(' ');
  return `${usage}\n\n${summary}.${details ? ` ${details}` : ''}\n\n${lines.join('\n')}\n`;
}
