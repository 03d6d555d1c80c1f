#!/usr/bin/env node
/** The command line: words in, exit code out; whatever goes wrong is a sentence on stderr. */
import { Failure } from './failure.ts';
import { understand } from './usage.ts';

const terminal = {
  env: process.env,
  parent: process.ppid,
  out: (text: string) => void process.stdout.write(text),
  say: (line: string) => void process.stderr.write(`${line}\n`),
};

try {
  const understood = understand(process.argv.slice(2));
  if ('help' in understood) terminal.out(understood.help);
  else await understood.run(understood.words, terminal);
} catch (error) {
  const known = error instanceof Failure;
  terminal.say(`sallyport: ${known ? error.message : `this is a fault of the program: ${(error as Error).message}`}`);
  process.exitCode = known ? error.exitCode : 1;
}
