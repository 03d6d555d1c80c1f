/** Names and spellings by which a sandbox could be let out to where it must not come; the resolver is the attacker's. */
import { describe, expect, test } from 'vitest';
import { EgressAddresses } from './egress-addresses.ts';

const API_SERVER = { host: '10.0.0.5', port: 6443 };
const IPV6_API_SERVER = { host: '2001:db8::5', port: 443 };

/** Each name answers its lists in turn, then the last one again. */
function addresses(answers: Record<string, string[][]> = {}, allowed = ['10.0.0.0/8', 'fd00:1::/32']) {
  const asked: string[] = [];
  const made = new EgressAddresses(
    allowed,
    async () => [API_SERVER, IPV6_API_SERVER, { host: 'api.example', port: 8443 }],
    async (host) => {
      asked.push(host);
      const turn = asked.filter((one) => one === host).length - 1;
      const found = answers[host]?.[turn] ?? answers[host]?.at(-1);
      if (!found) throw new Error('ENOTFOUND');
      return found;
    },
  );
  return { made, asked };
}

const refused = { code: 'egress-address-refused', status: 403 };

test('a name is resolved once, and what is dialled is what was looked at', async () => {
  const { made, asked } = addresses({ 'rebinding.example': [['203.0.113.7'], ['127.0.0.1']], 'api.example': [[]] });
  const target = { host: 'rebinding.example', port: 443 };
  expect(await made.resolve(target)).toEqual(['203.0.113.7']);
  expect(asked.filter((host) => host === target.host)).toHaveLength(1);
  await expect(made.resolve(target)).rejects.toMatchObject(refused);
});

test('one unfit address among good ones refuses the name, wherever it stands', async () => {
  for (const found of [
    ['203.0.113.7', '169.254.169.254'],
    ['::1', '203.0.113.7'],
  ])
    await expect(addresses({ mixed: [found] }).made.resolve({ host: 'mixed', port: 443 })).rejects.toMatchObject(
      refused,
    );
});

describe('refused under a name that is allowed', () => {
  test.each([
    ['127.0.0.1'],
    ['127.8.9.10'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['::ffff:0:127.0.0.1'],
    ['::127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['2002:7f00:1::'],
    ['0.0.0.0'],
    ['::'],
    ['169.254.169.254'],
    ['::ffff:169.254.169.254'],
    ['64:ff9b::a9fe:a9fe'],
    ['fe80::1'],
    ['fe80::1%eth0'],
    ['fd00:ec2::254'],
    ['100.100.100.200'],
    ['168.63.129.16'],
    ['192.168.0.1'],
    ['::ffff:192.168.0.1'],
    ['fd99::1'],
    ['224.0.0.1'],
    ['ff02::1'],
    ['255.255.255.255'],
  ])('%s', async (address) => {
    await expect(addresses({ evil: [[address]] }).made.resolve({ host: 'evil', port: 443 })).rejects.toMatchObject(
      refused,
    );
    await expect(addresses().made.resolve({ host: address, port: 443 })).rejects.toMatchObject(refused);
  });
});

test.each([
  ['10.0.0.5', 6443],
  ['::ffff:10.0.0.5', 6443],
  ['::ffff:a00:5', 6443],
  ['::10.0.0.5', 6443],
  ['2001:db8::5', 443],
  ['2001:db8:0:0::0005', 443],
  ['::ffff:203.0.113.9', 8443],
])('an API server is one as %s, too, though its range is allowed', async (address, port) => {
  const { made } = addresses({ 'api.example': [['203.0.113.9']], cname: [[address]] });
  for (const host of [address, 'cname'])
    await expect(made.resolve({ host, port })).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('API server') as string,
    });
});

test('a cluster that was registered a moment ago is one already', async () => {
  const servers = [API_SERVER];
  const made = new EgressAddresses(['10.0.0.0/8'], async () => servers);
  const target = { host: '10.0.0.6', port: 6443 };
  expect(await made.resolve(target)).toEqual(['10.0.0.6']);
  servers.push(target);
  await expect(made.resolve(target)).rejects.toMatchObject(refused);
});

test('what the operator allows is let through, by address and by name', async () => {
  const { made } = addresses({ inner: [['10.9.9.9', 'fd00:1::2']], 'api.example': [['203.0.113.9']] });
  expect(await made.resolve({ host: 'inner', port: 443 })).toEqual(['10.9.9.9', 'fd00:1::2']);
  expect(await made.resolve({ host: '203.0.113.9', port: 443 })).toEqual(['203.0.113.9']);
  expect(await made.resolve({ host: '10.0.0.5', port: 443 })).toEqual(['10.0.0.5']);
});
