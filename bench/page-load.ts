/** Reads pages over and over, two at a time: the child process of the figure `render`. */
import { setPriority } from 'node:os';

const READERS = 2;
const [url] = process.argv.slice(2);

// The readers stand for people's own machines; they must not take the processor from what is measured.
setPriority(19);

async function read(): Promise<never> {
  for (;;) {
    const response = await fetch(url!, { headers: { authorization: process.env['BENCH_AUTHORIZATION']! } });
    await response.arrayBuffer();
    if (response.status >= 500) throw new Error(`${url} answered ${response.status}`);
    process.send!('rendering');
  }
}

await Promise.all(Array.from({ length: READERS }, read));
