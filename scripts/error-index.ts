/** docs/errors/README.md, from the files of the codes beside it. `node scripts/error-index.ts` writes it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../docs/errors');
/** In the folder, and of no code. */
const OTHERS = ['README.md', 'kubectl.md'];

const INTRODUCTION = `# Error codes

Each error has a stable code, an HTTP status, a sentence for people (what happened, what it means) and, where there is something to do, a sentence \`next\`. The REST API answers \`application/problem+json\` (RFC 9457) with \`code\`, \`title\`, \`next\`, \`correlationId\` and \`meta\`; the Kubernetes path answers what kubectl shows, with the headers below; the terminal shows a banner; commands on the server print both sentences.

Each code has a file here, which the portal serves at \`/docs/errors/<code>\`. It says what happened, what it means, what to do next and who can mend it.

On the Kubernetes path each error carries these headers, also where the request could not even be read:

- \`X-Sallyport-Error-Code\`: the code
- \`X-Sallyport-Error-Meta-<fact>\`: what the code’s file lists
- \`X-Correlation-Id\`: joins the answer to the portal’s log and audit log
- \`traceresponse\`: the trace, by W3C Trace Context
- \`Link\` with \`rel="help"\`: the page of the code

What each kubectl makes of them is in [What kubectl shows](kubectl.md).
`;

export type ErrorFile = { code: string; summary: string; status: string; part: string; where: string[]; text: string };

/** Throws where a file lacks what each has. */
export function errorFiles(): ErrorFile[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.md') && !OTHERS.includes(name))
    .map((name) => {
      const text = readFileSync(join(FOLDER, name), 'utf8');
      const fact = (label: string): string => {
        const found = new RegExp(`^- ${label}: (.+)$`, 'm').exec(text)?.[1];
        if (found === undefined) throw new Error(`docs/errors/${name} lacks the line "- ${label}: …"`);
        return found;
      };
      const [, code, summary] = /^# ([a-z-]+)\n\n(.+)\n/.exec(text) ?? [];
      if (code !== name.slice(0, -'.md'.length) || summary === undefined)
        throw new Error(`docs/errors/${name} does not begin with "# ${name.slice(0, -3)}" and one sentence`);
      fact('Who can mend it');
      for (const heading of ['What it means', 'What to do next'])
        if (!new RegExp(`^## ${heading}\n\n\\S`, 'm').test(text))
          throw new Error(`docs/errors/${name} lacks "## ${heading}"`);
      return { code, summary, status: fact('Status'), part: fact('Part'), where: fact('Where').split(', '), text };
    });
}

/** Where a part stands in the index; a new one comes last. */
const PARTS = ['Every request', 'Who asks', 'Users, roles, tokens', 'Clusters', 'Sessions and their sandboxes'];

export function errorIndex(files: ErrorFile[]): string {
  const parts = [
    ...new Set([
      ...PARTS,
      ...files
        .map(({ part }) => part)
        .toSorted()
        .toReversed(),
    ]),
  ];
  const tables = parts.map((part) => {
    const rows = files
      .filter((file) => file.part === part)
      .map(({ code, status, summary }) => `| [\`${code}\`](${code}.md) | ${status} | ${summary} |\n`);
    return `\n## ${part}\n\n| code | status | what happened |\n| --- | --- | --- |\n${rows.join('')}`;
  });
  return INTRODUCTION + tables.join('');
}

if (import.meta.main) writeFileSync(join(FOLDER, 'README.md'), errorIndex(errorFiles()));
