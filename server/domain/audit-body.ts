/**
 * What the audit log keeps of the body of a write: what was asked for, without what is secret in it. Pure; one walk over
 * the parsed value with its path. Where it is not known whether something is secret, it is masked.
 */
import type { KubeRequest } from './kube-request.ts';
import { redactText } from './redaction.ts';

export const MASK = '***';

/** A body as an event keeps it, or why there is none, or only which object it is. */
export type AuditBody = { body?: unknown; bodyLeftOut?: string };

/** Deeper than any object of Kubernetes' own is. */
const MOST_DEPTH = 40;
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
/** What says of a Secret which one it is, and of which kind. */
const SECRET_SHOWN = new Set(['apiVersion', 'kind', 'type', 'immutable']);
const SECRET_NAMED = new Set(['name', 'namespace', 'labels', 'generateName']);

type Key = string | number;

/**
 * @param value the parsed body, or of JSON Patch (RFC 6902) its list of operations.
 * @param masked paths that an operator names: keys between dots, `*` for any, as `spec.values.*.dsn`.
 */
export function maskedBody(value: unknown, request: BodyRequest, masked: readonly string[] = []): unknown {
  const secret = isSecretResource(request);
  const rules = { paths: masked.map((path) => path.split('.')) };
  if (Array.isArray(value)) return value.map((operation) => maskedOperation(operation, secret, rules));
  return walk(value, [], secret, rules);
}

export type BodyRequest = Pick<KubeRequest, 'group' | 'resource'>;
type Rules = { paths: readonly (readonly string[])[] };

function isSecretResource({ group, resource }: BodyRequest): boolean {
  return group === '' && resource === 'secrets';
}

/** One of JSON Patch: what its pointer points at says whether its value is secret. */
function maskedOperation(operation: unknown, secret: boolean, rules: Rules): unknown {
  if (!isObject(operation)) return MASK;
  const { op, path, from, value } = operation;
  const kept: Record<string, unknown> = {};
  if (typeof op === 'string') kept['op'] = shown(op);
  if (typeof path === 'string') kept['path'] = shown(path);
  if (typeof from === 'string') kept['from'] = shown(from);
  if ('value' in operation)
    kept['value'] =
      secret || typeof path !== 'string' || isUnnamed(path) ? hidden(value) : walk(value, keysOf(path), false, rules);
  return kept;
}

/** The value of an entry, or a word of a command line: what it is called, the operation does not say. */
function isUnnamed(pointer: string): boolean {
  return /\/(\d+|-)\/value$|\/(args|command)(\/(\d+|-))?$/.test(pointer);
}

/** RFC 6901: `~1` is a slash, `~0` a tilde. */
function keysOf(pointer: string): Key[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((key) => (/^(\d+|-)$/.test(key) ? 0 : key));
}

function walk(value: unknown, path: readonly Key[], secret: boolean, rules: Rules): unknown {
  if (path.length > MOST_DEPTH) return MASK;
  const last = path.at(-1);
  if (last === LAST_APPLIED || rules.paths.some((named) => covers(named, path))) return hidden(value);
  if (typeof last === 'string' && isCredential(last) && isContainer(value)) return hidden(value);
  if (Array.isArray(value)) return maskedList(value, path, secret, rules);
  if (isObject(value)) return maskedObject(value, path, secret, rules);
  if (secret && value !== null) return MASK;
  if (typeof value === 'string') {
    if (typeof last === 'string' && isSensitive(last)) return MASK;
    return shown(value);
  }
  return value;
}

function maskedObject(value: Fields, path: readonly Key[], secret: boolean, rules: Rules): unknown {
  const kind = kindOf(value);
  const isList = kind.endsWith('list') || (secret && Array.isArray(value['items']));
  if (!isList && (secret || (kind === 'secret' && !isReference(value)))) return maskedSecret(value, path, rules);
  if (isList && (secret || kind === 'secretlist'))
    return fields(value, (key, field) => {
      if (key === 'items') return walk(field, [...path, key], true, rules);
      return SECRET_SHOWN.has(key) && typeof field === 'string' ? shown(field) : hidden(field);
    });
  // `{name: DB_PASSWORD, value: …}`, as the environment of a container has it.
  const named = typeof value['name'] === 'string' && VARIABLE.test(plainOf(value['name']));
  return fields(value, (key, field) => {
    if (key === 'managedFields') return MASK;
    if (key === 'binaryData') return hidden(field);
    if (named && key === 'value') return hidden(field);
    return walk(field, [...path, key], false, rules);
  });
}

