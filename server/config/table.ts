/** docs/configuration.md's tables, from the variables themselves. `node server/config/table.ts` prints them. */
import { variables, type Variable } from './variables.ts';

export function tableOf(all: Record<string, Variable>): string {
  const sections = Map.groupBy(Object.entries(all), ([, variable]) => variable.section);
  return [...sections]
    .map(([section, rows]) => {
      const lines = rows.map(([name, { says, default: fallback, secret }]) => {
        const word = secret ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``;
        return `| ${word} | ${says} | ${fallback.replaceAll('<', '&lt;')} |`;
      });
      return [
        `## ${section}`,
        '',
        '| variable | what it sets | without it |',
        '| --- | --- | --- |',
        ...lines,
        '',
      ].join('\n');
    })
    .join('\n');
}

if (import.meta.main) process.stdout.write(tableOf(variables));
