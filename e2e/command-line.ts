/** The command line as people install it: a package of its own under node_modules, beside the real kubectl. */
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
import { buildCli } from '../scripts/cli-build.ts';
import { OwnTools, type Outcome } from './own-tools.ts';

const ROOT = join(import.meta.dirname, '..');

export type Talking = { said(): string; ended: Promise<Outcome>; kill(): void };

export class CommandLine implements Disposable {
  readonly #tools: OwnTools;
  readonly #env: Record<string, string>;

  private constructor(tools: OwnTools, env: Record<string, string>) {
    this.#tools = tools;
    this.#env = env;
  }

  /** A home of its own with an empty kubeconfig. */
  static async install(env: Record<string, string> = {}): Promise<CommandLine> {
    const tools = await OwnTools.with('');
    const modules = join(tools.folder, 'node_modules');
    const installed = join(modules, '@sallyport', 'cli');
    mkdirSync(installed, { recursive: true });
    cpSync(join(ROOT, 'cli', 'package.json'), join(installed, 'package.json'));
    buildCli(join(installed, 'dist'));
    cpSync(join(ROOT, 'node_modules', 'yaml'), join(modules, 'yaml'), { recursive: true });
    mkdirSync(join(modules, '.bin'));
    symlinkSync(join('..', '@sallyport', 'cli', 'dist', 'main.js'), join(modules, '.bin', 'sallyport'));
    // Nothing opens a browser here: the scenario's goes to the address that is said.
    const path = [join(modules, '.bin'), dirname(process.execPath)].join(':');
    return new CommandLine(tools, { PATH: path, ...env });
  }

  get folder(): string {
    return this.#tools.folder;
  }
  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }
  get state(): string {
    return join(this.folder, '.local', 'state', 'sallyport');
  }

  start(...args: string[]): Talking {
    const env = { HOME: this.folder, KUBECONFIG: this.kubeconfig, NODE_ENV: 'production' as const, ...this.#env };
    const child = spawn('sallyport', args, { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<Outcome>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
    return { said: () => stdout + stderr, ended, kill: () => void child.kill() };
  }

  run(...args: string[]): Promise<Outcome> {
    return this.start(...args).ended;
  }

  kubectl(...args: string[]): Promise<Outcome> {
    return this.#tools.start('kubectl', args, { env: this.#env }).ended;
  }

  helm(...args: string[]): Promise<Outcome> {
    return this.#tools.start('helm', args, { env: this.#env }).ended;
  }

  [Symbol.dispose](): void {
    this.#tools[Symbol.dispose]();
  }
}
