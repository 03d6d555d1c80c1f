/**
 * A web application as people run one on a cluster, behind a Service: it reads and writes by forms and scripts, keeps a
 * cookie, redirects, and pushes over a WebSocket. It listens on the cluster's own bridge, where the API server reaches it
 * as it reaches pods.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';
import { BUSYBOX_IMAGE } from './cluster/images.ts';
import { applyAsAdmin, kubectlAsAdmin } from './leftovers.ts';
import { until } from './machine/until.ts';

export type Dashboard = AsyncDisposable & {
  name: string;
  namespace: string;
  notes: string[];
  /** What has arrived so far, by the first line of each. */
  seen: { line: string; headers: IncomingHttpHeaders }[];
  /** WebSockets that are open. */
  readonly sockets: number;
};

const PAGE = `<!doctype html><html lang="en"><title>Board</title><h1>Board</h1>
<form method="post" action="/notes"><label>Note <input name="note"></label><button>Add</button></form>
<button id="clear">Clear</button> <a href="/about">About</a> <a href="/old">Old</a>
<ul id="notes" aria-label="Notes"></ul><p id="live">connecting</p><script src="/app.js"></script></html>`;

const SCRIPT = `
const list = document.getElementById('notes');
const show = (notes) => list.replaceChildren(...notes.map((note) => Object.assign(document.createElement('li'), { textContent: note })));
fetch('/notes').then((answer) => answer.json()).then(show);
document.getElementById('clear').onclick = async () => show(await (await fetch('/notes', { method: 'DELETE' })).json());
const live = new WebSocket(location.origin.replace(/^http/, 'ws') + '/live?from=page');
live.onopen = () => live.send('hello');
live.onmessage = ({ data }) => { document.getElementById('live').textContent = data; };
live.onclose = () => { document.getElementById('live').textContent = 'gone'; };
`;

/** Makes the Service, in a namespace that is there. */
export async function startDashboard(namespace: string, name = 'board'): Promise<Dashboard> {
  const address = await kubectlAsAdmin(
    'get',
    'nodes',
    '--output',
    'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}',
  );
  const notes: string[] = [];
  const seen: Dashboard['seen'] = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    seen.push({ line: `${method} ${url}`, headers });
    const line = `${method} ${url!.split('?')[0]}`;
    // As frameworks do that look for forged requests: the Origin must be the address they were called by.
    if (headers.origin !== undefined && new URL(headers.origin).host !== headers.host)
      return void response.writeHead(403).end('forged');
    const json = () => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(notes));
    if (line === 'GET /')
      return void response

        .writeHead(200, [
          ['content-type', 'text/html'],
          ['set-cookie', 'board=1; Path=/; HttpOnly'],
          ['set-cookie', 'tossed=1; Path=/; Domain=localhost'],
          ['set-cookie', '__Host-sallyport-entry=planted; Path=/; Secure'],
        ])
        .end(PAGE);
    if (line === 'GET /app.js') return void response.writeHead(200, { 'content-type': 'text/javascript' }).end(SCRIPT);
    if (line === 'GET /notes') return json();
    if (line === 'DELETE /notes') return ((notes.length = 0), json());
    if (line === 'POST /notes') {
      notes.push(new URLSearchParams(await text(request)).get('note') ?? '');
      return void response.writeHead(303, { location: '/' }).end();
    }
    if (line === 'GET /old') return void response.writeHead(302, { location: '/about' }).end();
    if (line === 'GET /away') return void response.writeHead(302, { location: 'https://idp.example/login' }).end();
    if (line === 'GET /about')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>About</h1><a href="/">Board</a>');
    response.writeHead(404).end('no');
  });
  const sockets = new WebSocketServer({ server, path: '/live' });
  sockets.on('connection', (socket, { url, headers }) => {
    seen.push({ line: `UPGRADE ${url}`, headers });
    socket.on('message', (data) => socket.send(`heard ${(data as Buffer).toString()}`));
  });
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const labels = { app: name };
  await applyAsAdmin(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name, namespace },
          spec: { selector: labels, ports: [{ name: 'web', port: 80, targetPort: port }] },
        },
        {
          // The API server's proxy leads to pods only (CVE-2020-8562): this one shares the node's address, where we listen.
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, namespace, labels },
          spec: {
            hostNetwork: true,
            terminationGracePeriodSeconds: 0,
            containers: [{ name: 'board', image: BUSYBOX_IMAGE, command: ['sleep', '100000'] }],
          },
        },
      ],
    }),
  );
  await kubectlAsAdmin('wait', '--for=condition=Ready', `pod/${name}`, '--namespace', namespace, '--timeout=60s');
  await until(
    async () =>
      (await kubectlAsAdmin('get', 'endpoints', name, '--namespace', namespace, '--output', 'jsonpath={.subsets}')) !==
      '',
    { what: 'its endpoints' },
  );
  return {
    name,
    namespace,
    notes,
    seen,
    get sockets() {
      return sockets.clients.size;
    },
    async [Symbol.asyncDispose]() {
      for (const client of sockets.clients) client.terminate();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
