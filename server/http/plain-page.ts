/** A page without web: words, and a policy that lets nothing but its own style run. */
import { createHash } from 'node:crypto';

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:20vh auto 0;padding:0 1rem;color-scheme:light dark}h1{font-size:1.25rem}';
const CSP = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'`;

export function plainPage(title: string, words: string): { body: string; csp: string } {
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)} · Sallyport</title><style>${STYLE}</style><main><h1>${escape(title)}</h1><p>${escape(words)}</p></main></html>\n`;
  return { body, csp: CSP };
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
