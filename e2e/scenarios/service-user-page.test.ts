/** Service users in the browser: made by an administrator, its tokens made by who owns it, its trusts seen by both. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowsing, type Browsing } from '../browsing.ts';
import { CLUSTER } from '../portal.ts';
import { OwnTools, certificateIn } from '../own-tools.ts';
import { tellFailures } from '../tell-failures.ts';

let browsing: Browsing;
tellFailures(() => browsing);
beforeAll(async () => {
  browsing = await startBrowsing();
});
afterAll(() => browsing?.[Symbol.asyncDispose]());

it('is added, given a trust and a token, and its owner manages its tokens but not its trusts', async () => {
  const { portal } = browsing;
  const owners = await browsing.signedIn('developer');
  const page = await browsing.signedIn('admin');
  await page.goto(`${portal.url}/users`);
  await page.getByRole('button', { name: 'Add a service user' }).click();
  await page.getByLabel('Name').fill('deploy');
  await page.getByLabel('Groups').fill('nobody');
  const owner = page.getByLabel('Owner');
  const developer = owner.getByRole('option').filter({ hasText: 'developer@' });
  await owner.selectOption(await developer.getAttribute('value'));
  await page.getByRole('button', { name: 'Add the service user' }).click();
  await page.getByRole('link', { name: 'deploy' }).click();
  await page.getByRole('heading', { level: 1, name: 'deploy' }).waitFor();
  await page.getByText('service:deploy').waitFor();

  await page.getByRole('button', { name: 'Add a trust' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a trust' });
  await dialog.getByLabel('Issuer').fill('https://169.254.169.254');
  await dialog.getByLabel('Owner', { exact: true }).fill('acme');
  await dialog.getByLabel('Further claims').fill('ref refs/heads/main');
  await dialog.getByText('is no "claim: pattern"').waitFor();
  await dialog.getByLabel('Further claims').fill('ref: refs/heads/main');
  await dialog.getByRole('button', { name: 'Add the trust' }).click();
  await dialog.getByText('link-local addresses hold metadata services').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  // What no issuer of a test can be asked for from a portal without its authority.
  await portal.sql`
    insert into oidc_trusts (user_id, name, issuer, audience, owner_claim, owner_value, conditions, scopes, lifetime_ms, created_at)
    select id, 'deploy', 'https://gitlab.com', ${portal.url}, 'namespace_path', 'acme',
      '[{"claim": "ref", "pattern": "main"}]', '{read}', 900000, now() from users where email = 'service:deploy'`;

  // A key for links, by an administrator; a private one is not kept.
  await portal.sql`update users set groups = '{sallyport-admins}' where email = 'service:deploy'`;
  await page.reload();
  await page.getByRole('button', { name: 'Add a key' }).click();
  const keyForm = page.getByRole('dialog', { name: 'Add a key' });
  await keyForm.getByLabel('Name').fill('board');
  await keyForm.getByLabel('Cluster').selectOption(CLUSTER);
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await keyForm.getByLabel('Public key').fill(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  await keyForm.getByRole('button', { name: 'Add the key' }).click();
  await keyForm.getByText('This is a private key').waitFor();
  await keyForm.getByLabel('Public key').fill(pair.publicKey.export({ type: 'spki', format: 'pem' }).toString());
  await keyForm.getByRole('button', { name: 'Add the key' }).click();
  const keys = page.getByRole('list', { name: 'Keys for links' });
  await keys.getByText('ES256 on test as admin: get').waitFor();
  await keys.getByText(/^aud sallyport-link:/).waitFor();
  await keys.getByRole('button', { name: 'Remove the key board' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('No key', { exact: true }).waitFor();

  await owners.goto(`${portal.url}/account`);
  await owners.getByRole('list', { name: 'Service users that you own' }).getByRole('link', { name: 'deploy' }).click();
  const trusts = owners.getByRole('list', { name: 'Trusted CI jobs' });
  await trusts.getByText('namespace_path: acme').waitFor();
  await trusts.getByRole('button', { name: 'Remove deploy' }).and(owners.locator('[aria-disabled=true]')).waitFor();
  await owners.getByRole('button', { name: 'Create a token' }).click();
  await owners.getByLabel('Name').fill('pipeline');
  await owners.getByRole('button', { name: 'Create', exact: true }).last().click();
  const token = await owners.getByRole('dialog', { name: 'Your token' }).locator('code').innerText();
  const answer = await fetch(`${portal.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  expect(await answer.json()).toMatchObject({ email: 'service:deploy' });

  await page.reload();
  await page.getByRole('button', { name: 'Remove deploy' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('No trust').waitFor();
  await page.getByText('pipeline').waitFor();
});

it('a kubeconfig with a certificate is made on the account page, works, and is told from one with a token', async () => {
  const page = await browsing.signedIn('admin');
  await page.goto(`${browsing.portal.url}/account`);
  await page.getByRole('button', { name: 'Make a kubeconfig' }).click();
  await page.getByLabel('Cluster').selectOption(CLUSTER);
  await page.getByLabel('With a client certificate').check();
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  const text = (await page.getByLabel('Kubeconfig', { exact: true }).textContent()) ?? '';
  expect(certificateIn(text).cert).toContain('BEGIN CERTIFICATE');
  using tools = await OwnTools.with(text);
  expect(await tools.kubectl('get', 'namespaces')).toMatchObject({ code: 0 });
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('list', { name: 'Kubeconfigs' }).getByText('by certificate').waitFor();
});
