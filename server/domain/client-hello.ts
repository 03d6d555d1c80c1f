/** The server name in a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3), read without ending the TLS. Pure. */

export type HelloResult =
  /** More bytes are needed. */
  | 'incomplete'
  /** These bytes begin no ClientHello. */
  | 'not-tls'
  | { serverName: string | null };

const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
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
    return { serverName: serverNameOf(Buffer.concat(body).subarray(4, wanted)) };
  } catch {
    return 'not-tls';
  }
}

/** Throws RangeError where a length leads outside of the hello. */
function serverNameOf(hello: Buffer): string | null {
  let at = 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  if (at === hello.length) return null;
  const end = at + 2 + hello.readUInt16BE(at);
  if (end > hello.length) throw new RangeError('extensions end outside of the hello');
  for (at += 2; at < end;) {
    const type = hello.readUInt16BE(at);
    const size = hello.readUInt16BE(at + 2);
    if (type === SERVER_NAME) {
      const length = hello.readUInt16BE(at + 7);
      if (hello.readUInt8(at + 6) !== 0 || at + 9 + length > end) throw new RangeError('no host name');
      return hello.toString('latin1', at + 9, at + 9 + length).toLowerCase();
    }
    at += 4 + size;
  }
  return null;
}
