/** The server name in a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3), read without ending the TLS. Pure. */

export type HelloResult =
  /** More bytes are needed. */
  | 'incomplete'
  /** These bytes begin no ClientHello. */
  | 'not-tls'
  /** `hidden`: another name may be in it that only the server can read. */
  | { serverName: string | null; hidden: boolean };

const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
/** RFC 9849: the name that counts is inside, encrypted; what can be read is a name that stands for many. */
const ENCRYPTED_CLIENT_HELLO = 0xfe0d;
/** A ClientHello with post-quantum shares is about 2 KiB. */
export const HELLO_MAX = 16 * 1024;

/** Reads from the first bytes of a connection; the hello may be spread over several records. */
export function readClientHello(bytes: Buffer): HelloResult {
  const body: Buffer[] = [];
  let gathered = 0;
  let wanted = 4;
  for (let at = 0; gathered < wanted;) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE) return 'not-tls';
    if (bytes.length < at + 5) return 'incomplete';
    const size = bytes.readUInt16BE(at + 3);
    if (bytes[at + 1] !== 3 || size === 0 || size > HELLO_MAX) return 'not-tls';
    const record = bytes.subarray(at + 5, at + 5 + size);
    body.push(record);
    gathered += record.length;
    if (gathered >= 4 && wanted === 4) {
      const head = Buffer.concat(body);
      if (head[0] !== CLIENT_HELLO) return 'not-tls';
      wanted = 4 + head.readUIntBE(1, 3);
      if (wanted > HELLO_MAX) return 'not-tls';
    }
    if (record.length < size && gathered < wanted) return 'incomplete';
    at += 5 + size;
  }
  try {
    return serverNameOf(Buffer.concat(body).subarray(4, wanted));
  } catch {
    return 'not-tls';
  }
}

/** Throws RangeError where a length leads outside of the hello, and where it says two names: each end may take another. */
function serverNameOf(hello: Buffer): { serverName: string | null; hidden: boolean } {
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const found = { serverName: null as string | null, hidden: false };
  if (at === hello.length) return found;
  const end = at + 2 + hello.readUInt16BE(at);
  if (end > hello.length) throw new RangeError('extensions end outside of the hello');
  for (at += 2; at < end;) {
    const type = hello.readUInt16BE(at);
    const size = hello.readUInt16BE(at + 2);
    if (type === SERVER_NAME) {
      const length = hello.readUInt16BE(at + 7);
      // The list, its one entry and its name end together.
      const whole = hello.readUInt16BE(at + 4) === 3 + length && size === 5 + length && at + 4 + size <= end;
      if (hello.readUInt8(at + 6) !== 0 || !whole || found.serverName !== null)
        throw new RangeError('no one host name');
      found.serverName = hello.toString('latin1', at + 9, at + 9 + length).toLowerCase();
    }
    if (type === ENCRYPTED_CLIENT_HELLO) found.hidden = true;
    at += 4 + size;
  }
  return found;
}
