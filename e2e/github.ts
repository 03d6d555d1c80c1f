/** GitHub as its documentation describes it, on loopback: its page that asks for consent, and what its API answers. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Answer = { status: number; body: unknown };

export type Github = Disposable & {
  url: string;
  /** By method and path; a test changes them. */
  answers: Record<string, Answer>;
  /** Method and path of each request, in order. */
  calls: string[];
  /** What the code was last exchanged with. */
  exchanged: URLSearchParams;
  /** Everything as at the start. */
  reset(): void;
};

/** One member, Ada, of the organisation Acme and its team platform; the application is called `app`. */
function usual(): Record<string, Answer> {
  return {
    'POST /login/oauth/access_token': { status: 200, body: { access_token: 'gho_x', scope: 'read:org' } },
    'POST /applications/app/token': { status: 200, body: { app: { client_id: 'app' } } },
    'DELETE /applications/app/token': { status: 204, body: null },
    'GET /user': { status: 200, body: { id: 7, login: 'Ada', name: 'Ada L.', email: 'Ada@Example.org' } },
    'GET /user/memberships/orgs': { status: 200, body: [{ organization: { login: 'Acme' } }] },
    'GET /user/teams': { status: 200, body: [{ slug: 'platform', organization: { login: 'Acme' } }] },
  };
}

export async function startGithub(): Promise<Github> {
  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://github');
    github.calls.push(`${request.method} ${url.pathname}`);
    if (url.pathname === '/login/oauth/authorize') {
      // Consent is given at once.
      const back = new URL(url.searchParams.get('redirect_uri')!);
      back.search = String(new URLSearchParams({ code: 'a-code', state: url.searchParams.get('state') ?? '' }));
      return void response.writeHead(302, { location: back.href }).end();
    }
    if (url.pathname === '/login/oauth/access_token') github.exchanged = new URLSearchParams(await text(request));
    const { status, body } = github.answers[`${request.method} ${url.pathname}`] ?? { status: 404, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? '' : JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const github: Github = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers: usual(),
    calls: [],
    exchanged: new URLSearchParams(),
    reset() {
      github.answers = usual();
      github.calls = [];
    },
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
  return github;
}
