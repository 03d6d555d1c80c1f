/** Old images of shells leave the engine; what is used, young, or somebody else's stays. */
import Docker from 'dockerode';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testEngine } from '../../e2e/use.ts';
import { removeOldSandboxImages } from './clean-up.ts';

const repository = `sallyport-clean-up-${process.pid}`;
const made: string[] = [];
let docker: Docker;
beforeAll(async () => {
  docker = new Docker({ socketPath: (await testEngine()).socket });
});
afterAll(async () => {
  for (const tag of made)
    await docker
      .getImage(tag)
      .remove({ force: true })
      .catch(() => {});
});

/** An image of a few bytes. Its creation has a resolution of a second, so each says when it was made. */
async function image(tag: string, label = 'sallyport.image=1'): Promise<string> {
  const context = pack();
  context.entry({ name: 'Dockerfile' }, `FROM scratch\nCOPY it /it\nLABEL ${label}\nCMD ["/it"]\n`);
  context.entry({ name: 'it' }, tag);
  context.finalize();
  const name = `${repository}:${tag}`;
  const stream = await docker.buildImage(context as unknown as NodeJS.ReadableStream, { t: name });
  await new Promise<void>((resolve, reject) =>
    docker.modem.followProgress(stream, (error) => (error ? reject(error) : resolve())),
  );
  made.push(name);
  return name;
}

/** Until the clock of images has moved on. */
async function nextSecond(name: string): Promise<void> {
  const { Created } = await docker.getImage(name).inspect();
  await expect.poll(() => Date.now() - new Date(Created).getTime(), { timeout: 3_000 }).toBeGreaterThan(1_000);
}

const hash = (n: number) => String(n).repeat(16);

test('the newest two, what a container uses, and what has another name stay; the rest goes, once it is old', async () => {
  const used = await image(hash(1));
  const own = await image(hash(2));
  await docker.getImage(own).tag({ repo: repository, tag: 'mine' });
  made.push(`${repository}:mine`);
  const foreign = await image(hash(3), 'other=1');
  const old = await image(hash(4));
  await nextSecond(old);
  const previous = await image(hash(5));
  await nextSecond(previous);
  const newest = await image(hash(6));
  const container = await docker.createContainer({ Image: used });
  try {
    expect(await removeOldSandboxImages(docker, { repository })).toEqual([]);
    const now = new Date(Date.now() + 25 * 3_600_000);
    expect(await removeOldSandboxImages(docker, { repository, now })).toEqual([old]);
    const left = await docker.listImages({ filters: { reference: [`${repository}:*`] } });
    expect(left.flatMap(({ RepoTags }) => RepoTags).toSorted()).toEqual(
      [used, own, `${repository}:mine`, foreign, previous, newest].toSorted(),
    );
  } finally {
    await container.remove();
  }
  const now = new Date(Date.now() + 25 * 3_600_000);
  expect(await removeOldSandboxImages(docker, { repository, now })).toEqual([used]);
});
