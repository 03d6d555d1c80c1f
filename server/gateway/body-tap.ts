/** What the audit log keeps of a write's body: the bytes as they stream by, then the object without its secrets. */
import type { IncomingMessage } from 'node:http';
import { parseDocument } from 'yaml';
import { type AuditBody, maskedBody } from '../domain/audit-body.ts';
import { objectHead } from '../domain/kube-protobuf.ts';
import type { KubeRequest } from '../domain/kube-request.ts';

/** A larger one is not kept in part: half an object says nothing certain. */
const MOST_BYTES = 64 * 1024;

const JSON_TYPE = /^application\/((json|merge|strategic-merge)-patch\+)?json$/;
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const YAML_TYPE = /^application\/(apply-patch\+)?yaml$/;

export class BodyTap {
  readonly #request: KubeRequest;
  readonly #headers: IncomingMessage['headers'];
  readonly #masked: readonly string[];
  #chunks: Buffer[] = [];
  #size = 0;

  /** @param masked paths that an operator names: see maskedBody. */
  constructor(request: KubeRequest, { headers }: IncomingMessage, masked: readonly string[]) {
    this.#request = request;
    this.#headers = headers;
    this.#masked = masked;
  }

  add(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size <= MOST_BYTES) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  /** Null where there was none. `complete`: whether all of it came. */
  kept(complete: boolean): AuditBody | null {
    if (this.#size === 0) return null;
    const why = this.#leftOut(complete);
    if (why) return { bodyLeftOut: why };
    const bytes = Buffer.concat(this.#chunks);
    if (this.#type === PROTOBUF_TYPE) {
      const head = objectHead(bytes);
      return {
        ...(head ? { body: maskedBody(head, this.#request, this.#masked) } : {}),
        bodyLeftOut: 'of protobuf only which object it is',
      };
    }
    const text = bytes.toString('utf8');
    const value = parse(text, YAML_TYPE.test(this.#type));
    if (value === undefined) return { bodyLeftOut: 'it does not parse' };
    return { body: maskedBody(value, this.#request, this.#masked) };
  }

  get #type(): string {
    return (this.#headers['content-type'] ?? 'application/json').split(';', 1)[0]!.trim().toLowerCase();
  }

  #leftOut(complete: boolean): string | null {
    const encoding = this.#headers['content-encoding'];
    if (!this.#request.isResource || this.#request.subresource === 'proxy') return 'it is no object of the API';
    if (encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity') return 'it is encoded';
    if (![JSON_TYPE, YAML_TYPE].some((form) => form.test(this.#type)) && this.#type !== PROTOBUF_TYPE)
      return 'it is neither JSON, YAML nor protobuf';
    if (this.#size > MOST_BYTES) return `it is longer than ${MOST_BYTES} bytes`;
    return complete ? null : 'not all of it came';
  }
}

/** Undefined where it does not parse. Clients send server-side apply as YAML that is JSON. */
function parse(text: string, yaml: boolean): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    if (!yaml) return undefined;
  }
  try {
    const document = parseDocument(text, { merge: false, uniqueKeys: false, logLevel: 'silent' });
    if (document.errors.length > 0) return undefined;
    // An alias could make much out of little, or hide one key behind another.
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch {
    return undefined;
  }
}
