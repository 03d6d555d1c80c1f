/** For folder-sync.test.ts, as a child process whose file operations Node traces: `journal` or `recording`, with or without. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeRecord, RecordKind } from '../protocol/log.ts';
import { Journal } from './audit/journal.ts';
import { recordingFacts } from './domain/recording.harness.ts';
import { Recordings } from './recording/recordings.ts';

const [what, dataDir, setting] = process.argv.slice(2) as [string, string, string];
const fsync = setting === 'on';
/** Asks for a file that is not there: its name stands in the trace where something counted as kept. */
const told = () => stat(join(dataDir, 'told')).catch(() => {});

if (what === 'journal') {
  // So small that the second line begins a new segment.
  await using journal = await Journal.open(join(dataDir, 'audit'), { segmentBytes: 1, fsync });
  for (const line of [1, 2]) {
    await journal.append({ line }, 1_000);
    await told();
  }
} else {
  await using recordings = new Recordings({ dataDir, fsync, log: { warn: () => {} } });
  const recorder = await recordings.record(recordingFacts);
  await told();
  const data = Buffer.from('a key');
  const bytes = encodeRecord({ kind: RecordKind.output, time: 1n, data });
  await new Promise<void>((resolve) => recorder.append(bytes, resolve));
  await told();
  await recorder.close();
}
