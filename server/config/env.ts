/** The environment as strings: the first of three steps (env → config → secrets). Nothing here is judged yet. */
import { readFileSync } from 'node:fs';
import { variables, type VariableName, type Variable } from './variables.ts';

export type Env = Partial<Record<VariableName, string>>;

/** What is wrong with the configuration: one sentence that names the variable. Nothing starts. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly variable: string;

  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`);
    this.variable = variable;
  }
}

/**
 * Takes the portal's variables out of `source`. Empty counts as unset. `NAME_FILE` is read for secrets, without the
 * newline at its end; SALLYPORT_TEST_ variables are the tests' own. Throws ConfigError for a SALLYPORT_ variable that does not exist, both forms at once, or a file
 * that cannot be read.
 */
export function readEnv(source: NodeJS.ProcessEnv): Env {
  const env: Env = {};
  for (const [name, variable] of Object.entries(variables) as [VariableName, Variable][]) {
    const value = source[name] || undefined;
    const file = variable.secret ? source[`${name}_FILE`] || undefined : undefined;
    if (value !== undefined && file !== undefined)
      throw new ConfigError(name, `is set, and so is ${name}_FILE; set one of them`);
    if (value !== undefined) env[name] = value;
    else if (file !== undefined) env[name] = readSecret(`${name}_FILE`, file);
  }
  for (const name of Object.keys(source)) if (/^SALLYPORT_(?!TEST_)/.test(name)) known(name);
  return env;
}

function readSecret(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new ConfigError(name, `${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (!text) throw new ConfigError(name, `${path} is empty`);
  return text;
}

function known(name: string): void {
  if (name in variables) return;
  const plain = name.replace(/_FILE$/, '');
  if (plain !== name && plain in variables) {
    if ((variables as Record<string, Variable>)[plain]?.secret) return;
    throw new ConfigError(name, `only secrets may come from a file; set ${plain}`);
  }
  throw new ConfigError(name, 'there is no such setting; see docs/configuration.md');
}
