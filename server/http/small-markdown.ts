/**
 * The few forms of Markdown that docs/errors/ is written in, as HTML: headings, paragraphs, lists, tables, bold, code,
 * and links to another of its files. Everything else, HTML above all, is text.
 */
import { escapeHtml } from '../plain-page.ts';

/** The title, and the HTML of what follows it. */
export function renderMarkdown(source: string): { title: string; html: string } {
  const blocks = source
    .replace(/\r\n?/g, '\n')
    .split(/\n{2,}/)
    .map((block) => block.trim())
    .filter((block) => block !== '');
  const title = /^# (.*)$/.exec(blocks[0] ?? '')?.[1];
  const rest = title === undefined ? blocks : blocks.slice(1);
  return { title: title ?? '', html: rest.map(blockOf).join('') };
}

function blockOf(block: string): string {
  const lines = block.split('\n');
  const heading = /^(#{1,3}) (.*)$/.exec(block);
  if (heading) return `<h${heading[1]!.length}>${inline(heading[2]!)}</h${heading[1]!.length}>`;
  if (lines.every((line) => line.startsWith('- ')))
    return `<ul>${lines.map((line) => `<li>${inline(line.slice(2))}</li>`).join('')}</ul>`;
  if (lines.length > 1 && lines.every((line) => line.startsWith('|')) && /^\|[ :|-]+$/.test(lines[1]!))
    return `<table>${row(lines[0]!, 'th')}${lines
      .slice(2)
      .map((line) => row(line, 'td'))
      .join('')}</table>`;
  return `<p>${inline(lines.join(' '))}</p>`;
}

function row(line: string, cell: 'th' | 'td'): string {
  const cells = line.replace(/^\||\|\s*$/g, '').split(/(?<!\\)\|/);
  return `<tr>${cells.map((text) => `<${cell}>${inline(text.trim().replaceAll('\\|', '|'))}</${cell}>`).join('')}</tr>`;
}

/** One pass over the text, so that nothing that was written as HTML is looked at again. */
const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\][]+)\]\(([^()\s]+)\)/g;

function inline(text: string): string {
  let out = '';
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    out += escapeHtml(text.slice(at, match.index));
    at = match.index + match[0].length;
    const [, code, bold, label, target] = match;
    if (code !== undefined) out += `<code>${escapeHtml(code)}</code>`;
    else if (bold !== undefined) out += `<strong>${escapeHtml(bold)}</strong>`;
    else out += link(label!, target!);
  }
  return out + escapeHtml(text.slice(at));
}

/** Only within the folder: whoever can write a file there cannot send people elsewhere. */
function link(label: string, target: string): string {
  const file = /^(README|[a-z][a-z-]*)\.md$/.exec(target)?.[1];
  // `code` is all that a label is made of besides words.
  const text = escapeHtml(label).replace(/`([^`]+)`|&#96;([^&]+)&#96;/g, '<code>$1$2</code>');
  return file === undefined ? text : `<a href="/docs/errors/${file === 'README' ? '' : file}">${text}</a>`;
}
