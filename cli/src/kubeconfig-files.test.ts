import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addContext, removeContexts } from './kubeconfig-files.ts';
import { outline } from './kubeconfig.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sallyport-kubeconfig-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string) => join(folder, name);
const env = (...names: string[]) => ({ HOME: folder, KUBECONFIG: names.map(file).join(delimiter) });
const entry = (name: string) => ({
  name,
  portal: 'https://portal.example',
  cluster: 'prod',
  role: null,
  namespace: 'default',
  server: 'https://gateway.example/k8s/prod',
  authority: null,
});
const read = (name: string) => outline(readFileSync(file(name), 'utf8'), name);

test('without KUBECONFIG it is ~/.kube/config, for its person alone', async () => {
  const path = await addContext({ HOME: folder }, entry('one'));
  expect(path).toBe(file('.kube/config'));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(file('.kube'))).toEqual(['config']);
});

test('of several files: the first that exists, and later the one that has it; none exists: the last', async () => {
  expect(await addContext(env('a', 'b'), entry('none-yet'))).toBe(file('b'));
  writeFileSync(file('a'), 'kind: Config\n', { mode: 0o640 });
  expect(await addContext(env('a', 'b'), entry('new'))).toBe(file('a'));
  expect(statSync(file('a')).mode & 0o777).toBe(0o640);
  expect(await addContext(env('a', 'b'), entry('none-yet'))).toBe(file('b'));
  expect(read('a').contexts).toEqual(['new']);
});

test('the file that says which context is current says it from now on', async () => {
  writeFileSync(file('a'), 'kind: Config\n');
  writeFileSync(file('b'), '# b\ncurrent-context: old\n');
  await addContext(env('a', 'b'), entry('new'));
  expect(read('a')).toEqual({ contexts: ['new'], current: null });
  expect(readFileSync(file('b'), 'utf8')).toBe('# b\ncurrent-context: new\n');
});

test('a link stays one, and its file is changed', async () => {
  writeFileSync(file('real'), 'kind: Config\n');
  symlinkSync(file('real'), file('link'));
  await addContext(env('link'), entry('new'));
  expect(lstatSync(file('link')).isSymbolicLink()).toBe(true);
  expect(read('real').contexts).toEqual(['new']);
});

test('many at once lose nothing', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `context-${index}`);
  await Promise.all(names.map((name) => addContext(env('a'), entry(name))));
  expect(read('a').contexts.toSorted()).toEqual(names);
});

test('contexts go from every file, and other files stay as they are', async () => {
  await addContext(env('a'), entry('one'));
  await addContext(env('b'), entry('two'));
  writeFileSync(file('c'), '# {nothing of ours}\nkind:   Config\n');
  const removed = await removeContexts(env('a', 'b', 'c', 'missing'), {
    portal: 'https://portal.example',
    cluster: null,
  });
  expect(removed).toEqual(['one', 'two']);
  expect(readFileSync(file('c'), 'utf8')).toBe('# {nothing of ours}\nkind:   Config\n');
});

test('what is no kubeconfig is left alone, and said', async () => {
  writeFileSync(file('a'), 'not: [yaml');
  await expect(addContext(env('a'), entry('new'))).rejects.toThrow(`${file('a')} is no kubeconfig`);
  expect(readFileSync(file('a'), 'utf8')).toBe('not: [yaml');
});
