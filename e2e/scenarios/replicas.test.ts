/** Two portals of one installation: one database, one engine, one cluster, and a data directory each. */
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../machine/until.ts';
import { TestPortal } from '../portal.ts';

let here: TestPortal;
let there: TestPortal;
beforeAll(async () => {
  here = await TestPortal.start({ warmPool: 1 });
  there = await TestPortal.start({ beside: here, warmPool: 1 });
});
afterAll(async () => {
  await there?.[Symbol.asyncDispose]();
  await here?.[Symbol.asyncDispose]();
});

/** Containers of the installation by the replica that made them. */
async function containers(): Promise<{ id: string; replica: string }[]> {
  const docker = new Docker({ socketPath: here.docker });
  const filters = { label: [`sallyport.portal=${await here.id()}`] };
  const found = await docker.listContainers({ all: true, filters });
  return found.map(({ Id, Labels }) => ({ id: Id, replica: Labels['sallyport.replica']! }));
}

it('warm sandboxes of a replica that lives are its own; those of one that was killed are removed by the other', async () => {
  const warm = await until(async () => ((await containers()).length === 2 ? containers() : undefined), {
    within: 30_000,
    what: 'a warm sandbox of each',
  });
  expect(new Set(warm.map(({ replica }) => replica)).size).toBe(2);
  // Each start is followed by a round of the reaper.
  await here.restart();
  const [mine] = await here.sql<{ id: string }[]>`select id from replicas order by started_at desc limit 1`;
  const theirs = warm.find(({ replica }) => replica !== mine!.id)!;
  await until(async () => (await containers()).some(({ id, replica }) => replica === mine!.id && id !== theirs.id), {
    within: 30_000,
    what: 'a new warm sandbox',
  });
  expect((await containers()).map(({ id }) => id)).toContain(theirs.id);

  await there.kill();
  // As if the lease had run out.
  await here.sql`update replicas set seen_at = now() - interval '1 hour' where id <> ${mine!.id}`;
  await here.restart();
  await until(async () => (await containers()).every(({ replica }) => replica === mine!.id), {
    within: 30_000,
    what: 'the end of the dead one’s',
  });
  await there.up();
});
