/**
 * Images for pods, made here of one static program, so that no registry is needed: `busybox`, `httpd` (serves a page
 * on port 8080 as a non-root user) and `pause`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { ctr } from '../machine/containerd.ts';
import type { Instance } from '../machine/instance.ts';
import { run } from '../machine/run.ts';

export const PAUSE_IMAGE = 'sallyport.test/pause:1';
export const BUSYBOX_IMAGE = 'sallyport.test/busybox:1';
/** Serves "Hello from a pod." on port 8080. */
export const HTTPD_IMAGE = 'sallyport.test/httpd:1';

type Process = { Cmd: string[]; User: string; ExposedPorts?: Record<string, object> };

const IMAGES: Record<string, Process> = {
  // As PID 1 it ignores SIGTERM; containerd ends a pod's sandbox with SIGKILL, so nobody waits for it.
  [PAUSE_IMAGE]: { Cmd: ['/bin/busybox', 'sleep', '2147483647'], User: '65535:65535' },
  [BUSYBOX_IMAGE]: { Cmd: ['/bin/sh'], User: '' },
  [HTTPD_IMAGE]: {
    Cmd: ['/bin/httpd', '-f', '-p', '8080', '-h', '/www'],
    User: '1000:1000',
    ExposedPorts: { '8080/tcp': {} },
  },
};

/** Static on Debian and Ubuntu: the package busybox-static. */
const BUSYBOX = '/bin/busybox';

async function rootFiles(): Promise<Buffer> {
  const layer = pack();
  const body = buffer(layer);
  const folder = (name: string, mode = 0o755): void => void layer.entry({ name, type: 'directory', mode });
  for (const name of ['bin', 'etc', 'www', 'proc', 'sys', 'dev', 'home']) folder(name);
  folder('tmp', 0o1777);
  layer.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(BUSYBOX));
  for (const applet of (await run(BUSYBOX, ['--list'])).trim().split('\n'))
    if (applet !== 'busybox') layer.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox' });
  layer.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n');
  layer.entry({ name: 'etc/group' }, 'root:x:0:\nuser:x:1000:\n');
  layer.entry({ name: 'www/index.html' }, 'Hello from a pod.\n');
  layer.finalize();
  return body;
}

/** A `docker save` archive with every image; they share one layer. */
export async function imageArchive(): Promise<Buffer> {
  const layer = await rootFiles();
  const diffId = `sha256:${createHash('sha256').update(layer).digest('hex')}`;
  const archive = pack();
  const body = buffer(archive);
  archive.entry({ name: 'layer.tar' }, layer);
  const manifest = Object.entries(IMAGES).map(([tag, process_], index) => {
    const config = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: { ...process_, Env: ['PATH=/bin'], WorkingDir: '/' },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created_by: 'sallyport e2e/cluster/images.ts' }],
    });
    archive.entry({ name: `${index}.json` }, config);
    return { Config: `${index}.json`, RepoTags: [tag], Layers: ['layer.tar'] };
  });
  archive.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
  archive.finalize();
  return body;
}

/** Gives the node the images that it does not have. */
export async function importImages(instance: Instance): Promise<void> {
  const stamp = createHash('sha256')
    .update(readFileSync(import.meta.filename))
    .update(readFileSync(BUSYBOX))
    .digest('hex');
  const stampFile = join(instance.folder, 'images.stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  const file = join(instance.folder, 'images.tar');
  await writeFile(file, await imageArchive());
  await ctr(instance, ['--namespace', 'k8s.io', 'images', 'import', '--no-unpack', file]).catch(() =>
    ctr(instance, ['--namespace', 'k8s.io', 'images', 'import', file]),
  );
  await rm(file);
  await writeFile(stampFile, stamp);
}
