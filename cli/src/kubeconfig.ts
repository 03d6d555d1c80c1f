/** Contexts of ours in the text of a kubeconfig, beside what else is in it: comments and order stay. Pure. */
import { isMap, isSeq, parseDocument, type Document, type YAMLMap, type YAMLSeq } from 'yaml';
import { Failure } from './failure.ts';

/** A context, its cluster and its user, all of one name. */
export type Entry = {
  name: string;
  portal: string;
  cluster: string;
  role: string | null;
  namespace: string;
  /** `https://gateway/k8s/<cluster>` */
  server: string;
  /** Base64 of the PEM that the gateway's certificate is verified by; null: what the machine trusts. */
  authority: string | null;
};

const LISTS = ['clusters', 'users', 'contexts'] as const;

/** With that context, in place of one of the same name; `current`: as the current one. Throws Failure. */
export function withContext(text: string, file: string, entry: Entry, { current }: { current: boolean }): string {
  const document = opened(text, file);
  const before = execOf(find(document, 'users', entry.name));
  if (before && before.portal !== entry.portal)
    throw new Failure(
      `${file} has a context ${entry.name} of another portal, ${before.portal}. Choose another name with --context NAME.`,
    );
  const { name, namespace, server, authority } = entry;
  put(document, 'clusters', name, {
    cluster: { server, ...(authority === null ? {} : { 'certificate-authority-data': authority }) },
  });
  put(document, 'users', name, { user: { exec: execFor(entry) } });
  put(document, 'contexts', name, { context: { cluster: name, user: name, namespace } });
  if (current) document.set('current-context', name);
  return document.toString({ lineWidth: 0 });
}

/** Without our contexts of that portal, of one cluster or of all; `removed` are their names. */
export function withoutContexts(
  text: string,
  file: string,
  which: { portal: string; cluster: string | null },
): { text: string; removed: string[] } {
  const document = opened(text, file);
  const removed = items(document, 'users')
    .filter((user) => {
      const exec = execOf(user);
      return exec?.portal === which.portal && (which.cluster === null || exec.cluster === which.cluster);
    })
    .map((user) => String(user.get('name')));
  if (!removed.length) return { text, removed };
  for (const list of LISTS) {
    const sequence = document.get(list);
    if (isSeq(sequence))
      sequence.items = sequence.items.filter((item) => !isMap(item) || !removed.includes(String(item.get('name'))));
  }
  if (removed.includes(String(document.get('current-context')))) document.set('current-context', '');
  return { text: document.toString({ lineWidth: 0 }), removed };
}

/** What a kubeconfig says of contexts and of which is current. */
export function outline(text: string, file: string): { contexts: string[]; current: string | null } {
  const document = opened(text, file);
  const current = document.get('current-context');
  return {
    contexts: items(document, 'contexts').map((item) => String(item.get('name'))),
    current: typeof current === 'string' && current !== '' ? current : null,
  };
}

function execFor({ portal, cluster, role }: Entry) {
  return {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'sallyport',
    args: ['kube', 'credential', '--portal', portal, '--cluster', cluster, ...(role === null ? [] : ['--role', role])],
    interactiveMode: 'IfAvailable',
    provideClusterInfo: false,
    installHint: 'kubectl gets its credentials from the Sallyport command line: install it, then run sallyport login.',
  };
}

/** Whose credentials a user entry gets from this program; null where it does not. */
function execOf(user: YAMLMap | undefined): { portal: string; cluster: string } | null {
  const exec = user?.getIn(['user', 'exec']);
  if (!isMap(exec) || exec.get('command') !== 'sallyport') return null;
  const list = exec.get('args');
  const args = isSeq(list) ? (list.toJSON() as unknown[]).map(String) : [];
  const after = (name: string) => args[args.indexOf(name) + 1] ?? '';
  return args.includes('--portal') && args.includes('--cluster')
    ? { portal: after('--portal'), cluster: after('--cluster') }
    : null;
}

function opened(text: string, file: string): Document {
  const document = parseDocument(text.trim() === '' ? 'apiVersion: v1\nkind: Config\n' : text);
  if (document.errors.length > 0 || !isMap(document.contents))
    throw new Failure(
      `${file} is no kubeconfig: it is not a mapping in YAML. Repair it, or name another in KUBECONFIG.`,
    );
  return document;
}

function items(document: Document, list: string): YAMLMap[] {
  const sequence = document.get(list);
  return isSeq(sequence) ? sequence.items.filter(isMap) : [];
}

function find(document: Document, list: string, name: string): YAMLMap | undefined {
  return items(document, list).find((item) => item.get('name') === name);
}

function put(document: Document, list: string, name: string, body: object): void {
  let sequence = document.get(list) as YAMLSeq | undefined;
  if (!isSeq(sequence)) {
    sequence = document.createNode([]) as YAMLSeq;
    document.set(list, sequence);
  }
  // `clusters: []` would put everything on its line.
  sequence.flow = false;
  const node = document.createNode({ name, ...body });
  const at = sequence.items.findIndex((item) => isMap(item) && item.get('name') === name);
  if (at === -1) sequence.items.push(node);
  else sequence.items[at] = node;
}
