import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answerMalformed, HEADER_BYTES } from './malformed.ts';

let server: Server;
beforeAll(async () => {
  server = createServer({ maxHeaderSize: HEADER_BYTES }, (_, response) => response.end());
  server.on('clientError', answerMalformed('https://portal/docs/errors/'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => server.close());

/** All that is answered to bytes that are sent without a look at what comes back. Rejects where it is cut off. */
function answered(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    let text = '';
    socket.on('error', reject);
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => resolve(text));
    socket.write(bytes);
  });
}

// Of the longer ones much is still on its way when the answer is.
test.each([HEADER_BYTES + 1, 4 * HEADER_BYTES, 64 * HEADER_BYTES])(
  'a header of %i bytes is answered, and the answer arrives whole',
  async (length) => {
    const text = await answered(`GET /version HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'x'.repeat(length)}`);
    expect(text).toMatch(/^HTTP\/1\.1 431 /);
    expect(text).toContain('x-sallyport-error-code: headers-too-large\r\n');
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ kind: 'Status', code: 431 });
  },
);

test('what is no HTTP is answered as well', async () => {
  expect(await answered('HELLO\r\n\r\n')).toContain('x-sallyport-error-code: bad-request\r\n');
});
