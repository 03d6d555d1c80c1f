/**
 * What a sandbox's API stream reaches: TLS is the way to Kubernetes, ended here with the session's own certificate;
 * anything else is a request to the egress proxy. The stream says whose it is: it is the session's own socket.
 */
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { Socket } from 'node:net';
import { sessionEnded } from '../domain/shared-problems.ts';
import type { ApiServer } from './api-server.ts';
import type { ServingCertificate } from './authority.ts';
import type { LiveCalls } from './live-calls.ts';

export type SandboxGatewayDeps = {
  authority: { readonly certificate: string; issueServingCertificate(): Promise<ServingCertificate> };
  api: Pick<ApiServer, 'serve'>;
  egress: { serve(sessionId: string, stream: Duplex): void };
  calls: LiveCalls;
  now(): Date;
};

/** First byte of a TLS record that holds a handshake (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16;
/** A program opens tens of connections; a scanner of our own proxy gets no further than this. */
const CONNECTIONS_PER_SANDBOX = 512;
/** From the connection to the end of the handshake, or to the first byte of a proxy request. */
const GREETING_MS = 10_000;

type Prepared = { context: SecureContext; renewAt: Date };

export class SandboxGateway implements AsyncDisposable {
  readonly #deps: SandboxGatewayDeps;
  readonly #streams = new Map<string, Set<Duplex>>();
  readonly #contexts = new Map<string, Promise<Prepared>>();

  constructor(deps: SandboxGatewayDeps) {
    this.#deps = deps;
  }

  /** PEM, for the kubeconfig in each sandbox. */
  get certificateAuthority(): string {
    return this.#deps.authority.certificate;
  }

  get connections(): number {
    let sum = 0;
    for (const streams of this.#streams.values()) sum += streams.size;
    return sum;
  }

  /** Makes the session's certificate ahead of its first call; the warm pool calls it. Calling it is not required. */
  async prepare(sessionId: string): Promise<void> {
    await this.#context(sessionId);
  }

  /** Takes a stream that the sandbox opened; owns it from here on. Never throws. */
  attach(sessionId: string, stream: Duplex): void {
    const streams = this.#streams.get(sessionId) ?? new Set();
    stream.on('error', () => {});
    // Small answers would wait 40 ms for an acknowledgement (Nagle's algorithm); Unix sockets know nothing of it.
    if (stream instanceof Socket) stream.setNoDelay(true);
    if (streams.size >= CONNECTIONS_PER_SANDBOX) {
      stream.destroy();
      return;
    }
    this.#streams.set(sessionId, streams.add(stream));
    stream.once('close', () => {
      streams.delete(stream);
      if (streams.size === 0 && this.#streams.get(sessionId) === streams) this.#streams.delete(sessionId);
    });
    this.#greet(sessionId, stream);
  }

  /** Ends every call and connection of the session, now; resolves when nothing is left of them. */
  async cut(sessionId: string): Promise<void> {
    const reason = sessionEnded();
    const streams = [...(this.#streams.get(sessionId) ?? [])];
    const cut = this.#deps.calls.cut(sessionId, reason);
    for (const stream of streams) stream.destroy();
    this.#contexts.delete(sessionId);
    await cut;
  }

  #greet(sessionId: string, stream: Duplex): void {
    const late = setTimeout(() => stream.destroy(), GREETING_MS);
    stream.once('close', () => clearTimeout(late));
    const look = () => {
      const first = stream.read() as Buffer | null;
      if (first === null) return;
      stream.off('readable', look);
      stream.unshift(first);
      if (first[0] !== TLS_HANDSHAKE) {
        clearTimeout(late);
        this.#deps.egress.serve(sessionId, stream);
        return;
      }
      this.#context(sessionId).then(
        ({ context }) => this.#secure(sessionId, stream, context, () => clearTimeout(late)),
        () => stream.destroy(),
      );
    };
    stream.on('readable', look);
  }

  #secure(sessionId: string, stream: Duplex, secureContext: SecureContext, greeted: () => void): void {
    if (stream.destroyed) return;
    // h2 offered and not spoken breaks kubectl: http/1.1 is all there is.
    const socket = new TLSSocket(stream as Socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => stream.destroy());
    socket.once('secure', () => {
      greeted();
      this.#deps.api.serve(socket, { sessionId });
    });
  }

  async #context(sessionId: string): Promise<Prepared> {
    const known = this.#contexts.get(sessionId);
    if (known && (await known).renewAt > this.#deps.now()) return known;
    const made = this.#deps.authority.issueServingCertificate().then(({ certificate, key, renewAt }) => ({
      context: createSecureContext({ cert: certificate, key, minVersion: 'TLSv1.2' }),
      renewAt,
    }));
    this.#contexts.set(sessionId, made);
    made.catch(() => this.#contexts.delete(sessionId));
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#streams.keys()].map((sessionId) => this.cut(sessionId)));
  }
}
