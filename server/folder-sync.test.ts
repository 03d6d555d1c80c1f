/**
 * What SALLYPORT_FSYNC promises: when something counts as kept, its bytes are on the disk, and so are the names of its
 * file and of its new folders. Seen in Node's own trace of the calls that it makes (`node.fs.async`); nothing is replaced.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordingFacts } from './domain/recording.harness.ts';
import { recordingFolder } from './domain/recording.ts';

type TraceEvent = { cat: string; ph: string; name: string; ts: number; args: { path?: string } };

let folder: string;
let dataDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-fsync-'));
  dataDir = join(folder, 'data');
  await mkdir(dataDir);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the fixture opened (within the data folder), wrote and flushed, and where it was told that something is kept. */
async function traced(what: 'journal' | 'recording', setting: 'on' | 'off'): Promise<string[]> {
  const file = join(folder, 'trace.json');
  const trace = ['--trace-event-categories=node.fs.async', `--trace-event-file-pattern=${file}`];
  const fixture = join(import.meta.dirname, 'folder-sync.fixture.ts');
  await promisify(execFile)(process.execPath, [...trace, fixture, what, dataDir, setting]);
  const { traceEvents } = JSON.parse(await readFile(file, 'utf8')) as { traceEvents: TraceEvent[] };
  return traceEvents
    .filter(({ cat, ph }) => cat.includes('node.fs.async') && ph === 'b')
    .sort((a, b) => a.ts - b.ts)
    .flatMap(({ name, args: { path } }) => {
      if (path !== undefined && !path.startsWith(dataDir)) return [];
      if (name === 'open') return [`open ${relative(dataDir, path!) || '.'}`];
      if (name === 'stat') return ['told'];
      return /^(write|writev|fsync|fdatasync)$/.test(name) ? [name.replace('writev', 'write')] : [];
    });
}

test('the journal: a line, and the name of each segment', async () => {
  expect(await traced('journal', 'on')).toEqual([
    'open audit/0000000001.jsonl',
    'open audit',
    'fsync',
    'write',
    'fdatasync',
    'told',
    'open audit/0000000002.jsonl',
    'open audit',
    'fsync',
    'write',
    'fdatasync',
    'told',
  ]);
});

test('a recording: its header, its log, and every folder up to the data folder', async () => {
  const [year, month, session] = recordingFolder(recordingFacts).split('/');
  const at = `recordings/${year}/${month}/${session}`;
  expect(await traced('recording', 'on')).toEqual([
    `open ${at}/meta.json`,
    'write',
    'fsync',
    `open ${at}/log`,
    `open ${at}`,
    'fsync',
    `open recordings/${year}/${month}`,
    'fsync',
    `open recordings/${year}`,
    'fsync',
    'open recordings',
    'fsync',
    'open .',
    'fsync',
    'told',
    'write',
    'fdatasync',
    'told',
  ]);
});

test.each(['journal', 'recording'] as const)('a %s waits for no disk where it is off', async (what) => {
  const calls = await traced(what, 'off');
  expect(calls).toContain('told');
  expect(calls.filter((call) => /sync/.test(call))).toEqual([]);
});
