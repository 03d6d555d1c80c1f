import { expect, it } from 'vitest';
import { objectHead } from './kube-protobuf.ts';

const field = (number: number, content: string | Buffer): Buffer => {
  const bytes = Buffer.from(content);
  expect(bytes.length).toBeLessThan(128);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
};
const body = (type: Buffer, raw: Buffer) =>
  Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw), field(3, ''), field(4, '')]);
const secret = Buffer.concat([field(1, 'v1'), field(2, 'Secret')]);

it('says which object it is, and nothing of what it holds', () => {
  const label = Buffer.concat([field(1, 'app'), field(2, 'web')]);
  // generation (7), a varint, stands among them.
  const meta = Buffer.concat([field(1, 'db'), field(3, 'shop'), Buffer.from([7 * 8, 1]), field(11, label)]);
  const data = Buffer.concat([field(1, 'password'), field(2, 'hunter2')]);
  const found = objectHead(body(secret, Buffer.concat([field(1, meta), field(2, data), field(3, 'Opaque')])));
  expect(found).toEqual({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', namespace: 'shop', labels: { app: 'web' } },
  });
});

it('takes what has no metadata for what it is', () => {
  const options = Buffer.concat([field(1, 'v1'), field(2, 'DeleteOptions')]);
  expect(objectHead(body(options, Buffer.from([8, 30])))).toEqual({
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    metadata: {},
  });
});

it('never throws, whatever comes', () => {
  expect(objectHead(Buffer.from('{}'))).toBe(null);
  const whole = body(secret, field(1, field(1, 'db')));
  let seed = 1;
  const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
  for (let round = 0; round < 5_000; round++) {
    const bytes = Buffer.from(whole.subarray(0, random(whole.length + 1)));
    for (let hits = random(4); hits > 0 && bytes.length > 0; hits--) bytes[random(bytes.length)] = random(256);
    expect(() => objectHead(bytes)).not.toThrow();
  }
});
