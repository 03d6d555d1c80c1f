/** The portal's REST API and metrics, as a script uses them. */
import type { OpenedSession, Page, Session } from '../server/http/schemas.ts';

export class Portal {
  readonly url: URL;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.url = new URL(url);
    this.#token = token;
  }

  get headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}`, origin: this.url.origin };
  }

  /** Throws with the problem's own words where the answer is not 2xx. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#fetch(method, path, body);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  async bytes(path: string): Promise<Buffer> {
    return Buffer.from(await (await this.#fetch('GET', path)).arrayBuffer());
  }

  open(cluster: string, role: string): Promise<OpenedSession> {
    return this.call('POST', '/api/v1/sessions', { cluster, role, cols: 80, rows: 24 });
  }

  /** Resolves once the session has ended and its row says so. */
  async end(id: string): Promise<void> {
    await this.call('POST', `/api/v1/sessions/${id}/end`);
  }

  async sessions(): Promise<Session[]> {
    return (await this.call<Page<Session>>('GET', '/api/v1/sessions?mine=true')).items;
  }

  /** Sums of the gauges and counters of /metrics by name. */
  async metrics(): Promise<Map<string, number>> {
    const text = (await this.bytes('/metrics')).toString();
    const sums = new Map<string, number>();
    for (const line of text.split('\n')) {
      const found = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)$/.exec(line);
      if (found) sums.set(found[1]!, (sums.get(found[1]!) ?? 0) + Number(found[2]));
    }
    return sums;
  }

  async #fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const response = await fetch(new URL(path, this.url), {
      method,
      headers: { ...this.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? null : JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return response;
  }
}
