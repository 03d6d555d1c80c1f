/** The account page's kubeconfigs, as a person uses them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowsing, type Browsing } from '../browsing.ts';
import { OwnTools } from '../own-tools.ts';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { CLUSTER } from '../portal.ts';
import { tellFailures } from '../tell-failures.ts';

let browsing: Browsing;
tellFailures(() => browsing);
beforeAll(async () => {
  browsing = await startBrowsing();
});
afterAll(() => browsing?.[Symbol.asyncDispose]());

it('a kubeconfig is made, works, is listed, and is revoked, without leaving the page', async () => {
  const page = await browsing.signedIn('admin');
  await page.goto(`${browsing.portal.url}/account`);
  await page.getByRole('button', { name: 'Make a kubeconfig' }).click();
  await page.getByLabel('Cluster').selectOption(CLUSTER);
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  const text = page.getByLabel('Kubeconfig', { exact: true });
  using tools = await OwnTools.with((await text.textContent()) ?? '');
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  expect((await saved).suggestedFilename()).toBe('sallyport-kubeconfig.yaml');
  await page.getByRole('button', { name: 'Done' }).click();
  const list = page.getByRole('list', { name: 'Kubeconfigs' });
  await list.getByText('never used').waitFor();
  expect(await tools.kubectl('get', 'namespaces', '--output=name')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('namespace/default'),
  });
  await page.reload();
  await list.getByText('Active').waitFor();
  await list.getByRole('link', { name: CLUSTER }).click();
  await page.getByText('kubeconfig', { exact: true }).waitFor();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goBack();
  await list.waitFor();
  await page.emulateMedia({ colorScheme: 'dark' });
  await list.getByRole('button', { name: `Revoke the kubeconfig for ${CLUSTER}` }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByText('No kubeconfig').waitFor();
  expect((await tools.kubectl('get', 'namespaces')).code).toBe(1);
});

it('one that sleeps until its person wakes it is woken by a click', async () => {
  const { portal } = browsing;
  const page = await browsing.signedIn('admin');
  await page.goto(`${portal.url}/account`);
  await page.getByRole('button', { name: 'Make a kubeconfig' }).click();
  await page.getByLabel('Cluster').selectOption(CLUSTER);
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  await page.getByRole('button', { name: 'Done' }).click();
  const list = page.getByRole('list', { name: 'Kubeconfigs' });
  await list.getByText('never used').waitFor();
  await page.goto(`${portal.url}/roles`);
  await page.getByRole('button', { name: 'Change admin', exact: true }).click();
  await page.getByRole('dialog').locator('summary').click();
  await page.getByLabel(/is woken by its person in the portal/).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  // As if it had been used, and had idled since.
  await portal.sql`update access_sessions set last_input_at = opened_at + interval '1 second' where channel = 'kubeconfig'`;
  await page.goto(`${portal.url}/account`);
  await list.getByRole('button', { name: `Wake the kubeconfig for ${CLUSTER}` }).click();
  await list.getByText('Active').waitFor();
  expect(await list.getByRole('button', { name: `Wake the kubeconfig for ${CLUSTER}` }).count()).toBe(0);
  await list.getByRole('button', { name: `Revoke the kubeconfig for ${CLUSTER}` }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByText('No kubeconfig').waitFor();
});

it('a link is made, opens what it names, is listed, and is revoked', async () => {
  const page = await browsing.signedIn('admin');
  await page.goto(`${browsing.portal.url}/account`);
  await page.getByRole('button', { name: 'Make a link' }).click();
  await page.getByLabel('What it is for').fill('the status board');
  await page.getByLabel('Cluster').selectOption(CLUSTER);
  await page.getByLabel('Paths').fill('/api/v1/namespaces/*, /version');
  await page.getByLabel('Uses').fill('2');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  const token = (await page.getByLabel('Token', { exact: true }).textContent()) ?? '';
  const call = (path: string) =>
    page.request.get(`${browsing.portal.gatewayUrl}/k8s/${CLUSTER}${path}`, {
      headers: { authorization: `Bearer ${token}` },
      ignoreHTTPSErrors: true,
    });
  expect((await call('/version')).status()).toBe(200);
  expect((await call('/api/v1/namespaces/default/secrets')).status()).toBe(403);
  await page.getByRole('button', { name: 'Done' }).click();
  const list = page.getByRole('list', { name: 'Links' });
  await list.getByText('used 1 of 2 times').waitFor();
  await list.getByRole('button', { name: 'Revoke the link the status board' }).click();
  await page.getByRole('button', { name: 'Revoke', exact: true }).click();
  await page.getByText('No link').waitFor();
  expect((await call('/version')).status()).toBe(401);
});

it('an auditor replays what an exec from somebody’s laptop showed', async () => {
  const page = await browsing.signedIn('admin');
  const made = page.waitForResponse((answer) => answer.url().endsWith('/me/kubeconfigs') && answer.status() === 201);
  await page.goto(`${browsing.portal.url}/account`);
  await page.getByRole('button', { name: 'Make a kubeconfig' }).click();
  await page.getByLabel('Cluster').selectOption(CLUSTER);
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  const { kubeconfig, credentials } = (await (await made).json()) as {
    kubeconfig: string;
    credentials: { id: string }[];
  };
  const namespace = `replay-${(await browsing.portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  try {
    const image = [`--image=${BUSYBOX_IMAGE}`, '--image-pull-policy=Never', '--restart=Never'];
    await kubectlAsAdmin('run', 'web', ...image, '-n', namespace, '--', 'sleep', '3600');
    await kubectlAsAdmin('wait', '--for=condition=Ready', 'pod/web', '-n', namespace, '--timeout=60s');
    using tools = await OwnTools.with(kubeconfig);
    const script = 'for i in 1 2 3; do echo line $i of the laptop; done';
    expect(await tools.kubectl('-n', namespace, 'exec', 'web', '--', 'sh', '-c', script)).toMatchObject({ code: 0 });
    await page.goto(`${browsing.portal.url}/sessions/${credentials[0]!.id}`);
    await page.getByRole('region', { name: 'Calls to the cluster' }).getByText('pods/exec').first().waitFor();
    await page.getByText(`exec web -c web -n ${namespace}: sh -c`).click();
    const recording = page.getByRole('region', { name: 'Recording' });
    await recording.waitFor();
    await page.getByLabel('Find text in the recording').fill('line 2');
    await page.getByRole('button', { name: 'Find' }).click();
    await recording.getByText('line 2 of the laptop').first().waitFor();
    await page.getByRole('button', { name: 'All streams of the session' }).click();
    await page.getByText('exit 0').waitFor();
  } finally {
    await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  }
});
