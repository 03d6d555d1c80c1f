/** Moving files between this computer and the sandbox: tar streams over the portal's REST API, with progress. */
import { save } from '../lib/save.ts';
import { apiPaths } from '../lib/paths.ts';
import { PortalError, problemOf, unreachable } from '../lib/problem.ts';
import { makeTar, readTar } from './tar.ts';

/** The portal's cap on one transfer; refused here before anything is sent. */
export const TRANSFER_MOST_BYTES = 256 * 1024 * 1024;

export type Progress = (done: number, total: number | null) => void;

function tooLarge(size: number): PortalError {
  return new PortalError({
    type: 'about:blank',
    title: 'This is too large to transfer',
    status: 413,
    code: 'file-too-large',
    detail: `${Math.ceil(size / 1_048_576)} MiB is more than the 256 MiB that one transfer may move.`,
    next: 'Split it, or fetch it from where the cluster can reach it.',
  });
}

/** Puts files into a folder of the sandbox. Throws PortalError; aborting the signal stops it. */
export async function upload(
  sessionId: string,
  folder: string,
  files: { name: string; file: File }[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const tar = makeTar(files.map(({ name, file }) => ({ name, body: file, modifiedAt: new Date(file.lastModified) })));
  if (tar.size > TRANSFER_MOST_BYTES) throw tooLarge(tar.size);
  // fetch tells nothing of an upload's progress; XMLHttpRequest does.
  await new Promise<void>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', apiPaths.files(sessionId, folder));
    request.setRequestHeader('content-type', 'application/x-tar');
    request.upload.onprogress = ({ loaded }) => progress(loaded, tar.size);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve();
      const response = new Response(request.responseText, {
        status: request.status,
        headers: { 'x-correlation-id': request.getResponseHeader('x-correlation-id') ?? '' },
      });
      problemOf(response).then(reject, reject);
    };
    request.onerror = () => reject(unreachable(new Error('the upload broke off')));
    request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(tar);
  });
}

/** Fetches a file, or a folder as a tar, and hands it to the browser to save. Throws PortalError. */
export async function download(
  sessionId: string,
  path: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<string> {
  let response: Response;
  try {
    response = await fetch(apiPaths.files(sessionId, path), { signal, cache: 'no-store' });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw unreachable(error);
  }
  if (!response.ok || !response.body) throw await problemOf(response);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    progress(size, null);
  }
  const tar = new Blob(parts, { type: 'application/x-tar' });
  const entries = await readTar(tar);
  const [only] = entries;
  const single = entries.length === 1 && only?.kind === 'file' ? only : null;
  const base = (name: string) => name.replace(/\/+$/, '').split('/').pop() || 'download';
  const name = single ? base(single.name) : `${base(path)}.tar`;
  save(single ? single.body : tar, name);
  return name;
}
