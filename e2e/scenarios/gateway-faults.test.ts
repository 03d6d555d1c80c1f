/**
 * Clients, clusters and clocks that misbehave, at the gateway's own address: each a clear error, nothing of one person's in
 * another's answer, and no socket left open. What a cluster may answer with is in
 * server/gateway/upstream-faults.integration.test.ts.
 */
import { createHash, createPrivateKey, createPublicKey, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect as connectTcp, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { authorityIn, issueKubeconfig, OwnTools } from '../own-tools.ts';
import { CLUSTER, TestPortal, type Visitor } from '../portal.ts';
import { proxiedCluster, type ProxiedCluster } from '../proxied-cluster.ts';
import { parseAnswers, rawConnect, rawExchange, type RawAnswer } from '../raw-tls.ts';

let cluster: ProxiedCluster;
let portal: TestPortal;
let namespace: string;
let person: Visitor;
let token: string;
let session: string;
let authority: string;
let baseline: number;
beforeAll(async () => {
  cluster = await proxiedCluster();
  portal = await TestPortal.start({ kubeconfig: cluster.kubeconfig() });
  namespace = `faults-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  person = await portal.visitor([await portal.role({ clusterRoles: ['edit'] })]);
  const issued = await issueKubeconfig(person);
  [token, session] = [issued.token, issued.id];
  authority = authorityIn(issued.kubeconfig);
  // As many at once as any of the faults has: connections to the cluster and the database are kept for the next call.
  await Promise.all(Array.from({ length: 12 }, () => send(get())));
  await until(async () => (await connections()) === 0, { what: 'the end of every connection' });
  baseline = portal.sockets();
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

const port = () => Number(new URL(portal.gatewayUrl).port);
const connect = () => rawConnect(port(), authority);
const pods = () => `/k8s/${CLUSTER}/api/v1/namespaces/${namespace}/pods`;

function request(line: string, bearer = token, headers: string[] = []): string {
  const all = ['Host: gateway', `Authorization: Bearer ${bearer}`, 'Connection: close', ...headers];
  return `${line} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n`;
}
const get = (bearer = token) => request(`GET ${pods()}`, bearer);

async function send(bytes: string): Promise<RawAnswer> {
  return parseAnswers(await rawExchange(await connect(), bytes))[0]!;
}

const code = ({ head }: RawAnswer) => /\r\nx-sallyport-error-code: (\S+)/i.exec(head)?.[1];

/** Clients' connections at the gateway, by the portal's own count. */
async function connections(): Promise<number> {
  const text = await (await fetch(`${portal.url}/metrics`, { headers: { connection: 'close' } })).text();
  return Number(/^sallyport_kubernetes_connections (\d+)$/m.exec(text)?.[1]);
}

/** By the kernel's count: no more than before any fault. */
async function nothingLeaks(): Promise<void> {
  await until(async () => (await connections()) === 0, { within: 30_000, what: 'the end of every connection' });
  await portal.socketsBack(baseline);
}

describe('a cluster', () => {
  it('that breaks the connection before its answer: 503 with a sentence, and a call of the next moment works', async () => {
    cluster.proxy.watch({
      before: async ({ path }) => {
        if (path.includes('/pods')) await cluster.proxy.leave();
      },
    });
    const answer = await send(request(`DELETE ${pods()}/a`));
    expect({ status: answer.status, code: code(answer) }).toEqual({ status: 503, code: 'cluster-unreachable' });
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', message: expect.stringContaining(CLUSTER) });
    cluster.proxy.watch({});
    await cluster.proxy.comeBack();
    await until(async () => (await send(get())).status === 200, { what: 'the next call' });
    await nothingLeaks();
  });

  it('that dies in mid-watch ends the watch at once, on record with its bytes', async () => {
    using tools = await OwnTools.with((await issueKubeconfig(person)).kubeconfig);
    const watch = tools.start('kubectl', ['get', 'configmaps', `--namespace=${namespace}`, '--watch', '--output=name']);
    await until(() => watch.output().includes('kube-root-ca.crt'), { what: 'the list before the watch' });
    await kubectlAsAdmin('create', 'configmap', 'later', '-n', namespace);
    await until(() => watch.output().includes('later'), { what: 'the watch' });
    await cluster.proxy.leave();
    await watch.ended;
    await cluster.proxy.comeBack();
    await until(
      async () => {
        const rows = await portal.sql`
          select 1 from audit_events where code = 'api.finished' and detail->>'verb' = 'watch'
            and (detail->>'responseBytes')::int > 0 and detail->>'reason' = 'cluster-unreachable'`;
        return rows.length > 0;
      },
      { what: 'its end on record' },
    );
    await until(async () => (await send(get())).status === 200, { what: 'the next call' });
    await nothingLeaks();
  });

  it('that stalls holds up whoever asked it and nobody else; who gives up takes the call with them', async () => {
    const letGo = Promise.withResolvers<void>();
    cluster.proxy.watch({ before: ({ path }) => (path.includes('stalls') ? letGo.promise : undefined) });
    const socket = await connect();
    socket.write(request(`GET ${pods()}/stalls`));
    await until(() => cluster.proxy.seen.some(({ path }) => path.includes('stalls')), { what: 'the call' });
    expect((await send(get())).status).toBe(200);
    socket.destroy();
    await nothingLeaks();
    letGo.resolve();
    cluster.proxy.watch({});
  });
});

describe('a client', () => {
  const many = <T>(make: () => Promise<T>): Promise<T[]> => Promise.all(Array.from({ length: 8 }, make));
  const closed = (socket: Socket | TLSSocket) => (socket.destroyed ? undefined : once(socket, 'close'));

  it('that never finishes its headers is told so, and cut', async () => {
    const sockets = await many(connect);
    const answers = sockets.map((socket) =>
      rawExchange(socket, 'GET /k8s/test/api HTTP/1.1\r\nHost: gateway\r\nX-Slow'),
    );
    // The next person waits for none of them.
    expect((await send(get())).status).toBe(200);
    for (const text of await Promise.all(answers)) {
      expect(parseAnswers(text)[0]).toMatchObject({ status: 408 });
      expect(code(parseAnswers(text)[0]!)).toBe('request-late');
    }
    await nothingLeaks();
  });

  it('that begins no TLS, speaks another protocol or goes away in mid-handshake leaves nothing', async () => {
    const sockets = await many(async () => {
      const socket = connectTcp(port(), '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    });
    sockets[0]!.write('GET / HTTP/1.1\r\n\r\n');
    sockets[1]!.write('SSH-2.0-x\r\n');
    sockets[2]!.write(Buffer.from([0x16, 0x03, 0x01, 0x40, 0x00]));
    sockets[3]!.destroy();
    sockets[4]!.resetAndDestroy();
    expect((await send(get())).status).toBe(200);
    await Promise.all(sockets.map(closed));
    await nothingLeaks();
  });

  it('that says of a body what it does not send is not waited for by anybody', async () => {
    const sockets = await many(connect);
    for (const socket of sockets)
      socket.write(request(`POST ${pods()}`, token, ['Content-Type: application/json', 'Content-Length: 100']));
    expect((await send(get())).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await nothingLeaks();
    expect(await kubectlAsAdmin('get', 'pods', '-n', namespace, '--output=name')).toBe('');
  });

  it('that sends half of a body which is looked at first is cut with its session', async () => {
    const own = await issueKubeconfig(person);
    expect((await send(get(own.token))).status).toBe(200);
    const socket = await connect();
    const secrets = `POST /k8s/${CLUSTER}/api/v1/namespaces/${namespace}/secrets`;
    const answer = rawExchange(
      socket,
      `${request(secrets, own.token, ['Content-Type: application/json', 'Content-Length: 100'])}{"kind":`,
    );
    await until(
      async () => {
        const text = await (await fetch(`${portal.url}/metrics`, { headers: { connection: 'close' } })).text();
        return /^sallyport_kubernetes_calls_running [1-9]/m.test(text);
      },
      { what: 'the call' },
    );
    const began = performance.now();
    await person.api('DELETE', `/me/kubeconfigs/${own.id}`);
    await answer;
    expect(performance.now() - began).toBeLessThan(3_000);
    await nothingLeaks();
  });

  it('that stops reading, or resets, in mid-answer takes its call with it', async () => {
    const sockets = await many(connect);
    for (const socket of sockets) {
      socket.pause();
      socket.write(`GET /k8s/${CLUSTER}/openapi/v2 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    }
    expect((await send(get())).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await nothingLeaks();
  });
});

