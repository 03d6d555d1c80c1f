/** The kinds of call of which kubectl shows an error in a way of its own: what is typed, and what of it is refused. */
import type { KubeRequest } from '../../server/domain/kube-request.ts';

export type Call = {
  /** As the document has it. */
  name: string;
  args: string[];
  stdin?: string;
  env?: Record<string, string>;
  /** Nothing is known of the cluster yet: kubectl asks first what there is. */
  cold?: true;
  /** Whether this request of the call is the one that is refused; the others are let through. */
  refused(request: KubeRequest): boolean;
};

/** Environment for exec, attach and cp, and for port-forward, by SPDY; by WebSocket otherwise. */
export const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' };

export const CONFIG_MAP = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'another' } });

const configMaps = ({ resource }: KubeRequest) => resource === 'configmaps';
const asked = (verb: string) => (request: KubeRequest) => configMaps(request) && request.verb === verb;
const into = (wanted: string) => (request: KubeRequest) => request.subresource === wanted;
const discovery = ({ isResource }: KubeRequest) => !isResource;
const openApi = ({ path }: KubeRequest) => path.startsWith('/openapi');
const review = ({ group }: KubeRequest) => group === 'authorization.k8s.io' || group === 'authentication.k8s.io';

// They run where there are a pod `web` and a config map `one`.

/** Whose answers kubectl reads. */
export const READ: readonly Call[] = [
  { name: '`get`, a list', args: ['get', 'configmaps'], refused: configMaps },
  { name: '`get`, by name', args: ['get', 'configmap', 'one'], refused: configMaps },
  { name: '`describe`', args: ['describe', 'configmap', 'one'], refused: configMaps },
  { name: '`create`', args: ['create', 'configmap', 'another'], refused: asked('create') },
  { name: '`apply`', args: ['apply', '-f', '-'], stdin: CONFIG_MAP, refused: configMaps },
  {
    name: '`apply --server-side`',
    args: ['apply', '--server-side', '-f', '-'],
    stdin: CONFIG_MAP,
    refused: configMaps,
  },
  { name: '`delete`', args: ['delete', 'configmap', 'one'], refused: configMaps },
  { name: '`get -w`', args: ['get', 'configmaps', '--watch'], refused: asked('watch') },
  { name: '`wait`', args: ['wait', '--for=delete', 'configmap/one', '--timeout=1s'], refused: asked('watch') },
  { name: '`logs`', args: ['logs', 'web'], refused: into('log') },
  { name: '`logs -f`', args: ['logs', '--follow', '--pod-running-timeout=2s', 'web'], refused: into('log') },
  { name: '`exec`, WebSocket', args: ['exec', 'web', '--', 'id'], refused: into('exec') },
  { name: '`exec`, SPDY', args: ['exec', 'web', '--', 'id'], env: SPDY, refused: into('exec') },
  { name: '`attach`, WebSocket', args: ['attach', 'web'], refused: into('attach') },
  { name: '`attach`, SPDY', args: ['attach', 'web'], env: SPDY, refused: into('attach') },
  { name: '`port-forward`, WebSocket', args: ['port-forward', 'web', ':80'], refused: into('portforward') },
  { name: '`port-forward`, SPDY', args: ['port-forward', 'web', ':80'], env: SPDY, refused: into('portforward') },
  { name: '`cp` to a pod', args: ['cp', 'kubeconfig', 'web:/tmp/copied'], refused: into('exec') },
  { name: '`cp` from a pod', args: ['cp', 'web:/etc/passwd', 'copied'], refused: into('exec') },
  { name: '`auth can-i`', args: ['auth', 'can-i', 'list', 'pods'], refused: review },
  { name: '`auth can-i --list`', args: ['auth', 'can-i', '--list'], refused: review },
  { name: '`auth whoami`', args: ['auth', 'whoami'], refused: review },
  {
    name: '`get --raw`, a resource',
    args: ['get', '--raw', '/api/v1/namespaces/default/configmaps'],
    refused: configMaps,
  },
  { name: '`get --raw`, another path', args: ['get', '--raw', '/readyz'], refused: discovery },
];

/** By which kubectl learns what there is: it drops the bodies of most refusals. */
export const DISCOVERY: readonly Call[] = [
  { name: 'the first call of all', args: ['get', 'configmaps'], cold: true, refused: discovery },
  { name: '`api-resources`', args: ['api-resources'], cold: true, refused: discovery },
  { name: '`api-versions`', args: ['api-versions'], cold: true, refused: discovery },
  { name: '`version`', args: ['version'], refused: discovery },
  { name: '`top`', args: ['top', 'pods'], cold: true, refused: discovery },
  { name: '`explain`', args: ['explain', 'pods'], refused: openApi },
  { name: '`create -f`, its validation', args: ['create', '-f', '-'], stdin: CONFIG_MAP, refused: openApi },
];

export const CALLS: readonly Call[] = [...READ, ...DISCOVERY];

/** Throws where there is none of that name. */
export function callNamed(name: string): Call {
  const found = CALLS.find((call) => call.name === name);
  if (!found) throw new Error(`there is no call ${name}`);
  return found;
}
