/** The keys: given by the environment or made on the first start. The last of three steps. */
import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { ConfigError } from './env.ts';

export type Secrets = {
  /** 32 bytes: wraps the data keys of sealed credentials. Losing it loses what was sealed. */
  masterKey: Buffer;
  /** P-256 private keys for ES256; the first signs, all verify, so that a new one can be put first without sign-outs. */
  signingKeys: [KeyObject, ...KeyObject[]];
  /** next-auth's own; it authorises nothing here. The only one that web is given. */
  webSecret: string;
};

/** Reads or makes the keys in `<dataDir>/keys` (0700, files 0600). Throws ConfigError for a key that is none. */
export function loadSecrets(config: Pick<Config, 'dataDir' | 'keys'>): Secrets {
  const folder = join(config.dataDir, 'keys');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const masterText =
    config.keys.master ?? readOrMake(join(folder, 'master.key'), () => randomBytes(32).toString('base64'));
  return {
    masterKey: parseMaster(masterText),
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

function parseMaster(text: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== 32) throw new ConfigError('SALLYPORT_MASTER_KEY', 'is not 32 bytes in base64');
  return key;
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
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, `${make()}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
  return readFileSync(path, 'utf8').trim();
}
