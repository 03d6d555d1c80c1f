/**
 * What a link leads to: an operator's own static web application, at the origin of the link, or, without one, a page that
 * lists what the link opens. The application is the same for everybody and secret to nobody; what it may call is the
 * cookie's to say.
 */
import { getRequestListener } from '@hono/node-server';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';
import { realpathSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative } from 'node:path';
import { escapeHtml, longPage, plainPage } from '../plain-page.ts';

export type LinkApp = (incoming: IncomingMessage, response: ServerResponse, link: OpenedLink | null) => void;

/** What the page without an application shows. */
export type OpenedLink = {
  name: string;
  cluster: string;
  paths: readonly string[];
  verbs: readonly string[];
  expiresAt: Date;
};

/** @param folder of the application; null: there is none. */
export function linkApp(folder: string | null): LinkApp {
  if (folder === null) return ownPage;
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header('x-content-type-options', 'nosniff');
    c.header('x-frame-options', 'DENY');
    c.header('referrer-policy', 'same-origin');
    // Asked for anew: an operator who mends the application wants it used.
    c.header('cache-control', 'no-cache');
  });
  // Dot files are the folder's own, a .git or an editor's copy; what a symbolic link names outside of it is nobody's.
  app.use(async (c, next) => (/\/\./.test(c.req.path) || leaves(folder, c.req.path) ? c.notFound() : next()));
  app.use(serveStatic({ root: folder }));
  app.notFound((c) => {
    const { body, csp } = plainPage('Nothing is here', 'The web application of links has no such file.');
    c.header('content-security-policy', csp);
    return c.html(body, 404);
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (incoming, response) => void listener(incoming, response);
}

function ownPage(incoming: IncomingMessage, response: ServerResponse, link: OpenedLink | null): void {
  const here = incoming.url === '/' || incoming.url?.startsWith('/?');
  const found = here && link !== null;
  const { body, csp } = found
    ? openedPage(link)
    : plainPage('Nothing is here', here ? 'Open the link that you were given.' : 'A link leads to its first page, /.');
  response.writeHead(found ? 200 : 404, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': csp,
    'cache-control': 'no-store',
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  });
  response.end(incoming.method === 'HEAD' ? undefined : body);
}

function openedPage({ name, cluster, paths, verbs, expiresAt }: OpenedLink) {
  const items = paths.map((path) => {
    const address = `/k8s/${cluster}${path}`;
    const text = `<code>${escapeHtml(address)}</code>`;
    return `<li>${/[*?]/.test(path) ? text : `<a href="${escapeHtml(address)}">${text}</a>`}</li>`;
  });
  const until = expiresAt.toISOString().replace('T', ' ').slice(0, 16);
  return longPage(
    name,
    `<p>This browser may call, with the verbs ${escapeHtml(verbs.join(', '))}, until ${until} UTC:</p><ul>${items.join('')}</ul>` +
      '<p>In these, * stands for anything within a part of a path, ** for any parts.</p>',
  );
}

/** Whether a file of the folder really is elsewhere. What is not there leaves nothing. */
function leaves(folder: string, path: string): boolean {
  try {
    return relative(realpathSync(folder), realpathSync(join(folder, path))).startsWith('..');
  } catch {
    return false;
  }
}
