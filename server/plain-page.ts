/** A page without web: words, and a policy that lets nothing but its own style run. */
import { createHash } from 'node:crypto';

const STYLE =
  ':root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto 0;padding:0 1rem}h1{font-size:1.25rem}';
/** The same for what is longer than a few words. */
const LONG_STYLE = `${STYLE}body{margin:8vh auto;overflow-wrap:break-word}h2{font-size:1rem;margin:1.5em 0 .25em}h2+p{margin-top:0}code{font:.875em ui-monospace,monospace}ul{padding-left:1.25rem}button{font:inherit;padding:.375rem 1rem}table{display:block;overflow-x:auto;border-collapse:collapse;overflow-wrap:normal}td,th{text-align:left;vertical-align:top;padding:.25rem 1rem .25rem 0}td{border-top:1px solid #8884}`;

export type Page = { body: string; csp: string };

export function plainPage(title: string, words: string): Page {
  return page(title, `<p>${escapeHtml(words)}</p>`, STYLE);
}

/** @param html of our own making: nothing in it is escaped any more. */
export function longPage(title: string, html: string): Page {
  return page(title, html, LONG_STYLE);
}

function page(title: string, html: string, style: string): Page {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)} · Sallyport</title><style>${style}</style><main><h1>${escapeHtml(title)}</h1>${html}</main></html>\n`;
  const hash = createHash('sha256').update(style).digest('base64');
  const csp = `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'; base-uri 'none'`;
  return { body, csp };
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
