import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { Authority, createAuthority } from './authority.ts';
import { listenGateway } from './listener.ts';
import { OwnCertificate } from './own-certificate.ts';

const noLink = () => Promise.reject(new Error('nobody asks'));
const DAY_MS = 24 * 3_600_000;

/** The serial of what a client is served with, verified for that name. */
async function servedWith(port: number, servername: string, ca: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername, ca });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().serialNumber;
  } finally {
    socket.destroy();
  }
}

it('names the gateway’s host, and is renewed before it lapses, without a restart', async () => {
  // Whole days ago, so that what is renewed is valid by the clock that the client goes by.
  let now = new Date(Date.now() - 25 * DAY_MS);
  const authority = await Authority.open(await createAuthority(now), () => now);
  const faults: unknown[] = [];
  using own = await OwnCertificate.open({
    authority,
    hosts: ['gateway.example.com'],
    now: () => now,
    onFault: (error) => faults.push(error),
  });
  const never = () => Promise.reject(new Error('nobody calls'));
  await using listener = await listenGateway({ host: '127.0.0.1', port: 0 }, own.identity, {
    api: { request() {}, upgrade() {} },
    corsOrigins: [],
    errorDocs: '',
    sessions: { use: never, tokenAtHand: () => null, upstreamToken: never, accountGone() {} },
    tokens: { verify: never },
    clientAuthority: authority.certificate,
    certificates: { of: () => null },
    links: { grant: noLink, spend: noLink },
    now: () => new Date(),
    clientAddress: () => '',
  });
  own.onRenewed((identity) => listener.useCertificate(identity));
  const served = () => servedWith(listener.port, 'gateway.example.com', authority.certificate);
  const first = await served();
  expect(await servedWith(listener.port, 'localhost', authority.certificate)).toBe(first);
  await expect(servedWith(listener.port, 'other.example.com', authority.certificate)).rejects.toThrow(/altnames/);
  await own.look();
  expect(await served()).toBe(first);
  now = new Date(now.getTime() + 21 * DAY_MS);
  await own.look();
  expect(await served()).not.toBe(first);
  expect(faults).toEqual([]);
});
