import { parse } from 'yaml';
import { expect, test } from 'vitest';
import { outline, withContext, withoutContexts, type Entry } from './kubeconfig.ts';

const entry: Entry = {
  name: 'sallyport-prod',
  portal: 'https://portal.example',
  cluster: 'prod',
  role: null,
  namespace: 'shop',
  server: 'https://gateway.example/k8s/prod',
  authority: 'QUJD'.repeat(60),
};
const added = (text: string, changed: Partial<Entry> = {}) =>
  withContext(text, 'config', { ...entry, ...changed }, { current: true });

const OTHERS = `# mine
apiVersion: v1
kind: Config
current-context: home
clusters:
  # at home
  - name: home
    cluster: {server: "https://10.0.0.1:6443", certificate-authority-data: ${'QUJD'.repeat(60)}}
users:
  - name: home
    user:
      token: keep-me # by hand
contexts:
  - {name: home, context: {cluster: home, user: home}}
preferences: {}
`;

test('an empty file becomes a kubeconfig with an exec plugin and nothing secret', () => {
  expect(parse(added(''))).toEqual({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'sallyport-prod',
        cluster: { server: entry.server, 'certificate-authority-data': entry.authority },
      },
    ],
    users: [
      {
        name: 'sallyport-prod',
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1',
            command: 'sallyport',
            args: ['kube', 'credential', '--portal', 'https://portal.example', '--cluster', 'prod'],
            interactiveMode: 'IfAvailable',
            provideClusterInfo: false,
            installHint: expect.stringContaining('sallyport login'),
          },
        },
      },
    ],
    contexts: [
      {
        name: 'sallyport-prod',
        context: { cluster: 'sallyport-prod', user: 'sallyport-prod', namespace: 'shop' },
      },
    ],
    'current-context': 'sallyport-prod',
  });
});

test('what is there stays: entries, comments, order', () => {
  const text = added(OTHERS);
  for (const line of ['# mine', '# at home', 'token: keep-me # by hand', 'preferences: {}'])
    expect(text).toContain(line);
  const [before, after] = [parse(OTHERS), parse(text)];
  for (const list of ['clusters', 'users', 'contexts']) expect(after[list][0]).toEqual(before[list][0]);
  expect(after['current-context']).toBe('sallyport-prod');
  expect(outline(text, 'config')).toEqual({ contexts: ['home', 'sallyport-prod'], current: 'sallyport-prod' });
});

test('a second time changes nothing, another role is another context, and one of the same name is replaced', () => {
  const once = added(OTHERS);
  expect(added(once)).toBe(once);
  const two = added(once, { name: 'sallyport-prod-admin', role: 'admin' });
  expect(outline(two, 'config').contexts).toEqual(['home', 'sallyport-prod', 'sallyport-prod-admin']);
  expect(parse(two).users[2].user.exec.args.slice(-2)).toEqual(['--role', 'admin']);
  const replaced = added('users: [{name: sallyport-prod, user: {token: old}}]\n');
  expect(parse(replaced).users).toHaveLength(1);
  expect(replaced).not.toContain('old');
});

test('without being the current one it leaves that alone', () => {
  const text = withContext(OTHERS, 'config', entry, { current: false });
  expect(parse(text)['current-context']).toBe('home');
});

test.each(['clusters: null\nusers: null\ncontexts: null\n', 'clusters: []\nusers: []\ncontexts: []\n'])(
  'lists that kubectl left empty are filled: %j',
  (text) => expect(parse(added(text)).contexts).toHaveLength(1),
);

test('a context of another portal is not taken over', () => {
  expect(() => added(added(''), { portal: 'https://other.example' })).toThrow(/--context/);
});

test.each(['- a\n- b\n', 'just words', 'a: [', '{'])('%j is no kubeconfig, and is left alone', (text) =>
  expect(() => added(text)).toThrow(/no kubeconfig/),
);

test('only our contexts of that portal go, of one cluster or of all, and the current one with them', () => {
  const three = added(added(added(OTHERS), { name: 'other', cluster: 'test' }), {
    name: 'elsewhere',
    portal: 'https://other.example',
  });
  const portal = entry.portal;
  const one = withoutContexts(three, 'config', { portal, cluster: 'test' });
  expect(one.removed).toEqual(['other']);
  expect(outline(one.text, 'config').contexts).toEqual(['home', 'sallyport-prod', 'elsewhere']);
  const all = withoutContexts(three, 'config', { portal, cluster: null });
  expect(all.removed).toEqual(['sallyport-prod', 'other']);
  expect(outline(all.text, 'config')).toEqual({ contexts: ['home', 'elsewhere'], current: 'elsewhere' });
  const last = withoutContexts(added(OTHERS), 'config', { portal, cluster: null });
  expect(outline(last.text, 'config')).toEqual({ contexts: ['home'], current: null });
  expect(withoutContexts(OTHERS, 'config', { portal, cluster: null })).toEqual({ text: OTHERS, removed: [] });
});
