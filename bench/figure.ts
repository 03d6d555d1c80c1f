/** What one comparison yields, and when its target holds. */

export type Unit = 'ms' | 'MB/s' | 'kB' | 'MB' | 'B' | '1/s';

/** A bound on the ratio ours/peer, or on our value alone where there is nothing to compare with. */
export type Target =
  | { kind: 'ratio-at-most'; value: number }
  | { kind: 'ratio-at-least'; value: number }
  | { kind: 'at-most'; value: number }
  /** Shown beside another figure, to explain it. */
  | { kind: 'none' };

export type Measurement = {
  /** `echo p50`; the name of the command-line figure comes first. */
  name: string;
  unit: Unit;
  ours: number;
  /** What it was compared with, in words; null where the target is absolute. */
  peerName: string | null;
  peer: number | null;
  target: Target;
  /** Something else that must be true for the number to count, such as equal checksums; false fails the figure. */
  proof?: { what: string; ok: boolean };
};

export type Figure = Measurement & { ratio: number | null; holds: boolean };

/** Ratio and verdict. The ratio is always ours/peer, so that for times less is better and for rates more is. */
export function judge(measurement: Measurement): Figure {
  const { ours, peer, target } = measurement;
  const ratio = peer === null || peer === 0 ? null : ours / peer;
  return { ...measurement, ratio, holds: within(target, ours, ratio) && (measurement.proof?.ok ?? true) };
}

function within(target: Target, ours: number, ratio: number | null): boolean {
  switch (target.kind) {
    case 'none':
      return true;
    case 'at-most':
      return ours <= target.value;
    case 'ratio-at-most':
      return ratio !== null && ratio <= target.value;
    case 'ratio-at-least':
      return ratio !== null && ratio >= target.value;
  }
}
