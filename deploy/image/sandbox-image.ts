/**
 * Makes the image of shells in the engine at DOCKER_HOST and gives it the name of the first argument, or
 * `sallyport-sandbox:latest`. BASE_IMAGE names another Debian base. A second run finds it made.
 */
import Docker from 'dockerode';
import { ensureSandboxImage } from '../../sandbox/image/build.ts';
import { removeOldSandboxImages } from '../../sandbox/image/clean-up.ts';

const [repository = 'sallyport-sandbox', tag = 'latest'] = (process.argv[2] ?? '').split(':').filter(Boolean);
const base = process.env['BASE_IMAGE'];

// DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH are dockerode's to read.
const docker = new Docker();
const image = await ensureSandboxImage(docker, {
  onProgress: (line) => process.stderr.write(`${line}\n`),
  ...(base ? { base } : {}),
});
await docker.getImage(image).tag({ repo: repository, tag });
for (const old of await removeOldSandboxImages(docker))
  process.stderr.write(`Removed ${old}, which nothing uses any more\n`);
process.stdout.write(`${repository}:${tag}\n`);
