/** Addresses that somebody registers as a cluster, in spellings that hide them, and names that answer twice differently. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConnectionFacts, openConnection } from './connection.ts';

const refused = { code: 'address-refused', status: 422 };
const facts = (server: string): ConnectionFacts => ({
  id: 'c',
  name: 'c',
  namespace: 'n',
  actAs: 'account',
  address: { server, ca: '', tlsServerName: null },
  credential: { kind: 'token', token: 't' },
});

/** A port of loopback that counts who comes; whoever comes is cut. */
let server: Server;
let port: number;
const came: Socket[] = [];
beforeAll(async () => {
  server = createServer((socket) => {
    came.push(socket);
    socket.on('error', () => {});
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => server.close());

/** A cluster by name, with a resolver that answers the lists in turn; `dial` says what a connection comes to. */
function byName(answers: string[][], allowPrivate = false) {
  const asked: string[] = [];
  const connection = openConnection(facts(`https://cluster.example:${port}`), {
    allowPrivate,
    resolveName: (host, _options, done) => {
      const found = answers[asked.push(host) - 1] ?? [];
      const family = (address: string) => (address.includes(':') ? 6 : 4);
      done(
        null,
        found.map((address) => ({ address, family: family(address) })),
      );
    },
  });
  const dial = async () => {
    const { hostname, agent } = connection.endpoint;
    const outgoing = request({ host: hostname, port, agent });
    outgoing.end();
    return ((await once(outgoing, 'error')) as [Error])[0];
  };
  return { asked, dial };
}

describe('written as an address', () => {
  test.each([
    'https://169.254.169.254',
    'https://169.254.169.254.:443',
    'https://0xa9fea9fe',
    'https://0251.0376.0251.0376',
    'https://2852039166',
    'https://169.254.43518',
    'https://[::ffff:169.254.169.254]',
    'https://[::ffff:a9fe:a9fe]',
    'https://[64:ff9b::a9fe:a9fe]',
    'https://[2002:a9fe:a9fe::]',
    'https://[fe80::1]',
    'https://[fd00:ec2::254]',
    'https://100.100.100.200',
    'https://168.63.129.16',
    'https://0.0.0.0',
    'https://0',
    'https://[::]',
    'https://255.255.255.255',
  ])('%s: never', (address) => {
    expect(() => openConnection(facts(address), { allowPrivate: true })).toThrow(expect.objectContaining(refused));
  });

  test.each([
    'https://127.0.0.1',
    'https://127.1',
    'https://0x7f.1',
    'https://0177.0.0.1',
    'https://2130706433',
    'https://127.0.0.1.',
    'https://①②⑦.0.0.1',
    'https://[::1]',
    'https://[0:0:0:0:0:0:0:1]',
    'https://[::ffff:127.0.0.1]',
    'https://[::ffff:0:7f00:1]',
    'https://10.0.0.1',
    'https://[::ffff:10.0.0.1]',
    'https://192.168.1.1',
    'https://[fd12::1]',
  ])('%s: only where the operator allows what is private', (address) => {
    expect(() => openConnection(facts(address), { allowPrivate: false })).toThrow(expect.objectContaining(refused));
    openConnection(facts(address), { allowPrivate: true })[Symbol.dispose]();
  });
});

test('ranges that the operator names let in what is in them, in any spelling, and metadata never', () => {
  const rules = { allowPrivate: ['10.0.0.0/8', '169.254.0.0/16', 'fd12::/16'] };
  for (const address of ['https://10.1.2.3', 'https://[::ffff:10.1.2.3]', 'https://[fd12::1]', 'https://203.0.113.7'])
    openConnection(facts(address), rules)[Symbol.dispose]();
  for (const address of ['https://127.0.0.1', 'https://192.168.0.1', 'https://[fd13::1]', 'https://169.254.169.254'])
    expect(() => openConnection(facts(address), rules)).toThrow(expect.objectContaining(refused));
  const all = { allowPrivate: ['0.0.0.0/0', '::/0'] };
  for (const address of ['https://169.254.169.254', 'https://[::ffff:169.254.169.254]', 'https://[fd00:ec2::254]'])
    expect(() => openConnection(facts(address), all)).toThrow(expect.objectContaining(refused));
});

describe('written as a name', () => {
  test.each([
    ['metadata', ['169.254.169.254']],
    ['metadata beside a good one', ['203.0.113.7', '169.254.169.254']],
    ['loopback', ['127.0.0.1']],
    ['loopback in IPv6 clothes', ['::ffff:127.0.0.1']],
    ['a private one', ['10.0.0.1']],
  ])('of %s: refused, and nobody is dialled', async (_what, found) => {
    const before = came.length;
    expect(await byName([found]).dial()).toMatchObject(refused);
    expect(came).toHaveLength(before);
  });

  test('it is resolved once for a connection, which goes to what was looked at; the next looks again (DNS rebinding)', async () => {
    const before = came.length;
    const { asked, dial } = byName([['127.0.0.1'], ['169.254.169.254']], true);
    expect(await dial()).toMatchObject({ code: 'ECONNRESET' });
    expect(asked).toEqual(['cluster.example']);
    expect(came).toHaveLength(before + 1);
    expect(await dial()).toMatchObject(refused);
    expect(came).toHaveLength(before + 1);
  });
});
