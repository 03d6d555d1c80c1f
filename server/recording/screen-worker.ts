/**
 * A thread that rebuilds screens, so that no keystroke waits for it. Jobs interleave, each with its own emulator; those
 * of one recording follow each other, since the next starts from the checkpoint that the last one leaves.
 */
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { Screen } from '../domain/recording.ts';
import { checkpointBefore, writeCheckpoint } from './checkpoints.ts';
import { readRecords } from './reader.ts';
import { Replay } from './replay.ts';

/** Rebuilding less than this is quick, and a checkpoint not worth a file. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024;

export type ScreenJob = {
  id: number;
  folder: string;
  /** The recording's initial size. */
  cols: number;
  rows: number;
  upTo: number;
};
export type ScreenAnswer = { id: number; screen: Screen } | { id: number; message: string };

async function rebuild({ folder, cols, rows, upTo }: ScreenJob): Promise<Screen> {
  const from = await checkpointBefore(folder, upTo);
  using replay = new Replay(from?.cols ?? cols, from?.rows ?? rows);
  if (from) await replay.restore(from.snapshot);
  const start = from?.offset ?? 0;
  for await (const { records } of readRecords(join(folder, 'log'), start, upTo)) await replay.records(records);
  const screen = { offset: upTo, cols: replay.cols, rows: replay.rows, snapshot: await replay.snapshot() };
  if (upTo - start >= CHECKPOINT_BYTES) await writeCheckpoint(folder, screen);
  return screen;
}

/** The last job of each recording that has one. */
const running = new Map<string, Promise<void>>();

async function inTurn(job: ScreenJob): Promise<void> {
  const former = running.get(job.folder);
  const done = (former ?? Promise.resolve())
    .then(() => rebuild(job))
    .then(
      (screen) => answer({ id: job.id, screen }),
      (error: unknown) => answer({ id: job.id, message: error instanceof Error ? error.message : String(error) }),
    );
  running.set(job.folder, done);
  await done;
  if (running.get(job.folder) === done) running.delete(job.folder);
}

function answer(message: ScreenAnswer): void {
  parentPort!.postMessage(message);
}

// of this thread alone, on Linux: keystrokes come first where processors are few
setPriority(5);
parentPort!.on('message', (job: ScreenJob) => void inTurn(job));
