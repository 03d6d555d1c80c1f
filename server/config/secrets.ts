/** The keys: given by the environment or made on the first start. The last of three steps. */
import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from './config.ts';
import { ConfigError } from './env.ts';

export type Secrets = {
  /**
   * 32 bytes each: they wrap the data keys of sealed records. The first seals, all open; there are several only while
   * one takes the place of another (server/admin/keys.ts). Losing them loses what was sealed.
   */
  masterKeys: [Buffer, ...Buffer[]];
  /** P-256 private keys for ES256; the first signs, all verify, so that a new one can be put first without sign-outs. */
  signingKeys: [KeyObject, ...KeyObject[]];
  /** next-auth's own; it authorises nothing here. The only one that web is given. */
  webSecret: string;
};

/** Reads or makes the keys in `<dataDir>/keys` (0700, files 0600). Throws ConfigError for a key that is none. */
export function loadSecrets(config: Pick<Config, 'dataDir' | 'keys'>): Secrets {
  const folder = join(config.dataDir, 'keys');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    masterKeys: parseMasters(config.keys.master ?? readOrMake(join(folder, MASTER), newMasterKey)),
    signingKeys: loadSigningKeys(folder, config.keys.signing),
    webSecret: config.keys.web ?? readOrMake(join(folder, 'web.secret'), () => randomBytes(32).toString('base64url')),
  };
}

/**
 * Puts a new signing key before the present ones, which go on verifying; takes effect at the next start.
 * Returns the file's path.
 */
export function rotateSigningKey(dataDir: string, now: Date): string {
  const path = join(dataDir, 'keys', `signing-${now.toISOString().replace(/[-:.]/g, '')}.pem`);
  writeFileSync(path, newSigningKey(), { mode: 0o600, flag: 'wx' });
  return path;
}

/**
 * Puts a new master key before the present one, which goes on opening; where a rotation was begun already, nothing
 * changes. The file holds both until {@link dropOldMasterKeys}, so that a crash in between loses nothing.
 */
export function addMasterKey(dataDir: string): Secrets['masterKeys'] {
  const path = join(dataDir, 'keys', MASTER);
  const text = readOrMake(path, newMasterKey);
  if (parseMasters(text).length === 1) replace(path, `${newMasterKey()}\n${text}`);
  return parseMasters(readFileSync(path, 'utf8'));
}

/** Leaves the first master key alone in its file: only once nothing in the database needs another one. */
export function dropOldMasterKeys(dataDir: string): void {
  const path = join(dataDir, 'keys', MASTER);
  replace(path, readFileSync(path, 'utf8').trim().split(/\s+/)[0]!);
}

/** The file is the old one or the new one, whole, whatever happens meanwhile. */
function replace(path: string, text: string): void {
  const temporary = writeBeside(path, text);
  renameSync(temporary, path);
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

const MASTER = 'master.key';

function newMasterKey(): string {
  return randomBytes(32).toString('base64');
}

/** One key, or several with white space between them, the one that seals first. */
function parseMasters(text: string): Secrets['masterKeys'] {
  const keys = text
    .trim()
    .split(/\s+/)
    .map((word) => Buffer.from(word, 'base64'));
  if (keys.some((key) => key.length !== 32)) throw new ConfigError('SALLYPORT_MASTER_KEY', 'is not 32 bytes in base64');
  return keys as Secrets['masterKeys'];
}

function loadSigningKeys(folder: string, given: string | undefined): Secrets['signingKeys'] {
  if (given !== undefined) {
    // Several PEM blocks, newest first.
    const blocks = given.match(/-----BEGIN [^-]+-----[\s\S]+?-----END [^-]+-----/g) ?? [];
    const keys = blocks.map((pem) => parseSigning(pem, 'SALLYPORT_SIGNING_KEY'));
    if (!keys.length) throw new ConfigError('SALLYPORT_SIGNING_KEY', 'holds no PEM private key');
    return keys as Secrets['signingKeys'];
  }
  const files = () =>
    readdirSync(folder)
      .filter((file) => /^signing-.*\.pem$/.test(file))
      .sort()
      .reverse();
  if (!files().length) readOrMake(join(folder, 'signing-0.pem'), newSigningKey);
  return files().map((file) =>
    parseSigning(readFileSync(join(folder, file), 'utf8'), join(folder, file)),
  ) as Secrets['signingKeys'];
}

function parseSigning(pem: string, name: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new ConfigError(name, 'is no PEM private key');
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new ConfigError(name, 'is no P-256 key');
  return key;
}

function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** Never leaves a half-written key behind: written whole beside its place, then linked there, unless one is there. */
function readOrMake(path: string, make: () => string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const temporary = writeBeside(path, make());
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
  return readFileSync(path, 'utf8').trim();
}

function writeBeside(path: string, text: string): string {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, `${text}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return temporary;
}
