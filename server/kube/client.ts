/** The portal's own calls to a cluster: JSON in, JSON out, bounded in time and size, errors in words. */
import { request } from 'node:https';
import type { z } from 'zod';
import { printable } from '../domain/printable.ts';
import { Problem } from '../domain/problem.ts';
import type { ApiEndpoint } from './connection.ts';
import { unreachable } from '../domain/unreachable.ts';

export type KubeResponse = { status: number; body: unknown };

export type KubeCall = {
  method: 'GET' | 'POST' | 'DELETE';
  /** From `/api…` on, with its query. */
  path: string;
  body?: unknown;
  /** Default: JSON. */
  accept?: string;
  /** Under which both audit logs have it; without one the cluster makes one up. */
  auditId?: string;
  signal?: AbortSignal;
  /** Milliseconds for the whole call; default 10 s. */
  timeoutMs?: number;
};

const DEFAULT_TIMEOUT_MS = 10_000;
/** The portal asks for its own few objects: an answer past this is not one of them. */
const MAX_BODY = 8 * 1024 * 1024;
/** Characters of a cluster's own words that are shown: a Status says which account lacks what in less. */
const MAX_WORDS = 500;

export class KubeClient {
  readonly #endpoint: ApiEndpoint;
  readonly #authorization: string | null;
  readonly #cluster: string;

  constructor(to: { name: string; portal: { endpoint: ApiEndpoint; authorization: string | null } }) {
    this.#endpoint = to.portal.endpoint;
    this.#authorization = to.portal.authorization;
    this.#cluster = to.name;
  }

  /**
   * Any status is an answer; throws Problem `cluster-unreachable`, `cluster-tls`, `cluster-timeout` or
   * `address-refused` where none came, and the signal's reason when aborted.
   */
  async send(call: KubeCall): Promise<KubeResponse> {
    const deadline = AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const signal = call.signal ? AbortSignal.any([call.signal, deadline]) : deadline;
    try {
      return await this.#exchange(call, signal);
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw unreachable(this.#cluster, error);
    }
  }

  /** The body of a 2xx answer. Throws as {@link send}, and Problem `cluster-refused` for any other status not in `accept`. */
  async json<T>(call: KubeCall, accept: readonly number[] = []): Promise<T> {
    const { status, body } = await this.send(call);
    if ((status >= 200 && status < 300) || accept.includes(status)) return body as T;
    const message = (body as { message?: unknown } | null)?.message;
    const words =
      typeof message === 'string' ? `: ${printable(message.slice(0, MAX_WORDS)).replace(/\.?$/, '.')}` : '.';
    throw new Problem(
      'cluster-refused',
      502,
      `The cluster ${this.#cluster} answered ${status} to ${call.method} ${pathOf(call)}${words}`,
      {
        next: nextAfter(status),
        meta: { cluster: this.#cluster, status: String(status) },
      },
    );
  }

  /** The body of a 2xx answer, as the schema has it. Throws as {@link json}, also where it is something else. */
  async read<T>(schema: z.ZodType<T>, call: KubeCall): Promise<T> {
    const parsed = schema.safeParse(await this.json<unknown>(call));
    if (parsed.success) return parsed.data;
    throw new Problem(
      'cluster-refused',
      502,
      `The cluster ${this.#cluster} answered ${call.method} ${pathOf(call)} as no Kubernetes API server does.`,
      {
        next: 'Check that the address that the cluster is registered with is its API server.',
        meta: { cluster: this.#cluster },
        cause: parsed.error,
      },
    );
  }

  #exchange(call: KubeCall, signal: AbortSignal): Promise<KubeResponse> {
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    const headers: Record<string, string | number> = {
      accept: call.accept ?? 'application/json',
      'user-agent': 'sallyport',
    };
    if (this.#authorization) headers['authorization'] = this.#authorization;
    if (call.auditId) headers['audit-id'] = call.auditId;
    if (body) Object.assign(headers, { 'content-type': 'application/json', 'content-length': body.length });
    const { hostname, port, basePath, agent } = this.#endpoint;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { hostname, port, agent, method: call.method, path: basePath + call.path, headers, signal },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > MAX_BODY) response.destroy(new Error(`an answer of more than ${MAX_BODY} bytes`));
            else chunks.push(chunk);
          });
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) }),
          );
        },
      );
      outgoing.on('error', reject);
      // Of a server that changes protocols unasked node says no more than these two: the call would wait for ever.
      outgoing.on('upgrade', (_, socket) => socket.destroy());
      outgoing.on('close', () => reject(new Error('it closed the connection')));
      outgoing.end(body);
    });
  }
}

function pathOf({ path }: KubeCall): string {
  return path.replace(/\?.*/, '');
}

/** Error pages of proxies in front of a cluster are not JSON: their text is the message. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 500) };
  }
}

/** What to do about a call of the portal's own that the cluster refused. */
function nextAfter(status: number): string {
  switch (status) {
    case 401:
      return "The portal's credential on the cluster is no longer valid: register the cluster again.";
    case 404:
      return 'Create what is missing on the cluster, or take it out of the role.';
    default:
      return "Compare the portal's permissions on the cluster with its manifest.";
  }
}
