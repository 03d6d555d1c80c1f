import fc from 'fast-check';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { ExecOutput } from './exec-output.ts';

test('standard output passes whole, standard error not, however it is chunked', async () => {
  const message = fc.record({ stream: fc.constantFrom(1, 2), data: fc.uint8Array({ maxLength: 40 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(message), fc.integer({ min: 1, max: 30 }), async (messages, size) => {
      const bytes = Buffer.concat(
        messages.map(({ stream, data }) => {
          const header = Buffer.alloc(8);
          header[0] = stream;
          header.writeUInt32BE(data.length, 4);
          return Buffer.concat([header, data]);
        }),
      );
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      const out = await buffer(Readable.from(chunks).pipe(new ExecOutput()));
      expect(out).toEqual(Buffer.concat(messages.filter((each) => each.stream === 1).map((each) => each.data)));
    }),
  );
});
