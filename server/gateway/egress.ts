/**
 * The only way out of a sandbox besides Kubernetes: a forward proxy with an allow-list. CONNECT carries TLS whose
 * server name is the name that was asked for; plain HTTP goes where a port 80 is allowed. Each connection is audited.
 * Long, as both ways share what admits a connection, counts it and puts it on record; what is decided stands in
 * egress-policy.ts and egress-addresses.ts.
 */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AuditSink } from '../audit/sink.ts';
import type { AuditCode } from '../domain/audit-codes.ts';
import { HELLO_MAX, readClientHello } from '../domain/client-hello.ts';
import { forwardedRequestHeaders, forwardedResponseHeaders } from '../domain/forwarded-headers.ts';
import { Problem } from '../domain/problem.ts';
import { finalStatus, NO_ANSWER } from '../domain/status-line.ts';
import { EgressAddresses, type ApiServers, type ResolveName } from './egress-addresses.ts';
import { EgressPolicy, parseAuthority, type EgressTarget } from './egress-policy.ts';
import type { GatewayMetrics } from './metrics.ts';
import { passStream } from './pass-stream.ts';
import type { GatewaySession, SessionDirectory } from './session-directory.ts';

export type EgressRules = {
  /** `host`, `host:port`, `*.domain`, `*.domain:port`. */
  allow: readonly string[];
  /** CIDRs of private ranges that may be reached under an allowed name. */
  privateRanges: readonly string[];
  /** Registered clusters, never reached this way. */
  apiServers: ApiServers;
  /** Default: the machine's own. */
  resolveName?: ResolveName;
};

export type EgressDeps = {
  sessions: Pick<SessionDirectory, 'alive'>;
  audit: AuditSink;
  rules: EgressRules;
  metrics: () => GatewayMetrics;
  now(): Date;
};

const DIAL_MS = 10_000;
const FLUSH_MS = 5_000;
const HELLO_MS = 10_000;
/** A package manager opens a handful at once. */
const CONNECTIONS_PER_SESSION = 64;
/** A tunnel in which nothing moves for this long has been forgotten by both ends. */
const IDLE_MS = 15 * 60_000;

export class EgressProxy implements Disposable {
  readonly #deps: EgressDeps;
  readonly #policy: EgressPolicy;
  readonly #addresses: EgressAddresses;
  readonly #server: Server;
  readonly #owners = new WeakMap<Duplex, string>();
  readonly #open = new Map<string, number>();

