/** What an error's code means, as a page: its file in docs/errors/, which ships with the portal. */
import { readdirSync, readFileSync } from 'node:fs';
import { longPage, plainPage, type Page } from '../plain-page.ts';
import { renderMarkdown } from './small-markdown.ts';

const FOLDER = new URL('../../docs/errors/', import.meta.url);

const sources = new Map(
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [name.slice(0, -'.md'.length), readFileSync(new URL(name, FOLDER), 'utf8')]),
);

/** `README` is the index. What is in the folder is found, and nothing else. */
export function errorPage(code: string): Page & { found: boolean } {
  const source = sources.get(code);
  if (source === undefined)
    return { ...plainPage('No such error', 'The portal answers with no such code.'), found: false };
  const { title, html } = renderMarkdown(source);
  const back = code === 'README' ? '' : '<p><a href="/docs/errors/">All codes</a></p>';
  return { ...longPage(title, html + back), found: true };
}
