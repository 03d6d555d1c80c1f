/** What the Dockerfile takes as NODE_IMAGE, made here: Debian with the Node of the lockfile and this machine's npm. */
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DEBIAN_IMAGE, ensureDebianImage } from '../engine/debian-image.ts';
import { dockerAt } from '../engine/docker.ts';
import { run } from '../machine/run.ts';

const NODE_IMAGE = `sallyport.local/node:${process.versions.node}`;

/** This machine's authorities: behind a proxy that ends TLS, npm trusts them and not Node's own list. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** Builds it where the engine lacks it; returns its name. */
export async function ensureNodeImage(socket: string, say: (line: string) => void): Promise<string> {
  const docker = dockerAt(socket);
  if (await docker.has(NODE_IMAGE)) return NODE_IMAGE;
  await ensureDebianImage(socket, say);
  say('Images: making a Node image');
  const context = await mkdtemp(join(tmpdir(), 'sallyport-node-image-'));
  try {
    await mkdir(join(context, 'bin'));
    await cp(process.execPath, join(context, 'bin/node'), { dereference: true });
    // `npm root --global` would name the folder of the Node that runs this, which may have no npm of its own.
    const npm = dirname(dirname(await realpath((await run('sh', ['-c', 'command -v npm'])).trim())));
    await cp(npm, join(context, 'npm'), { recursive: true, dereference: true });
    if (existsSync(AUTHORITIES)) await cp(AUTHORITIES, join(context, 'authorities.crt'), { dereference: true });
    else await writeFile(join(context, 'authorities.crt'), '');
    await writeFile(
      join(context, 'Dockerfile'),
      `FROM ${DEBIAN_IMAGE}
COPY bin/node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
COPY authorities.crt /usr/local/share/authorities.crt
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\
 && mkdir -p /usr/local/etc \\
 && if [ -s /usr/local/share/authorities.crt ]; then echo cafile=/usr/local/share/authorities.crt > /usr/local/etc/npmrc; fi
`,
    );
    await docker.run(['build', '--network', 'none', '--tag', NODE_IMAGE, context]);
    return NODE_IMAGE;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
