/**
 * `npm run cli`: the command line as an installable package in cli/dist. Node strips types from our own files, but from
 * none under node_modules: so they are stripped here, by Node's own stripper, and nothing is bundled or rewritten.
 */
import { chmodSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename, join } from 'node:path';

const CLI = join(import.meta.dirname, '..', 'cli');

/** Makes `folder` anew, from cli/src. */
export function buildCli(folder = join(CLI, 'dist')): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of globSync('src/*.ts', { cwd: CLI })) {
    if (file.endsWith('.test.ts')) continue;
    const code = stripTypeScriptTypes(readFileSync(join(CLI, file), 'utf8'))
      .replace(/(\b(?:from |import\()'\.\/[\w-]+)\.ts'/g, "$1.js'")
      // Where types were there are spaces.
      .replace(/[ \t]+$/gm, '');
    writeFileSync(join(folder, basename(file).replace(/\.ts$/, '.js')), code);
  }
  chmodSync(join(folder, 'main.js'), 0o755);
}

if (import.meta.main) {
  buildCli();
  process.stderr.write('cli/dist is built. Install it with: npm install --global ./cli\n');
}
