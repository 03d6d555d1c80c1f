/** Finds the command, opens the database as the portal would, runs it, and says what went wrong in one line. */
import { parseArgs } from 'node:util';
import { openDatabase } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { parseConfig } from '../config/config.ts';
import { ConfigError, readEnv } from '../config/env.ts';
import { databaseUrls } from '../database.ts';
import { Problem } from '../domain/problem.ts';
import { errorText } from '../domain/redaction.ts';
import { Announcing, unconfirmedSentence } from './announcing.ts';
import { commands, type Command } from './commands.ts';

/** Returns the exit code: 0, 1 for what went wrong, 2 for how it was called. The last line on stdout is JSON. */
export async function run(args: string[]): Promise<number> {
  const words = args.filter((arg) => !arg.startsWith('-')).slice(0, 2);
  const command =
    commands.find(({ name }) => name === words.join(' ')) ?? commands.find(({ name }) => name === words[0]);
  if (!command) {
    process.stderr.write(usage());
    return words[0] === 'help' || !words.length ? 0 : 2;
  }
  try {
    const values = parse(command, args.slice(command.name.split(' ').length));
    const result = await execute(command, values);
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`sallyport: ${describe(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

class UsageError extends Error {}

function parse(command: Command, args: string[]): Record<string, string | undefined> {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, option]) => [
      name,
      { type: option.flag ? 'boolean' : 'string' } as const,
    ]),
  );
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({ args, options, strict: true }));
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage()}`);
  }
  for (const [name, option] of Object.entries(command.options))
    if (option.required && !values[name]) throw new UsageError(`${command.name} needs --${name}`);
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === true ? 'yes' : (value as string)]),
  );
}

async function execute(command: Command, values: Record<string, string | undefined>): Promise<object> {
  const config = parseConfig(readEnv(process.env));
  const urls = await databaseUrls(config);
  await migrate({ url: urls.migrationUrl, portalRole: new URL(urls.url).username });
  await using database = openDatabase(urls.url, { max: 2, applicationName: 'sallyport admin' });
  // Awaited here: the database is closed when this returns.
  await using announcing = new Announcing(urls.url);
  const result = await command.run({ config, db: database.db, urls, values, announce: announcing.announce });
  const unconfirmedReplicas = announcing.unconfirmed.size;
  if (unconfirmedReplicas === 0) return result;
  process.stderr.write(`sallyport: ${unconfirmedSentence(unconfirmedReplicas)}\n`);
  return { ...result, unconfirmedReplicas };
}

function describe(error: unknown): string {
  if (error instanceof UsageError || error instanceof ConfigError) return error.message;
  if (error instanceof Problem) return error.next ? `${error.message} ${error.next}` : error.message;
  return errorText(error);
}

function usage(): string {
  const lines = commands.map(({ name, says, options }) => {
    const words = Object.entries(options).map(([option, { flag, required, value }]) => {
      const word = flag ? `--${option}` : `--${option} ${value ?? 'VALUE'}`;
      return required ? word : `[${word}]`;
    });
    return `  ${[name, ...words].join(' ')}\n      ${says}\n`;
  });
  return `Usage: node server/admin.ts <command>; settings as the portal's (docs/configuration.md)\n\n${lines.join('')}`;
}
