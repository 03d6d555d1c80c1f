import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { contentStamp } from './web-build.ts';

test('a stamp follows names and contents, and nothing else', () => {
  const root = mkdtempSync(join(tmpdir(), 'sallyport-stamp-'));
  try {
    mkdirSync(join(root, 'app'));
    writeFileSync(join(root, 'app', 'page.tsx'), 'one');
    const stamp = (): string => contentStamp(root, ['app', 'missing']);
    const first = stamp();
    writeFileSync(join(root, 'other'), 'no part of it');
    writeFileSync(join(root, 'app', 'page.tsx'), 'one');
    expect(stamp()).toBe(first);
    writeFileSync(join(root, 'app', 'page.tsx'), 'two');
    const second = stamp();
    expect(second).not.toBe(first);
    renameSync(join(root, 'app', 'page.tsx'), join(root, 'app', 'layout.tsx'));
    expect(stamp()).not.toBe(second);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
