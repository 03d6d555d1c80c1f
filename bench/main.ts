/** `npm run bench -- [NAME…] [--json] [--write] [--sample] [--rounds N]`: the comparisons of docs/performance.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Bench } from './context.ts';
import { judge, type Figure, type Measurement } from './figure.ts';
import { echo } from './figures/echo.ts';
import { flood } from './figures/flood.ts';
import { gateway } from './figures/gateway.ts';
import { gatewayExec } from './figures/gateway-exec.ts';
import { gatewayLoad } from './figures/gateway-load.ts';
import { http2 } from './figures/http2.ts';
import { idle } from './figures/idle.ts';
import { kubectl } from './figures/kubectl.ts';
import { output } from './figures/output.ts';
import { readyCold, readyWarm } from './figures/ready.ts';
import { render } from './figures/render.ts';
import { setUp } from './set-up.ts';
import { table, withTable } from './report.ts';

const FIGURES: Record<string, (bench: Bench) => Promise<Measurement[]>> = {
  echo,
  output,
  'ready-warm': readyWarm,
  'ready-cold': readyCold,
  flood,
  idle,
  kubectl,
  gateway,
  'gateway-load': gatewayLoad,
  'gateway-exec': gatewayExec,
  http2,
  render,
};
const DOCUMENT = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

const USAGE = `npm run bench -- [NAME…] [--json] [--write] [--sample] [--rounds N]

  NAME       only these of ${Object.keys(FIGURES).join(', ')}
  --json     one object instead of the table
  --write    put the table into docs/performance.md
  --sample   prove in a minute that everything can be measured, and judge nothing
  --rounds   of which the median is taken; default 5`;

const { values: flags, positionals: asked } = read();
if (flags.help) {
  console.log(USAGE);
  process.exit(0);
}

const unknown = asked.filter((name) => !(name in FIGURES));
if (unknown.length) {
  console.error(`bench: no figure is called ${unknown.join(', ')}; there are ${Object.keys(FIGURES).join(', ')}`);
  process.exit(2);
}
const rounds = Number(flags.rounds ?? (flags.sample ? 1 : 5));
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error('bench: --rounds takes a whole number from 1');
  process.exit(2);
}

const names = asked.length ? asked : Object.keys(FIGURES);
const figures: Figure[] = [];
const failures: Record<string, string> = {};
{
  await using bench = await setUp({ rounds, sample: flags.sample, say: (line) => console.error(`bench: ${line}`) });
  for (const name of names) {
    bench.say(`${name} …`);
    try {
      figures.push(...(await FIGURES[name]!(bench)).map(judge));
    } catch (error) {
      failures[name] = error instanceof Error ? error.message : String(error);
      bench.say(`${name} could not be measured: ${failures[name]}`);
    }
  }
}
if (flags.json)
  console.log(
    JSON.stringify({ figures: Object.fromEntries(figures.map(({ name, ...rest }) => [name, rest])), failures }),
  );
else console.log(table(figures));
if (flags.write) await writeFile(DOCUMENT, withTable(await readFile(DOCUMENT, 'utf8'), table(figures)));
// Samples show that everything can be measured; only a full run judges.
if (Object.keys(failures).length || (!flags.sample && figures.some((figure) => !figure.holds))) process.exitCode = 1;

function read() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        json: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        sample: { type: 'boolean', default: false },
        rounds: { type: 'string' },
      },
    });
  } catch (error) {
    console.error(`bench: ${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}
