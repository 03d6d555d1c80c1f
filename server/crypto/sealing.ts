/**
 * Envelope encryption of what rests in the database: each record has a data key of its own, which is wrapped by a
 * master key that the database never holds. Rotating the master key re-wraps the data keys and leaves the records.
 *
 * Sealed form: u8 version (1) | u8 length of the key id | key id | 12 bytes nonce | 32 bytes wrapped data key |
 * 16 bytes tag | 12 bytes nonce | ciphertext | 16 bytes tag. Both layers are AES-256-GCM; the context is authenticated
 * in both, so that a record moved to another row or column does not open there.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { Problem } from '../domain/problem.ts';

const VERSION = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/** 32 random bytes kept outside the database; its id is derived, so that a sealed record names the key it needs. */
export type MasterKey = Buffer;

export class Sealer {
  readonly #keys = new Map<string, MasterKey>();
  readonly #current: string;

  /** The first key seals; the others only open, until everything is re-wrapped. Throws RangeError on a key of another length. */
  constructor(keys: readonly [MasterKey, ...MasterKey[]]) {
    for (const key of keys) {
      if (key.length !== KEY_BYTES) throw new RangeError(`a master key has ${KEY_BYTES} bytes, not ${key.length}`);
      this.#keys.set(keyId(key), key);
    }
    this.#current = keyId(keys[0]);
  }

  /** Ids of the keys that only open: what carries one waits to be re-wrapped. */
  get oldKeyIds(): string[] {
    return [...this.#keys.keys()].filter((id) => id !== this.#current);
  }

  /** `context` says what and whose the record is (`cluster-credential:<id>`); opening needs the same one. */
  seal(plaintext: Uint8Array | string, context: string): Buffer {
    const dataKey = randomBytes(KEY_BYTES);
    const body = encrypt(dataKey, typeof plaintext === 'string' ? Buffer.from(plaintext) : plaintext, context);
    return Buffer.concat([this.#header(), this.#wrap(dataKey, context), body]);
  }

  /** Throws Problem `unsealing-failed` where the key is not ours, the context differs or a byte was changed. */
  open(sealed: Uint8Array, context: string): Buffer {
    const { dataKey, body } = this.#unwrap(Buffer.from(sealed), context);
    return decrypt(dataKey, body, context);
  }

  /** The same record under the current master key; unchanged if it is already. Throws as {@link open}. */
  rewrap(sealed: Uint8Array, context: string): Buffer {
    const { keyId: id, dataKey, body } = this.#unwrap(Buffer.from(sealed), context);
    return id === this.#current
      ? Buffer.from(sealed)
      : Buffer.concat([this.#header(), this.#wrap(dataKey, context), body]);
  }

  #header(): Buffer {
    return sealedHeader(this.#current);
  }

  #wrap(dataKey: Buffer, context: string): Buffer {
    return encrypt(this.#keys.get(this.#current)!, dataKey, context);
  }

  #unwrap(sealed: Buffer, context: string): { keyId: string; dataKey: Buffer; body: Buffer } {
    const bodyAt = 2 + (sealed[1] ?? 0) + WRAPPED_BYTES;
    if (sealed[0] !== VERSION || sealed.length < bodyAt + NONCE_BYTES + TAG_BYTES)
      throw failed('it is not a sealed record');
    const id = sealed.toString('latin1', 2, 2 + sealed[1]!);
    const master = this.#keys.get(id);
    if (!master) throw failed(`the key ${id} is not among the portal's`);
    const dataKey = decrypt(master, sealed.subarray(2 + id.length, bodyAt), context);
    return { keyId: id, dataKey, body: sealed.subarray(bodyAt) };
  }
}

/** What every record that needs this key begins with. */
export function sealedHeader(id: string): Buffer {
  return Buffer.concat([Buffer.from([VERSION, id.length]), Buffer.from(id)]);
}

function keyId(key: MasterKey): string {
  return createHash('sha256').update('sallyport master key').update(key).digest('hex').slice(0, 16);
}

function encrypt(key: Buffer, plaintext: Uint8Array, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, sealed: Buffer, context: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw failed('its bytes or its place were changed', cause);
  }
}

function failed(why: string, cause?: unknown): Problem {
  return new Problem('unsealing-failed', 500, `A sealed record of the database does not open: ${why}.`, {
    next: 'Start the portal with the master key that the database was written with.',
    cause,
  });
}
