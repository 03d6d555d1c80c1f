/**
 * What client libraries and curl ask for that kubectl seldom does: each form of an answer, byte for byte as the cluster
 * itself gives it, and watches of a client library.
 */
import { readFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig, Watch, type V1ConfigMap } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubectlAsAdmin } from '../leftovers.ts';
import { until } from '../machine/until.ts';
import { BUSYBOX_IMAGE } from '../cluster/images.ts';
import { OwnTools } from '../own-tools.ts';
import { TestPortal } from '../portal.ts';
import { pythonSurface } from '../python/client.ts';
import { testCluster } from '../use.ts';

let portal: TestPortal;
let namespace: string;
const through = new KubeConfig();
const direct = new KubeConfig();

beforeAll(async () => {
  portal = await TestPortal.start();
  namespace = `libraries-${(await portal.id()).slice(0, 8)}`;
  await kubectlAsAdmin('create', 'namespace', namespace);
  const person = await portal.visitor([await portal.role({ clusterRoles: ['cluster-admin'] })]);
  const { kubeconfig } = await person.api<{ kubeconfig: string }>('POST', '/me/kubeconfigs', {});
  through.loadFromString(kubeconfig);
  direct.loadFromString(readFileSync((await testCluster()).kubeconfig, 'utf8'));
});
afterAll(async () => {
  if (namespace) await kubectlAsAdmin('delete', 'namespace', namespace, '--wait=false');
  await portal?.[Symbol.asyncDispose]();
});

type Answer = { status: number; headers: Record<string, unknown>; body: Buffer };

async function get(config: KubeConfig, path: string, headers: Record<string, string>): Promise<Answer> {
  const options: RequestOptions = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const outgoing = request(config.getCurrentCluster()!.server + path, {
    ...options,
    headers: { ...(options.headers as Record<string, string>), ...headers },
  });
  return new Promise((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.once('error', reject);
      answer.once('end', () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.end();
  });
}

const JSON_TYPE = 'application/json';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const one = '/api/v1/namespaces/kube-system';
it.each([
  [one, { accept: JSON_TYPE }],
  [one, { accept: 'application/yaml' }],
  [one, { accept: 'application/vnd.kubernetes.protobuf' }],
  [one, { accept: 'application/cbor' }],
  [one, { accept: TABLE }],
  [one, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' }],
  [one, { accept: 'text/html' }],
  [`${one}?pretty=true`, {}],
  ['/api', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }],
  ['/apis', { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' }],
  ['/apis', { accept: JSON_TYPE }],
  ['/apis/apps/v1', { accept: JSON_TYPE }],
  ['/openapi/v2', { accept: JSON_TYPE, 'accept-encoding': 'gzip' }],
  ['/openapi/v2', { accept: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' }],
  ['/openapi/v3', { accept: JSON_TYPE }],
  ['/openapi/v3/api/v1', { accept: JSON_TYPE, 'accept-encoding': 'gzip' }],
  ['/version', {}],
  ['/version', { 'if-none-match': '"x"' }],
  ['/not-there', {}],
  ['/api/v1/namespaces/kube-system/configmaps/none', {}],
  ['/api/v1/namespaces/kube-system/pods/none/log', {}],
  ['/api/v1/namespaces/kube-system/configmaps?limit=banana', {}],
  ['/api/v1/namespaces/kube-system/configmaps?continue=banana', {}],
  ['/api/v1/namespaces/kube-system/configmaps?labelSelector=!!', {}],
])('GET %s %j is the cluster’s own answer', async (path, headers) => {
  const [ours, theirs] = await Promise.all([get(through, path, headers), get(direct, path, headers)]);
  const facts = ({ status, headers: { 'content-type': type, 'content-encoding': encoding, etag } }: Answer) => ({
    status,
    type,
    encoding,
    etag,
  });
  expect(facts(ours)).toEqual(facts(theirs));
  expect(ours.body.equals(theirs.body)).toBe(true);
});

it('a library lists, and watches from a list’s own version on', async () => {
  const core = through.makeApiClient(CoreV1Api);
  const { metadata } = await core.listNamespacedConfigMap({ namespace });
  const seen: string[] = [];
  const watch = new Watch(through);
  const ended = Promise.withResolvers<unknown>();
  const controller = await watch.watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: metadata!.resourceVersion! },
    (phase, map: V1ConfigMap) => seen.push(`${phase} ${map.metadata!.name}`),
    ended.resolve,
  );
  const body = { metadata: { name: 'watched' } };
  await core.createNamespacedConfigMap({ namespace, body });
  await core.replaceNamespacedConfigMap({ namespace, name: 'watched', body: { ...body, data: { a: 'b' } } });
  await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
  await until(async () => seen.length >= 3, { what: 'three events' });
  expect(seen).toEqual(['ADDED watched', 'MODIFIED watched', 'DELETED watched']);
  controller.abort();
  await ended.promise;
});

it('a watch that begins with what is there says where that ends (sendInitialEvents)', async () => {
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const options: RequestOptions = { headers: {} };
  await through.applyToHTTPSOptions(options);
  const url = `${through.getCurrentCluster()!.server}/api/v1/namespaces/${namespace}/configmaps?${query}`;
  let text = '';
  const outgoing = request(url, options);
  outgoing.on('error', () => {});
  outgoing.once('response', (answer) => {
    answer.on('error', () => {});
    answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  });
  outgoing.end();
  await until(async () => text.includes('"k8s.io/initial-events-end":"true"'), { what: 'the end of the beginning' });
  expect(text).toContain('"name":"kube-root-ca.crt"');
  outgoing.destroy();
});

// An environment of Python's is downloaded for it: in the full round.
it.runIf(process.env['SALLYPORT_ROUNDS'] === 'full')(
  'the official Python client lists, pages, writes, watches, execs, and is told why it is refused',
  async () => {
    using tools = await OwnTools.with(through.exportConfig());
    const seen = (await pythonSurface(join(tools.folder, 'kubeconfig'), namespace, BUSYBOX_IMAGE)) as { user: string };
    expect(seen).toEqual({
      version: expect.stringMatching(/^v1\./),
      user: expect.stringMatching(/^system:serviceaccount:sallyport-/),
      map: { c: '3' },
      listed: ['map'],
      pages: true,
      changes: [
        ['ADDED', 'map'],
        ['DELETED', 'map'],
      ],
      exec: ['got hello', 3],
      logs: '',
      scale: null,
      refused: [403, expect.stringContaining('tokens is refused')],
    });
  },
);
