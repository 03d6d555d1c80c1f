/** `next build`, only where something that goes into it has changed. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin, ROOT, runStep } from './steps.ts';

/** What the pages are made of: their own folder, what they share with the portal, the tools' settings. */
const SOURCES = [
  'app',
  'protocol',
  'public',
  'server/domain',
  'server/http/schemas.ts',
  'next.config.ts',
  'postcss.config.mjs',
  'tsconfig.json',
  'package-lock.json',
];

/** Hash of names and contents. */
export function contentStamp(root: string, sources: string[]): string {
  const hash = createHash('sha256');
  const add = (path: string): void => {
    const file = join(root, path);
    if (!existsSync(file)) return;
    if (statSync(file).isDirectory()) {
      for (const name of readdirSync(file).sort()) add(join(path, name));
      return;
    }
    hash.update(`${path}\0`).update(createHash('sha256').update(readFileSync(file)).digest());
  };
  for (const source of sources) add(source);
  return hash.digest('hex');
}

/** Resolves with false where the build failed; its output was shown. */
export async function buildWeb(say: (line: string) => void): Promise<boolean> {
  const stampFile = join(ROOT, '.next', 'sallyport-sources');
  const stamp = contentStamp(ROOT, SOURCES);
  const built = existsSync(join(ROOT, '.next', 'BUILD_ID'));
  if (built && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return true;
  say('Pages: building');
  const env = { NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' as const };
  if (!(await runStep({ name: 'pages built', command: bin('next'), args: ['build'], env }))) return false;
  writeFileSync(stampFile, stamp);
  return true;
}
