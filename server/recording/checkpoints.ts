/**
 * Screens kept beside a recording, so that the next one is not rebuilt from the start: `screen-<offset>`, a line of
 * JSON and the snapshot. Losing one costs time, nothing else.
 */
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Screen } from '../domain/recording.ts';

const NAME = /^screen-(\d{1,16})$/;

/** Offsets of the checkpoints in a recording's folder, the last first. */
export async function checkpointOffsets(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  const offsets = names.flatMap((name) => {
    const offset = NAME.exec(name)?.[1];
    return offset === undefined ? [] : [Number(offset)];
  });
  return offsets.sort((a, b) => b - a);
}

/** The last checkpoint that is not past the offset and can be read. */
export async function checkpointBefore(folder: string, upTo: number): Promise<Screen | undefined> {
  for (const offset of await checkpointOffsets(folder)) {
    if (offset > upTo) continue;
    const bytes = await readFile(join(folder, `screen-${offset}`)).catch(() => undefined);
    const end = bytes?.indexOf('\n') ?? -1;
    if (!bytes || end < 0) continue;
    const { cols, rows } = JSON.parse(bytes.toString('utf8', 0, end)) as { cols: number; rows: number };
    return { offset, cols, rows, snapshot: bytes.subarray(end + 1) };
  }
  return undefined;
}

/** Whole or not at all. */
export async function writeCheckpoint(folder: string, { offset, cols, rows, snapshot }: Screen): Promise<void> {
  const path = join(folder, `screen-${offset}`);
  await writeFile(`${path}.part`, [`${JSON.stringify({ cols, rows })}\n`, snapshot], { mode: 0o600 });
  await rename(`${path}.part`, path);
}
