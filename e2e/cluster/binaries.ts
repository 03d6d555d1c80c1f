/**
 * Kubernetes' programs: named by KUBEBUILDER_ASSETS, cached, downloaded with their checksums, or built from the Go
 * module, in this order. The result is a folder, kept in the cache.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { cacheFolder, platform } from '../machine/cache.ts';
import { run } from '../machine/run.ts';

export const KUBERNETES_VERSION = 'v1.36.3';
/** As kubernetes/go.mod pins it. */
const ETCD_VERSION = 'v3.6.8';
const PROGRAMS = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'];
/** Go 1.26 or newer; an older one fetches it by itself where it may. */
const GO = ['go', '/usr/local/go/bin/go'];

type Say = (line: string) => void;

function isComplete(folder: string): boolean {
  return ['etcd', ...PROGRAMS].every((name) => existsSync(join(folder, name)));
}

/** Resolves with the folder that holds etcd and the four programs. Throws when there is no way to have them. */
export async function kubernetesBinaries(say: Say): Promise<string> {
  const named = process.env['KUBEBUILDER_ASSETS'];
  if (named && isComplete(named)) return named;
  const target = cacheFolder('kubernetes', `${KUBERNETES_VERSION}-${platform()}`);
  if (isComplete(target)) return target;
  await mkdir(cacheFolder('kubernetes'), { recursive: true });
  const part = await mkdtemp(`${target}.part-`);
  try {
    const failure = await download(part, say).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure) {
      say(`Kubernetes: no download (${reason(failure)})`);
      await build(part, say);
    }
    await chmod(part, 0o755);
    await rm(target, { recursive: true, force: true });
    await rename(part, target);
    return target;
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message || message : message;
}

async function fetchFile(url: string, path: string): Promise<void> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(600_000) });
  if (!answer.ok || !answer.body) throw new Error(`${url} answered ${answer.status}`);
  await writeFile(path, answer.body);
}

/** Of a file, in hex, as checksum files have it. */
async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function checkedDownload(url: string, path: string, sum: string): Promise<void> {
  await fetchFile(url, path);
  if ((await sha256(path)) !== sum) throw new Error(`${url} does not have the checksum ${sum}`);
}

/** From the projects' own release sites. */
async function download(folder: string, say: Say): Promise<void> {
  const base = `https://dl.k8s.io/release/${KUBERNETES_VERSION}/bin/${platform().replace('-', '/')}`;
  const sums = new Map<string, string>();
  for (const name of PROGRAMS) {
    const answer = await fetch(`${base}/${name}.sha256`, { signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`the release site answered ${answer.status}`);
    sums.set(name, (await answer.text()).trim().split(/\s/)[0] ?? '');
  }
  for (const [name, sum] of sums) {
    say(`Kubernetes: downloading ${name} ${KUBERNETES_VERSION}`);
    await checkedDownload(`${base}/${name}`, join(folder, name), sum);
    await chmod(join(folder, name), 0o755);
  }
  const etcd = `https://github.com/etcd-io/etcd/releases/download/${ETCD_VERSION}`;
  const archive = `etcd-${ETCD_VERSION}-${platform()}.tar.gz`;
  const list = await fetch(`${etcd}/SHA256SUMS`, { signal: AbortSignal.timeout(30_000) });
  if (!list.ok) throw new Error(`the release site of etcd answered ${list.status}`);
  const sum = (await list.text())
    .split('\n')
    .find((line) => line.endsWith(archive))
    ?.split(' ')[0];
  if (!sum) throw new Error(`no checksum for ${archive}`);
  say(`Kubernetes: downloading etcd ${ETCD_VERSION}`);
  await checkedDownload(`${etcd}/${archive}`, join(folder, archive), sum);
  const inside = `etcd-${ETCD_VERSION}-${platform()}/etcd`;
  await run('tar', ['-xzf', join(folder, archive), '-C', folder, '--strip-components=1', inside]);
  await rm(join(folder, archive));
}

async function findGo(): Promise<string> {
  for (const candidate of GO)
    if (
      await run(candidate, ['version']).then(
        () => true,
        () => false,
      )
    )
      return candidate;
  throw new Error(
    `Kubernetes ${KUBERNETES_VERSION} can neither be downloaded nor built: install Go 1.26 or newer, set KUBEBUILDER_ASSETS to a folder that holds it, or name a cluster of your own with --kubeconfig`,
  );
}

/** From the Go module proxy: minutes, once per version and machine. */
async function build(folder: string, say: Say): Promise<void> {
  const go = await findGo();
  const work = await mkdtemp(join(tmpdir(), 'sallyport-kubernetes-'));
  try {
    await cp(join(import.meta.dirname, 'kubernetes'), work, { recursive: true });
    const version = 'k8s.io/component-base/version';
    const [major, minor] = KUBERNETES_VERSION.slice(1).split('.');
    const stamp = `-X ${version}.gitVersion=${KUBERNETES_VERSION} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor} -X ${version}.gitTreeState=clean`;
    const options = { cwd: work, env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod' } };
    say('Kubernetes: building from its Go module; this takes some minutes, once');
    const packages = [...PROGRAMS.map((name) => `k8s.io/kubernetes/cmd/${name}`), 'go.etcd.io/etcd/server/v3'];
    for (const [index, name] of packages.entries()) {
      say(`Kubernetes: building ${name} (${index + 1} of ${packages.length})`);
      await run(go, ['build', '-trimpath', '-ldflags', `-s -w ${stamp}`, '-o', `${work}/out/`, name], options);
    }
    for (const name of PROGRAMS) await copyFile(join(work, 'out', name), join(folder, name));
    await copyFile(join(work, 'out', 'server'), join(folder, 'etcd'));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
