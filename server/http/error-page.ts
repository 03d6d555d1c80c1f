/** What an error's code means, as a page: the row of docs/errors.md, which ships with the portal. */
import { readFileSync } from 'node:fs';
import { plainPage } from './plain-page.ts';

/** `| \`code\` | status | means | what to do |` */
const ROW = /^\| `([a-z-]+)` *\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm;

const text = (cell: string) => cell.trim().replaceAll('`', '');

const rows = new Map(
  [...readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').matchAll(ROW)].map(
    ([, code, status, means, next]) => [code!, { status: text(status!), means: text(means!), next: text(next!) }],
  ),
);

export function errorPage(code: string): { body: string; csp: string; found: boolean } {
  const row = rows.get(code);
  if (!row) return { ...plainPage('No such error', 'The portal answers with no such code.'), found: false };
  const next = row.next ? ` What to do: ${row.next}.` : '';
  return { ...plainPage(code, `Status ${row.status}. It means: ${row.means}.${next}`), found: true };
}
