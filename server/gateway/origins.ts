/**
 * The proxy domain: which label a request is for, whether it comes from a page of that origin, and what answers there: the
 * portal's own pages of entry, a service or a pod, or what a link opens. The portal itself is never among it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { correlationOf } from '../correlation.ts';
import { Problem } from '../domain/problem.ts';
import { internalProblem } from '../domain/shared-problems.ts';
import { foreignPageRefusal } from '../domain/own-page.ts';
import { ENTRY_PATH, isLinkLabel, labelOf, onCluster, originOf, type ProxyDomain } from '../domain/service-origin.ts';
import { toProblem } from './api-call.ts';
import type { ApiServer } from './api-server.ts';
import { answerProblem } from './kube-error.ts';
import type { LinkApp, OpenedLink } from './link-app.ts';
import { enteredAt, originDoor, type OriginDoorDeps } from './origin-door.ts';
import type { OriginEntry } from './origin-entry.ts';
import { answerOnSocket } from './upgrade.ts';
import { showsPage } from './shows-page.ts';

export type OriginsDeps = OriginDoorDeps & {
  domain: ProxyDomain;
  /** Of the portal. */
  portal: string;
  api: Pick<ApiServer, 'request' | 'upgrade'>;
  entry: Pick<OriginEntry, 'answer'>;
  app: LinkApp;
  /** What a link that stands opens; null where it is none. */
  opened(sessionId: string): Promise<OpenedLink | null>;
  errorDocs: string;
  onFault(error: unknown): void;
};

/** At a link's origin the clusters are where the gateway has them. */
const API = /^\/k8s\/([a-z0-9-]{1,63})(\/.*|\?.*|)$/s;

export class Origins {
  readonly #deps: OriginsDeps;
  readonly #portalHost: string;

  constructor(deps: OriginsDeps) {
    this.#deps = deps;
    this.#portalHost = new URL(deps.portal).host;
  }

  /** Null: the request is none for the proxy domain. */
  labelOf(incoming: IncomingMessage): string | null {
    return labelOf(incoming.headers.host, this.#deps.domain, this.#portalHost);
  }

  request(incoming: IncomingMessage, response: ServerResponse, label: string): void {
    this.#request(incoming, response, label).catch((error: unknown) => {
      answerProblem(response, this.#asProblem(error), this.#context(incoming));
    });
  }

  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, label: string): void {
    socket.on('error', () => {});
    this.#upgrade(incoming, socket, head, label).catch((error: unknown) =>
      answerOnSocket(incoming, socket, (response) =>
        answerProblem(response, this.#asProblem(error), this.#context(incoming)),
      ),
    );
  }

  async #request(incoming: IncomingMessage, response: ServerResponse, label: string): Promise<void> {
    this.#ownPage(incoming, label, false);
    const target = incoming.url ?? '';
    if (target.startsWith(ENTRY_PATH)) return this.#deps.entry.answer(incoming, response, label);
    if (isLinkLabel(label) && !API.test(target)) {
      const entered = await enteredAt(this.#deps, label, incoming).catch(() => null);
      this.#deps.app(incoming, response, entered && (await this.#deps.opened(entered.claims.sessionId)));
      return;
    }
    const found = await this.#find(incoming, label).catch((error: unknown) => {
      // Somebody who comes by a bookmark is led to where they are let in.
      if (isLinkLabel(label) || !showsPage(incoming) || !isUnknown(error)) throw error;
      return null;
    });
    if (found) {
      incoming.url = found.target;
      return this.#deps.api.request(incoming, response, found.door);
    }
    const query = new URLSearchParams({ open: label, path: target });
    response.writeHead(303, { location: `${this.#deps.portal}/services?${query}`, 'cache-control': 'no-store' });
    response.end();
    incoming.resume();
  }

  async #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, label: string): Promise<void> {
    this.#ownPage(incoming, label, true);
    const { door, target } = await this.#find(incoming, label);
    incoming.url = target;
    this.#deps.api.upgrade(incoming, socket, head, door);
  }

  /** Who is let in, and what they ask of the cluster. Throws the Problem to answer with. */
  async #find(incoming: IncomingMessage, label: string) {
    const entered = await enteredAt(this.#deps, label, incoming);
    const target = incoming.url ?? '';
    if (entered.prefix !== null) {
      const door = originDoor(this.#deps, entered, null);
      // Visits are few, and a session that has ended is told on a page of the portal's.
      if (showsPage(incoming)) await door.enter(incoming);
      return { door, target: onCluster(entered.prefix, target) };
    }
    const [, cluster, rest] = API.exec(target) ?? [];
    if (cluster === undefined || rest === undefined) throw nothingHere();
    return { door: originDoor(this.#deps, entered, cluster), target: rest.startsWith('/') ? rest : `/${rest}` };
  }

  /** Throws Problem `cross-origin`. */
  #ownPage({ method, headers }: IncomingMessage, label: string, upgrade: boolean): void {
    const first = (name: string) => headers[name]?.toString();
    const refused = foreignPageRefusal(
      {
        method: method ?? '',
        upgrade,
        origin: headers.origin,
        site: first('sec-fetch-site'),
        mode: first('sec-fetch-mode'),
        dest: first('sec-fetch-dest'),
      },
      originOf(label, this.#deps.domain),
    );
    if (refused) throw toProblem(refused);
  }

  #asProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    this.#deps.onFault(error);
    return internalProblem(error);
  }

  #context(incoming: IncomingMessage) {
    return { request: null, correlation: correlationOf(incoming), auditId: null, errorDocs: this.#deps.errorDocs };
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof Problem && error.status === 401;
}

function nothingHere(): Problem {
  return new Problem('not-found', 404, 'There is nothing here: clusters are at /k8s/<cluster>/.', {
    next: 'Use an address that the link opens.',
  });
}
