/**
 * What a request to Kubernetes asks for, read exactly as the API server reads it (RequestInfoFactory.NewRequestInfo of
 * k8s.io/apiserver 1.36, pkg/endpoints/request/requestinfo.go). Pure. The strictness about the target's spelling is
 * ours: what two parsers could read differently is refused before anything is decided.
 */
import { requiredValue } from './field-selector.ts';
import { parseTarget } from './request-target.ts';

export type KubeRequest = {
  method: string;
  /** Normalised: what is decided on is what is sent. */
  path: string;
  /** As it came, with its `?`, or empty. */
  query: string;
  /** Kubernetes' verb: get, list, watch, create, …; for paths that name no resource the method in lower case. */
  verb: string;
  isResource: boolean;
  /** Empty for core resources. */
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  /** From the resource on; what follows the subresource is its own (`proxy` paths). */
  parts: readonly string[];
};

export type Refusal = { code: string; status: number; message: string };

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

const verbs: Record<string, string> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Reads method and request target as they came on the wire. */
export function parseKubeRequest(method: string, target: string): KubeRequest | { refused: Refusal } {
  if (!METHODS.includes(method))
    return refuse('method-not-allowed', 405, `The method ${method.slice(0, 20)} is not used by Kubernetes.`);
  const parsed = parseTarget(target);
  if ('refused' in parsed) return refuse('bad-path', 400, parsed.refused);
  const { path, segments, query, parameters } = parsed;
  const base = {
    method,
    path,
    query,
    verb: method.toLowerCase(),
    isResource: false,
    parts: [],
    group: '',
    version: '',
    resource: '',
    subresource: '',
    namespace: '',
    name: '',
  };

  const grouped = segments[0] === 'apis';
  if (segments.length < (grouped ? 4 : 3) || (!grouped && segments[0] !== 'api')) return base;
  const group = grouped ? segments[1]! : '';
  const version = segments[grouped ? 2 : 1]!;
  let rest = segments.slice(grouped ? 3 : 2);

  // /api/v1/watch/… and /api/v1/proxy/…: the verb in the path, from before watch was a parameter.
  let verb = verbs[method] ?? '';
  const special = rest[0] === 'watch' || rest[0] === 'proxy';
  if (special) {
    verb = rest[0]!;
    rest = rest.slice(1);
    if (rest.length === 0) return refuse('bad-path', 400, `The path ${path} names no resource.`);
  }

  let namespace = '';
  if (rest[0] === 'namespaces' && rest[1] !== undefined) {
    namespace = rest[1];
    // `status` and `finalize` are subresources of the namespace itself; anything else is a resource within it.
    if (rest[2] !== undefined && rest[2] !== 'status' && rest[2] !== 'finalize') rest = rest.slice(2);
  }

  const resource = rest[0]!;
  let name = rest[1] ?? '';
  const subresource = verb === 'proxy' ? '' : (rest[2] ?? '');
  if (name === '' && verb === 'get') {
    const options = listOptions(parameters);
    verb = options.watch ? 'watch' : 'list';
    name = options.name;
  }
  if (name === '' && verb === 'delete') verb = 'deletecollection';
  return { ...base, verb, isResource: true, group, version, resource, subresource, namespace, name, parts: rest };
}

function refuse(code: string, status: number, message: string): { refused: Refusal } {
  return { refused: { code, status, message } };
}

/** A list that is a watch, or that can only return one named object, is authorised as such. */
function listOptions(parameters: ReadonlyMap<string, readonly string[]>): { watch: boolean; name: string } {
  const first = (key: string) => parameters.get(key)?.[0];
  const watch = first('watch') !== undefined && !['false', '0'].includes(first('watch')!.toLowerCase());
  // Where one option does not parse, the API server forgets all of them but watch.
  if ([first('limit'), first('timeoutSeconds')].some((value) => value !== undefined && !isInt64(value)))
    return { watch, name: '' };
  const name = requiredValue(first('fieldSelector') ?? '', 'metadata.name');
  return { watch, name: name !== null && isPathSegment(name) ? name : '' };
}

/** As strconv.ParseInt(text, 10, 64). */
function isInt64(text: string): boolean {
  if (!/^[+-]?\d+$/.test(text)) return false;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, value) === value;
}

function isPathSegment(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/%]/.test(name);
}