describe('a clock', () => {
  /** With the portal's own key: what only time is wrong with. */
  async function signed(claims: Record<string, unknown>, key = signingKey(portal)): Promise<string> {
    const kid = createHash('sha256')
      .update(createPublicKey(key).export({ type: 'spki', format: 'der' }))
      .digest('base64url')
      .slice(0, 16);
    const now = Math.floor(Date.now() / 1000);
    const base = {
      iss: await portal.id(),
      aud: 'sallyport-kubeconfig',
      sub: person.id,
      sid: session,
      jti: randomUUID(),
    };
    return new SignJWT({ ...base, cluster: CLUSTER, iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
      .sign(key);
  }
  const at = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

  it('that goes right is believed, so that the others are refused for what they are', async () => {
    expect((await send(get(await signed({})))).status).toBe(200);
  });

  it.each([
    ['has ended by a second', () => ({ exp: at(-1) }), 'credential-expired'],
    ['ended long ago', () => ({ iat: at(-7_200), exp: at(-3_600) }), 'credential-expired'],
    ['begins in an hour', () => ({ nbf: at(3_600), exp: at(7_200) }), 'token-invalid'],
    ['never ends', () => ({ exp: undefined }), 'token-invalid'],
    ['ends in words', () => ({ exp: 'tomorrow' }), 'token-invalid'],
    ['is of another portal', () => ({ iss: randomUUID() }), 'token-invalid'],
    ['is for something else', () => ({ aud: 'sallyport-kubernetes' }), 'token-invalid'],
  ] as const)('a credential that %s is refused with a sentence', async (_, claims, expected) => {
    const answer = await send(get(await signed(claims())));
    expect({ status: answer.status, code: code(answer) }).toEqual({ status: 401, code: expected });
  });

  it('the session’s end counts, whatever a credential says of its own', async () => {
    const other = await issueKubeconfig(person);
    const late = await signed({ sid: other.id, exp: at(10 * 365 * 86_400) });
    expect((await send(get(late))).status).toBe(200);
    await portal.sql`update access_sessions set hard_cap_at = now() - interval '1 second' where id = ${other.id}`;
    await portal.notify('access-session', other.id);
    await until(async () => code(await send(get(late))) === 'credential-revoked', { what: 'the refusal' });
  });
});

function signingKey(of: TestPortal) {
  const folder = join(of.dataDir, 'keys');
  const name = readdirSync(folder).find((file) => /^signing.*\.pem$/.test(file))!;
  return createPrivateKey(readFileSync(join(folder, name), 'utf8'));
}
