/** 100 MiB of output: how fast it reaches the client, and that it is the same there and in the recording. */
import { createHash, type Hash } from 'node:crypto';
import { decodeRecords, RecordKind } from '../../protocol/log.ts';
import { interleave, openPeer, openShell, type Bench, type Shell } from '../context.ts';
import type { Measurement } from '../figure.ts';
import { median } from '../statistics.ts';

const BYTES = 100 * 1024 * 1024;
const SAMPLE_BYTES = 4 * 1024 * 1024;
/** Numbers of nine digits with a newline each: no two lines are alike, so that a gap or a double changes the sum. */
const FIRST = 100_000_000;
const LINE_BYTES = 10;
const START = 'output starts\n';

export async function output(bench: Bench): Promise<Measurement[]> {
  const bytes = Math.floor((bench.sample ? SAMPLE_BYTES : BYTES) / LINE_BYTES) * LINE_BYTES;
  const expected = sum(bytes);
  await using shell = await openShell(bench.portal, bench);
  await using peer = await openPeer(await bench.ttyd());
  const rates = { ours: [] as number[], peer: [] as number[] };
  let equal = true;
  const side = (of: Pick<Shell, 'terminal' | 'reader'>, into: number[]) => async () => {
    const { seconds, digest } = await print(of, bytes);
    into.push(bytes / 1e6 / seconds);
    equal &&= digest === expected;
  };
  await interleave(bench.rounds, side(shell, rates.ours), side(peer, rates.peer));
  const recorded = await recordedSums(bench, shell.session, bytes);
  equal &&= recorded.length === bench.rounds && recorded.every((digest) => digest === expected);
  return [
    {
      name: 'output rate',
      unit: 'MB/s',
      ours: median(rates.ours),
      peerName: 'ttyd',
      peer: median(rates.peer),
      target: { kind: 'ratio-at-least', value: 1.2 },
      proof: { what: 'SHA-256 equal at the client and in the recording', ok: equal },
    },
  ];
}

/** Without the terminal's own newline translation the client sees what the program wrote, byte for byte. */
async function print({ terminal, reader }: Pick<Shell, 'terminal' | 'reader'>, bytes: number) {
  await reader.run('stty -opost');
  const chunks: Buffer[] = [];
  let received = 0;
  let started = false;
  let head = '';
  const { promise: complete, resolve, reject } = Promise.withResolvers<void>();
  const restore = reader.divert((chunk) => {
    if (!started) {
      head += chunk.toString('latin1');
      const at = head.indexOf(START);
      if (at < 0) return;
      started = true;
      chunk = Buffer.from(head.slice(at + START.length), 'latin1');
    }
    chunks.push(chunk);
    received += chunk.length;
    if (received >= bytes) resolve();
  });
  const timer = setTimeout(() => reject(new Error(`only ${received} of ${bytes} bytes came within 120 s`)), 120_000);
  const begun = performance.now();
  // The marker is put together by the shell, so that its echo on the command line is not the marker.
  terminal.write(`printf 'output %s\\n' starts; seq ${FIRST} ${FIRST + bytes / LINE_BYTES - 1}; stty opost\r`);
  await complete.finally(() => clearTimeout(timer));
  const seconds = (performance.now() - begun) / 1000;
  restore();
  reader.forget();
  terminal.write('\r');
  await reader.until(/\$ |# /);
  const hash = createHash('sha256');
  digest(hash, chunks, bytes);
  return { seconds, digest: hash.digest('hex') };
}

/** What each round left in the recording, by the same markers. */
async function recordedSums(bench: Bench, session: string, bytes: number): Promise<string[]> {
  const log = await bench.portal.bytes(`/api/v1/sessions/${session}/recording`);
  const written = decodeRecords(log).records.filter((record) => record.kind === RecordKind.output);
  const text = Buffer.concat(written.map((record) => record.data));
  const sums: string[] = [];
  for (let at = text.indexOf(START); at >= 0; at = text.indexOf(START, at + START.length + bytes)) {
    const from = at + START.length;
    sums.push(
      createHash('sha256')
        .update(text.subarray(from, from + bytes))
        .digest('hex'),
    );
  }
  return sums;
}

function digest(hash: Hash, chunks: Buffer[], bytes: number): void {
  let left = bytes;
  for (const chunk of chunks) {
    hash.update(chunk.subarray(0, left));
    left -= Math.min(left, chunk.length);
  }
}

function sum(bytes: number): string {
  const hash = createHash('sha256');
  const lines: string[] = [];
  for (let number = FIRST; number < FIRST + bytes / LINE_BYTES; number += 1) {
    lines.push(`${number}\n`);
    if (lines.length === 10_000) hash.update(lines.splice(0).join(''));
  }
  return hash.update(lines.join('')).digest('hex');
}
