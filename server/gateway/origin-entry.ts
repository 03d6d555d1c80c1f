/**
 * The portal's own pages at an origin of the proxy domain, under /.sallyport/: a browser is marked and sent to the portal,
 * and let in with the code that it comes back with; a link shows what it opens, and is redeemed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readCookie } from '../domain/cookie-header.ts';
import { Problem } from '../domain/problem.ts';
import { readBounded } from '../domain/read-bounded.ts';
import { ENTRY_PATH, isLinkLabel, linkLabel } from '../domain/service-origin.ts';
import { escapeHtml, longPage } from '../plain-page.ts';
import { ENTRY_COOKIE } from './origin-door.ts';
import type { CredentialSubject, TokenClaims } from './tokens.ts';

/** The label at which any link may be opened; each leads to its own. */
const ANY_LINK = 'link';
const NONCE_COOKIE = '__Host-sallyport-nonce';
/** From the origin to the portal and back, a sign-in between them included. */
const NONCE_SECONDS = 600;
/** Bytes; a token is much shorter. */
const FORM_MAX = 8 * 1024;

export type Link = {
  name: string;
  maker: string;
  cluster: string;
  paths: readonly string[];
  verbs: readonly string[];
  notBefore: Date;
  expiresAt: Date;
  /** Null: as often as one likes. */
  usesLeft: number | null;
  /** The only one who may open it. */
  recipient: { id: string; email: string } | null;
  landing: string;
};

export type OriginEntryDeps = {
  /** The portal's, `https://portal.example`. */
  portal: string;
  originOf(label: string): string;
  newNonce(): { nonce: string; hash: string };
  /** Throws Problem `entry-refused`. */
  redeem(code: string, nonce: string): Promise<{ sessionId: string; webSessionId: string; path: string }>;
  /** What a session of a service is for; null where it is for none. */
  service(sessionId: string): Promise<{ label: string } | null>;
  links: {
    verify(token: string): Promise<TokenClaims>;
    /** Throws Problem `link-refused` where it is no link that stands. */
    view(sessionId: string): Promise<Link>;
    /** Throws Problem `link-used-up`. */
    spend(sessionId: string): Promise<void>;
  };
  /** The session of the link that this browser has redeemed at that label already; null: none. */
  entered(label: string, incoming: IncomingMessage): Promise<string | null>;
  /** Of a session that stands. Throws Problem `credential-revoked`. */
  subject(sessionId: string): Promise<CredentialSubject>;
  sign: {
    service(subject: CredentialSubject): Promise<{ token: string; expiresAt: Date }>;
    link(subject: CredentialSubject): Promise<{ token: string; expiresAt: Date }>;
  };
  /** On record: a browser was let in, by a code (then its sign-in is known) or by a link alone. */
  note(
    code: 'service.entered' | 'link.redeemed',
    fact: { sessionId: string; webSessionId: string | null; clientAddress: string },
  ): Promise<void>;
  clientAddress(incoming: IncomingMessage): string;
  /** By address: nobody is known yet. Throws Problem `rate-limited`. */
  pace(address: string): Promise<void>;
  now(): Date;
};

export class OriginEntry {
  readonly #deps: OriginEntryDeps;

  constructor(deps: OriginEntryDeps) {
    this.#deps = deps;
  }

  /** Answers a request under /.sallyport/. Throws the Problem to answer with. */
  async answer(incoming: IncomingMessage, response: ServerResponse, label: string): Promise<void> {
    await this.#deps.pace(this.#deps.clientAddress(incoming));
    const url = URL.parse(incoming.url!, 'http://origin.invalid');
    const [step, method] = [url?.pathname.slice(ENTRY_PATH.length), incoming.method];
    const get = method === 'GET' || method === 'HEAD';
    if (step === 'begin' && get) return this.#begin(response, { intent: url!.searchParams.get('intent') ?? '' });
    if (step === 'enter' && get) return this.#enter(incoming, response, label, url!.searchParams.get('code') ?? '');
    if (step === 'link' && get && label === ANY_LINK) return this.#lead(response, url!.searchParams.get('token') ?? '');
    if (step === 'link' && get && isLinkLabel(label))
      return this.#show(incoming, response, label, url!.searchParams.get('token') ?? '');
    if (step === 'link' && method === 'POST' && isLinkLabel(label)) return this.#redeem(incoming, response, label);
    throw new Problem('not-found', 404, 'There is nothing at this address.', {
      next: `Begin at ${this.#deps.portal}.`,
    });
  }