  /** Throws RangeError where an allowed pattern or range is none. */
  constructor(deps: EgressDeps) {
    this.#deps = deps;
    this.#policy = new EgressPolicy(deps.rules.allow);
    const { privateRanges, apiServers, resolveName } = deps.rules;
    this.#addresses = new EgressAddresses(privateRanges, apiServers, resolveName);
    this.#server = createServer({
      headersTimeout: 10_000,
      requestTimeout: 300_000,
      connectionsCheckingInterval: 5_000,
    });
    this.#server.on('connect', (incoming: IncomingMessage, stream: Duplex, head: Buffer) => {
      stream.on('error', () => {});
      void this.#tunnel(incoming, stream, head);
    });
    this.#server.on('request', (incoming, response) => void this.#plain(incoming, response));
    this.#server.on('clientError', (_, stream) => stream.destroy());
    this.#server.emit('listening');
  }

  /** The proxy owns the stream from here on. */
  serve(sessionId: string, stream: Duplex): void {
    this.#owners.set(stream, sessionId);
    this.#server.emit('connection', stream);
  }

  async #tunnel(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const target = parseAuthority(incoming.url ?? '');
    await this.#connection(incoming.socket, target, 'CONNECT', async (way, opened) => {
      const remote = await dial(way.addresses, way.target.port);
      try {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        const hello = await firstFlight(client, head, way.target);
        await opened();
        remote.write(hello);
        return await join(client, remote);
      } finally {
        remote.destroy();
      }
    }).catch((error: unknown) => {
      const problem = asProblem(error);
      const { status, code } = problem;
      const body = `${sentenceOf(problem)}\n`;
      if (client.writable)
        client.end(
          `HTTP/1.1 ${status} ${reasonPhrase(problem)}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
            `x-sallyport-error-code: ${code}\r\nconnection: close\r\n\r\n${body}`,
        );
    });
  }

  async #plain(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(incoming.url ?? '');
    const http = url?.protocol === 'http:' && !url.username && !url.password;
    const target = http ? parseAuthority(`${url.hostname}:${url.port || 80}`) : null;
    await this.#connection(incoming.socket, target, incoming.method ?? '', async (way, opened) => {
      await opened();
      return await passPlain(incoming, response, way, url!);
    }).catch((error: unknown) => {
      const problem = asProblem(error);
      const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-sallyport-error-code': problem.code };
      response.shouldKeepAlive = false;
      if (response.headersSent) response.destroy();
      else response.writeHead(problem.status, reasonPhrase(problem), headers).end(`${sentenceOf(problem)}\n`);
    });
  }

  /** Checks, limits and audits one connection; `use` gets the addresses and says when it is really open. */
  async #connection(
    socket: Duplex,
    target: EgressTarget | null,
    method: string,
    use: (way: Way, opened: () => Promise<void>) => Promise<Moved>,
  ): Promise<void> {
    const sessionId = this.#owners.get(socket) ?? '';
    const session = await this.#deps.sessions.alive(sessionId);
    if (!session) throw new Problem('session-ended', 403, 'This session has ended.');
    const at = this.#deps.now();
    let address: string | null = null;
    let wasOpened = false;
    const count = this.#open.get(sessionId) ?? 0;
    this.#open.set(sessionId, count + 1);
    try {
      if (count >= CONNECTIONS_PER_SESSION)
        throw new Problem('egress-limit', 429, `This session has ${CONNECTIONS_PER_SESSION} connections out already.`);
      if (!target) throw new Problem('egress-bad-target', 400, 'The proxy takes host:port, or an http:// address.');
      if (!this.#policy.allows(target))
        throw new Problem(
          'egress-refused',
          403,
          `${target.host}:${target.port} is not among the hosts that the operator allows.`,
          {
            next: 'Ask the operator to allow it.',
          },
        );
      const addresses = await this.#addresses.resolve(target);
      address = addresses[0] ?? null;
      const opened = async () => {
        await this.#record(session, 'egress.opened', at, { ...target, address, method });
        this.#deps.metrics().egress('opened');
        wasOpened = true;
      };
      const moved = await use({ target, addresses }, opened);
      await this.#record(session, 'egress.closed', this.#deps.now(), {
        ...target,
        address,
        method,
        durationMs: this.#since(at),
        ...moved,
      });
    } catch (error) {
      const reason = asProblem(error).code;
      const asked = { ...(target ?? { host: null, port: null }), address, method };
      if (!wasOpened) this.#deps.metrics().egress('refused');
      const recorded = wasOpened
        ? this.#record(session, 'egress.closed', this.#deps.now(), { ...asked, durationMs: this.#since(at), reason })
        : this.#record(session, 'egress.refused', at, { ...asked, reason });
      await recorded.catch(() => {});
      throw error;
    } finally {
      const left = this.#open.get(sessionId)! - 1;
      if (left > 0) this.#open.set(sessionId, left);
      else this.#open.delete(sessionId);
    }
  }

  /** Ms. */
  #since(at: Date): number {
    return this.#deps.now().getTime() - at.getTime();
  }

  #record(session: GatewaySession, code: AuditCode, at: Date, detail: Record<string, unknown>): Promise<void> {
    const { actorId, actor, clusterId, clientAddress } = session;
    return this.#deps.audit.record({
      at,
      code,
      actorId,
      actor,
      sessionId: session.id,
      clusterId,
      clientAddress,
      detail,
    });
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

function sentenceOf({ message, next }: Problem): string {
  return next ? `${message} ${next}` : message;
}

/**
 * Of an answer that refuses, kubectl and helm show its reason phrase and nothing of its body: so the phrase is the
 * sentence. RFC 9112, 4: no control characters; others than ASCII are read differently.
 */
function reasonPhrase(problem: Problem): string {
  return sentenceOf(problem)
    .replace(/[^\x20-\x7e]+/g, '?')
    .slice(0, 300);
}

type Way = { target: EgressTarget; addresses: string[] };
type Moved = { sentBytes: number; receivedBytes: number };

/** The first address that answers. Throws Problem `egress-unreachable`. */
async function dial(addresses: readonly string[], port: number): Promise<Socket> {
  let last: unknown;
  for (const address of addresses) {
    try {
      return await new Promise<Socket>((resolve, reject) => {
        const socket = connect({ host: address, port, timeout: DIAL_MS });
        socket.once('connect', () => resolve(socket.setTimeout(0).setNoDelay(true)));
        socket.once('timeout', () => socket.destroy(new Error('no answer')));
        socket.on('error', reject);
      });
    } catch (error) {
      last = error;
    }
  }
  throw new Problem('egress-unreachable', 502, 'The host cannot be reached.', { cause: last });
}

/** The client's ClientHello, whole. Throws Problem `egress-server-name` where it greets somebody else than was asked for. */
async function firstFlight(client: Duplex, head: Buffer, target: EgressTarget): Promise<Buffer> {
  let bytes = head;
  const late = setTimeout(() => client.destroy(), HELLO_MS);
  try {
    for (;;) {
      const hello = readClientHello(bytes);
      if (hello === 'not-tls' || (hello === 'incomplete' && bytes.length > HELLO_MAX))
        throw new Problem('egress-not-tls', 403, 'Through CONNECT only TLS may be spoken.');
      if (hello !== 'incomplete') {
        // For an address no name is sent (RFC 6066, 3).
        const wanted = isIP(target.host) ? null : target.host;
        if (hello.hidden)
          throw new Problem('egress-server-name', 403, 'A TLS server name that is encrypted (ECH) is refused.', {
            next: 'Switch Encrypted Client Hello off in the client.',
          });
        if (hello.serverName?.replace(/\.$/, '') === wanted || (wanted === null && hello.serverName === null))
          return bytes;
        throw new Problem('egress-server-name', 403, `The TLS server name is not ${target.host}.`);
      }
      bytes = Buffer.concat([bytes, await nextChunk(client)]);
    }
  } finally {
    clearTimeout(late);
  }
}

function nextChunk(stream: Duplex): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const gone = () => reject(new Problem('egress-client-gone', 400, 'The client closed the connection.'));
  const read = () => {
    const chunk = stream.read() as Buffer | null;
    if (chunk !== null) resolve(chunk);
  };
  stream.on('readable', read).once('close', gone).once('end', gone);
  read();
  return promise.finally(() => stream.off('readable', read).off('close', gone).off('end', gone));
}

/** Bytes both ways until both ends are done. */
async function join(client: Duplex, remote: Socket): Promise<Moved> {
  const moved = { sentBytes: 0, receivedBytes: 0 };
  remote.setTimeout(IDLE_MS, () => remote.destroy());
  const ends = [client, remote].map(
    (end) =>
      new Promise<void>((resolve) => {
        if (end.destroyed) resolve();
        else end.once('close', resolve);
      }),
  );
  client.once('close', () => remote.destroy());
  remote.once('close', () => client.end());
  passStream(client, remote, (chunk) => {
    moved.sentBytes += chunk.length;
    return null;
  });
  passStream(remote, client, (chunk) => {
    moved.receivedBytes += chunk.length;
    return null;
  });
  await ends[1];
  // What is under way to a slow client is given a moment.
  setTimeout(() => client.destroy(), FLUSH_MS).unref();
  await ends[0];
  return moved;
}

function passPlain(incoming: IncomingMessage, response: ServerResponse, way: Way, url: URL): Promise<Moved> {
  const { promise, resolve, reject } = Promise.withResolvers<Moved>();
  const moved = { sentBytes: 0, receivedBytes: 0 };
  const headers = ['host', url.host, ...plainHeaders(incoming)];
  const outgoing = httpRequest({
    host: way.addresses[0],
    port: way.target.port,
    method: incoming.method,
    path: url.pathname + url.search,
    agent: false,
    timeout: IDLE_MS,
    headers,
  });
  const failed = (cause: unknown) =>
    reject(new Problem('egress-unreachable', 502, 'The host cannot be reached.', { cause }));
  outgoing.on('error', failed);
  outgoing.on('timeout', () => outgoing.destroy());
  outgoing.on('upgrade', (_, socket) => socket.destroy());
  let answered = false;
  outgoing.once('close', () => {
    if (!answered) failed(new Error('it closed the connection'));
  });
  response.once('close', () => {
    outgoing.destroy();
    resolve(moved);
  });
  outgoing.once('response', (answer) => {
    const line = finalStatus(answer);
    if (!line) return void outgoing.destroy(new Error(NO_ANSWER));
    answered = true;
    answer.on('data', (chunk: Buffer) => (moved.receivedBytes += chunk.length));
    answer.on('error', () => response.destroy());
    response.writeHead(line.status, line.reason, forwardedResponseHeaders(answer.rawHeaders));
    answer.pipe(response);
  });
  incoming.on('data', (chunk: Buffer) => (moved.sentBytes += chunk.length));
  incoming.pipe(outgoing);
  return promise;
}

function plainHeaders(incoming: IncomingMessage): string[] {
  const kept = forwardedRequestHeaders(incoming.rawHeaders);
  // To a server of the person's own choice their credentials for it do go; the proxy's own do not.
  if (incoming.headers.authorization) kept.push('authorization', incoming.headers.authorization);
  if (incoming.headers['transfer-encoding'] !== undefined) kept.push('transfer-encoding', 'chunked');
  return kept;
}

function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('internal', 500, 'Something went wrong in the portal.');
}