/** In whatever case: other readers of JSON than Kubernetes' do not tell them apart. */
function kindOf(value: Fields): string {
  const key = Object.keys(value).find((one) => one.toLowerCase() === 'kind');
  const kind = key === undefined ? undefined : value[key];
  return typeof kind === 'string' ? kind.toLowerCase() : '';
}

const REFERENCE = new Set([
  'kind',
  'name',
  'namespace',
  'group',
  'apiGroup',
  'apiVersion',
  'uid',
  'fieldPath',
  'controller',
]);

/** It names a Secret and holds nothing of it. */
function isReference(value: Fields): boolean {
  return Object.entries(value).every(([key, field]) => REFERENCE.has(key) && !isContainer(field));
}

/** Which one it is, and the names of what it holds. */
function maskedSecret(value: Fields, path: readonly Key[], rules: Rules): unknown {
  return fields(value, (key, field) => {
    if (SECRET_SHOWN.has(key) && !isContainer(field)) return typeof field === 'string' ? shown(field) : field;
    if (key !== 'metadata' || !isObject(field)) return hidden(field);
    return fields(field, (name, part) =>
      SECRET_NAMED.has(name) ? walk(part, [...path, key, name], false, rules) : hidden(part),
    );
  });
}

function maskedList(value: unknown[], path: readonly Key[], secret: boolean, rules: Rules): unknown {
  return value.map((item, at) => {
    const before = value[at - 1];
    // `--password`, `hunter2`: of a command line the next word.
    if (typeof item === 'string' && typeof before === 'string' && /^--?[^=]*$/.test(before) && isSensitive(before))
      return MASK;
    return walk(item, [...path, at], secret, rules);
  });
}

/** The same shape, with nothing in it: keys stay, at the top at least. */
function hidden(value: unknown): unknown {
  return isObject(value) ? fields(value, () => MASK) : MASK;
}

function covers(named: readonly string[], path: readonly Key[]): boolean {
  return named.length === path.length && named.every((key, at) => key === '*' || key === String(path[at]));
}

/** Wherever they are in a name, all that it holds is a credential. */
const CREDENTIAL =
  /password|passwd|passphrase|apikey|accesskey|privatekey|clientsecret|secretkey|bearertoken|credential|htpasswd|dockerconfigjson|dockercfg|connectionstring/;
/** At the end of a name, of a text: Kubernetes gives these to objects as well. */
const WEAK = /(token|tokens|secret|secrets|pwd|pass|auth|authorization|cookie|dsn|jwt|kubeconfig)$/;
/** What only points at one, and what a reader of the log wants to know. */
const POINTER = /(ref|refs|name|names|namespace|path|file|url|uri|policy|seconds|enabled|type|class|kind)$/;
/** In the name of a variable or a header, wherever. */
const VARIABLE =
  /password|passwd|passphrase|pwd|secret|token|apikey|accesskey|privatekey|credential|connectionstring|authorization|cookie|dsn/;

/** `dbPassword`, `GITHUB_TOKEN`, `client-secret`. */
function isSensitive(name: string): boolean {
  const plain = plainOf(name);
  return !POINTER.test(plain) && (CREDENTIAL.test(plain) || WEAK.test(plain));
}

function isCredential(name: string): boolean {
  const plain = plainOf(name);
  return !POINTER.test(plain) && CREDENTIAL.test(plain);
}

function plainOf(name: string): string {
  return name
    .slice(0, 256)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}

/** In running text, as a file in a ConfigMap or a word of a command line: `password=hunter2`, `token: abc`. */
const IN_TEXT =
  /((?:password|passwd|passphrase|pwd|token|secret|api[-_]?key|access[-_]?key|private[-_]?key)["']?[ \t]{0,8}[:=][ \t]{0,8})("[^"\n]*"?|'[^'\n]*'?|[^\s,;"']+)/gi;

function shown(text: string): string {
  return redactText(text).replace(IN_TEXT, (_, before: string) => before + MASK);
}

type Fields = Record<string, unknown>;

function fields(value: Fields, of: (key: string, field: unknown) => unknown): Fields {
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [shown(key.slice(0, 256)), of(key, field)]));
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