  /** Marks the browser, and sends it to the portal with what it asks for. */
  #begin(response: ServerResponse, ask: { intent: string } | { link: string }): void {
    const { nonce, hash } = this.#deps.newNonce();
    const route = 'intent' in ask ? 'services' : 'links';
    const query = new URLSearchParams({ ...ask, nonce: hash });
    redirect(response, `${this.#deps.portal}/api/v1/${route}/enter?${query}`, [
      cookie(NONCE_COOKIE, nonce, NONCE_SECONDS),
    ]);
  }

  /** With the code that the portal gave: the same browser, at the origin that it was given for. */
  async #enter(incoming: IncomingMessage, response: ServerResponse, label: string, code: string): Promise<void> {
    const { redeem, service, links, subject, sign } = this.#deps;
    const nonce = readCookie(incoming.headers.cookie, NONCE_COOKIE);
    const { sessionId, webSessionId, path } = await redeem(code, nonce ?? '');
    const of = await service(sessionId);
    if ((of?.label ?? linkLabel(sessionId)) !== label)
      throw new Problem('entry-refused', 403, 'This way in is for another address.', {
        next: 'Open it once more from the portal’s own page.',
      });
    const whose = await subject(sessionId);
    if (!of) await links.spend(sessionId);
    const entry = of ? await sign.service(whose) : await sign.link({ ...whose, webSessionId });
    await this.#note(of ? 'service.entered' : 'link.redeemed', { sessionId, webSessionId }, incoming);
    redirect(response, of ? path : (await links.view(sessionId)).landing, [
      this.#entryCookie(entry),
      cookie(NONCE_COOKIE, '', 0),
    ]);
  }

  /** To the address of the link itself, which whoever signs links by a key of their own does not know. */
  async #lead(response: ServerResponse, token: string): Promise<void> {
    const { sessionId } = await this.#deps.links.verify(token);
    const query = new URLSearchParams({ token });
    redirect(response, `${this.#deps.originOf(linkLabel(sessionId))}${ENTRY_PATH}link?${query}`, []);
  }

  /** Consumes nothing: previews of chats fetch it too. */
  async #show(incoming: IncomingMessage, response: ServerResponse, label: string, token: string): Promise<void> {
    const inside = await this.#deps.entered(label, incoming);
    if (inside) return redirect(response, (await this.#deps.links.view(inside)).landing, []);
    const link = await this.#link(label, token);
    const { body, csp } = linkPage(link, token);
    response.writeHead(200, {
      ...HEADERS,
      'content-security-policy': `${csp}; form-action 'self' ${this.#deps.portal}`,
    });
    response.end(body);
  }

  async #redeem(incoming: IncomingMessage, response: ServerResponse, label: string): Promise<void> {
    const form = new URLSearchParams((await readBounded(incoming, FORM_MAX, tooLarge, () => {})).toString('utf8'));
    const token = form.get('token') ?? '';
    const { id, recipient, landing } = await this.#link(label, token);
    // Who somebody is, the portal knows: it looks, and gives a code.
    if (recipient) return this.#begin(response, { link: token });
    const { links, subject, sign } = this.#deps;
    const whose = await subject(id);
    await links.spend(id);
    const entry = await sign.link(whose);
    await this.#note('link.redeemed', { sessionId: id, webSessionId: null }, incoming);
    redirect(response, landing, [this.#entryCookie(entry)]);
  }

  /** Throws the Problem of a token that is none, or of another link's. */
  async #link(label: string, token: string): Promise<Link & { id: string }> {
    const { links, now } = this.#deps;
    const { sessionId } = await links.verify(token);
    if (linkLabel(sessionId) !== label)
      throw new Problem('link-refused', 403, 'This is another link’s address.', {
        next: 'Use the link as it was given.',
      });
    const link = await links.view(sessionId);
    if (now() < link.notBefore)
      throw new Problem('link-early', 403, `This link opens nothing before ${link.notBefore.toISOString()}.`, {
        next: 'Come back then.',
      });
    if (link.usesLeft === 0)
      throw new Problem('link-used-up', 403, 'This link has been used as often as it may be.', {
        next: 'Ask whoever gave it to you for another.',
      });
    return { id: sessionId, ...link };
  }

  #note(
    code: 'service.entered' | 'link.redeemed',
    fact: { sessionId: string; webSessionId: string | null },
    incoming: IncomingMessage,
  ): Promise<void> {
    return this.#deps.note(code, { ...fact, clientAddress: this.#deps.clientAddress(incoming) });
  }

  #entryCookie({ token, expiresAt }: { token: string; expiresAt: Date }): string {
    return cookie(ENTRY_COOKIE, token, (expiresAt.getTime() - this.#deps.now().getTime()) / 1000);
  }
}

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

function linkPage({ name, maker, cluster, paths, verbs, expiresAt, usesLeft, recipient }: Link, token: string) {
  const until = expiresAt.toISOString().replace('T', ' ').slice(0, 16);
  const uses = usesLeft === null ? '' : `<p>It can be opened ${usesLeft === 1 ? 'once' : `${usesLeft} times`}.</p>`;
  const whom = recipient ? `<p>It is for ${escapeHtml(recipient.email)}, who signs in to open it.</p>` : '';
  const list = paths.map((path) => `<li><code>${escapeHtml(path)}</code></li>`).join('');
  return longPage(
    name,
    `<p>${escapeHtml(maker)} lets you make these calls on the cluster <strong>${escapeHtml(cluster)}</strong>, in their name:</p>` +
      `<ul>${list}</ul><p>${escapeHtml(verbs.join(', '))}, until ${until} UTC. Each call is on record.</p>${uses}${whom}` +
      `<form method="post" action="${ENTRY_PATH}link"><input type="hidden" name="token" value="${escapeHtml(token)}"><button>Open</button></form>`,
  );
}

function cookie(name: string, value: string, seconds: number): string {
  return `${name}=${value}; Path=/; Max-Age=${Math.max(0, Math.floor(seconds))}; HttpOnly; Secure; SameSite=Lax`;
}

function redirect(response: ServerResponse, location: string, cookies: string[]): void {
  response.writeHead(303, {
    location,
    'set-cookie': cookies,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  });
  response.end();
}

function tooLarge(): Problem {
  return new Problem('body-too-large', 413, `A form here may have ${FORM_MAX} bytes at most.`);
}
