// Completes package-lock.json: `npm ci` refuses a lock that lacks an optional package of any platform, and `npm install`
// leaves out those that the registry in reach does not hold (yet). Each gets the entry that npm would write, without
// the checksum that only the registry knows; npm skips it on every platform but its own.
// Run it after each `npm install`; a second run changes nothing. `--check` only says whether something is missing.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const packages = lock.packages;

const OS = /-(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)(?=-|$)/;
const CPU = /-(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)(?=-|$)/;

/** Where Node would find `name` from the package at `from`; undefined where the lock has it nowhere. */
function resolve(from, name) {
  for (
    let base = from;
    ;
    base = base.includes('/node_modules/') ? base.slice(0, base.lastIndexOf('/node_modules/')) : ''
  ) {
    const candidate = `${base && `${base}/`}node_modules/${name}`;
    if (packages[candidate]) return candidate;
    if (!base) return undefined;
  }
}

function entry(name, version, parent) {
  const os = OS.exec(name)?.[1];
  const cpu = CPU.exec(name)?.[1];
  if (!cpu) throw new Error(`${name}: its name does not tell its platform; add it to package-lock.json by hand`);
  const libc = os === 'linux' && (/-musl/.test(name) ? 'musl' : /-gnu/.test(name) ? 'glibc' : undefined);
  return {
    version,
    cpu: [cpu],
    ...(parent.dev ? { dev: true } : {}),
    ...(libc ? { libc: [libc] } : {}),
    ...(parent.license ? { license: parent.license } : {}),
    optional: true,
    ...(os ? { os: [os] } : {}),
    ...(parent.engines ? { engines: parent.engines } : {}),
  };
}

const missing = [];
for (const [path, parent] of Object.entries(packages))
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {}))
    if (!resolve(path, name)) missing.push({ name, version, parent });

if (process.argv.includes('--check')) {
  if (missing.length) {
    console.error(
      `package-lock.json lacks ${missing.length} packages of other platforms: run node scripts/complete-lock.mjs`,
    );
    process.exitCode = 1;
  }
} else if (missing.length) {
  for (const { name, version, parent } of missing) packages[`node_modules/${name}`] = entry(name, version, parent);
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
  console.log(`package-lock.json: added ${missing.length} packages of other platforms`);
}
