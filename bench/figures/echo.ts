/** A key's way: from sending it at bash's prompt to its echo at the client. */
import { interleave, openPeer, openShell, type Bench, type Shell } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { median, percentile } from '../statistics.ts';

/** 5,000 in each of five rounds: fifty samples lie above the 99th percentile of a round. */
const KEYS = 5_000;
const SAMPLE_KEYS = 200;
/** Then the line is emptied: it stays on one row, as what a person types. */
const LINE = 40;

export async function echo(bench: Bench): Promise<Measurement[]> {
  await using shell = await openShell(bench.portal, bench);
  await using peer = await openPeer(await bench.ttyd());
  const keys = bench.sample ? SAMPLE_KEYS : KEYS;
  await typeKeys(shell, SAMPLE_KEYS);
  await typeKeys(peer, SAMPLE_KEYS);
  const rounds = { ours: [] as number[][], peer: [] as number[][] };
  await interleave(
    bench.rounds,
    async () => void rounds.ours.push(await typeKeys(shell, keys)),
    async () => void rounds.peer.push(await typeKeys(peer, keys)),
  );
  return [0.5, 0.99].map((share) => ({
    name: `echo p${share * 100}`,
    unit: 'ms',
    ours: median(rounds.ours.map((round) => percentile(round, share))),
    peerName: 'ttyd',
    peer: median(rounds.peer.map((round) => percentile(round, share))),
    target: { kind: 'ratio-at-most', value: 1 },
  }));
}

/** Types `count` keys, each after the echo of the one before. Ms each. */
export async function typeKeys(
  { terminal, reader }: Pick<Shell, 'terminal' | 'reader'>,
  count: number,
): Promise<number[]> {
  const times: number[] = [];
  while (times.length < count) {
    let echoed: () => void = () => {};
    let key = 0;
    const restore = reader.divert((bytes) => {
      if (bytes.includes(key)) echoed();
    });
    for (let at = 0; at < LINE && times.length < count; at += 1) {
      key = 0x61 + (at % 26);
      const echo = new Promise<void>((resolve) => (echoed = resolve));
      const start = performance.now();
      terminal.write(String.fromCharCode(key));
      await echo;
      times.push(performance.now() - start);
    }
    restore();
    // Ctrl-U empties the line; readline answers by erasing to its end.
    reader.forget();
    terminal.write('\x15');
    await reader.until('\x1b[K');
  }
  return times;
}
