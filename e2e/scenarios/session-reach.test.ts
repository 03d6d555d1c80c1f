/** Out of a shell: to what the operator allows, with the programs that people use, and nowhere else. */
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { makeCertificates } from '../cluster/certificates.ts';
import { kubectlBinaries } from '../cluster/kubectl.ts';
import { kubectlAsAdmin } from '../leftovers.ts';
import { run } from '../machine/run.ts';
import { TestPortal } from '../portal.ts';
import { tarOf } from '../tar.ts';

it('reaches what the operator allows, helm’s repositories and manifests on the web, and nothing else', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-site-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  // This machine under an address that is not loopback: the bridge of the cluster's node.
  const internal = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}';
  const host = await kubectlAsAdmin('get', 'nodes', '--output', internal);
  await makeCertificates(folder, { site: { commonName: 'site', hosts: [host] } });
  const file = (name: string) => readFileSync(join(folder, name));
  const site = createServer({ cert: file('site.crt'), key: file('site.key') }, ({ url }, response) => {
    const name = basename(url!);
    if (existsSync(join(folder, 'public', name))) response.end(file(`public/${name}`));
    else response.writeHead(404).end();
  }).listen(0, host);
  await once(site, 'listening');
  stack.defer(() => {
    site.close();
    site.closeAllConnections();
  });
  const { port } = site.address() as AddressInfo;
  const url = `https://${host}:${port}`;
  const name = `from-the-web-${port}`;
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } };
  mkdirSync(join(folder, 'chart', 'templates'), { recursive: true });
  mkdirSync(join(folder, 'public'));
  writeFileSync(join(folder, 'public', 'map.json'), JSON.stringify(map));
  writeFileSync(join(folder, 'chart', 'Chart.yaml'), 'apiVersion: v2\nname: tiny\nversion: 1.0.0\n');
  writeFileSync(
    join(folder, 'chart', 'templates', 'map.yaml'),
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}-map" }\n',
  );
  const helm = join(await kubectlBinaries(), 'helm');
  await run(helm, ['package', join(folder, 'chart'), '--destination', join(folder, 'public')]);
  await run(helm, ['repo', 'index', join(folder, 'public')]);

  const env = { SALLYPORT_EGRESS_ALLOW: `${host}:${port}`, SALLYPORT_EGRESS_PRIVATE: `${host}/32` };
  const allowing = stack.use(await TestPortal.start({ env }));
  const eve = await allowing.visitor();
  const { id, terminal } = await eve.open();
  await terminal.shows(/\$ $/);
  const upload = await fetch(`${allowing.url}/api/v1/sessions/${id}/files?path=.`, {
    method: 'PUT',
    headers: { cookie: eve.cookie, origin: allowing.url, 'content-type': 'application/x-tar' },
    body: await tarOf('ca.crt', file('ca.crt').toString()),
  });
  expect(upload.status).toBe(200);
  await terminal.run('export SSL_CERT_FILE=~/ca.crt');
  expect(await terminal.run(`kubectl apply -f ${url}/map.json`)).toBe(`configmap/${name} created\r\n`);
  expect(await terminal.run(`kubectl delete -f ${url}/map.json`)).toContain('deleted');
  expect(await terminal.run(`helm repo add ours ${url}`)).toContain('has been added');
  expect(await terminal.run(`helm install ${name} ours/tiny --namespace default`)).toMatch(/STATUS: .*deployed/);
  expect(await terminal.run(`helm uninstall ${name} --namespace default`)).toContain('uninstalled');

  expect(await terminal.run(`kubectl apply -f https://${host}:${port + 1}/map.json`)).toMatch(
    /not among the hosts that the operator allows/,
  );
  expect(await terminal.run('curl -sS https://example.com/ 2>&1')).toMatch(/403/);
  await eve.api('POST', `/sessions/${id}/end`);
  const reached = () => allowing.sql`
    select distinct code, detail->>'host' as host, (detail->>'port')::int as port
    from audit_events where session_id = ${id} and code in ('egress.opened', 'egress.refused') order by 1, 2, 3`;
  await expect.poll(reached).toEqual([
    { code: 'egress.opened', host, port },
    { code: 'egress.refused', host, port: port + 1 },
    { code: 'egress.refused', host: 'example.com', port: 443 },
  ]);
});
