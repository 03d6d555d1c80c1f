/** The account page's kubeconfigs, as a person uses them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowsing, type Browsing } from '../browsing.ts';
import { OwnTools } from '../own-tools.ts';
import { CLUSTER } from '../portal.ts';

let browsing: Browsing;
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
