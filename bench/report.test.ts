import { describe, expect, it } from 'vitest';
import { judge, type Measurement } from './figure.ts';
import { table, withTable } from './report.ts';

const echo: Measurement = {
  name: 'echo p50',
  unit: 'ms',
  ours: 0.5,
  peerName: 'ttyd',
  peer: 1,
  target: { kind: 'ratio-at-most', value: 1 },
};

describe('judge', () => {
  it.each([
    [{ ...echo }, 0.5, true],
    [{ ...echo, ours: 1.01 }, 1.01, false],
    [{ ...echo, target: { kind: 'ratio-at-least', value: 1.2 }, ours: 1.3 }, 1.3, true],
    [{ ...echo, target: { kind: 'ratio-at-least', value: 1.2 }, ours: 1.1 }, 1.1, false],
    [{ ...echo, peer: null, peerName: null, target: { kind: 'at-most', value: 300 }, ours: 300 }, null, true],
    [{ ...echo, peer: null, peerName: null, target: { kind: 'at-most', value: 300 }, ours: 301 }, null, false],
    [{ ...echo, proof: { what: 'equal', ok: false } }, 0.5, false],
    [{ ...echo, peer: 0 }, null, false],
  ] as [Measurement, number | null, boolean][])('%o', (measurement, ratio, holds) => {
    const figure = judge(measurement);
    expect(figure.ratio === null ? null : Number(figure.ratio.toFixed(2))).toBe(ratio);
    expect(figure.holds).toBe(holds);
  });
});

describe('table', () => {
  it('has one aligned line for each figure and names a failed proof', () => {
    const lines = table([judge(echo), judge({ ...echo, name: 'output', proof: { what: 'equal', ok: false } })]).split(
      '\n',
    );
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[2]).toContain('0.50 ms');
    expect(lines[2]).toContain('1.0 ms (ttyd)');
    expect(lines[3]).toContain('no: not equal');
  });
});

describe('withTable', () => {
  it('replaces what stands between the markers, and only that; a second time changes nothing', () => {
    const document = 'before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n';
    const once = withTable(document, 'new');
    expect(once).toBe('before\n<!-- figures -->\n\nnew\n\n<!-- /figures -->\nafter\n');
    expect(withTable(once, 'new')).toBe(once);
    expect(() => withTable('no markers', 'new')).toThrow('markers');
  });
});
