/** What a signed link opens: calls of these verbs at these paths of one cluster, from a time on. Pure. */
import { matchesPath } from './glob.ts';
import type { KubeRequest, Refusal } from './kube-request.ts';

export const LINK_VERBS = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'connect',
] as const;

export type LinkGrant = {
  /** Globs for the path on the cluster: `*` within a part, `**` over parts. The query is free. */
  paths: readonly string[];
  /** Kubernetes' verbs; `connect` for what opens a stream into something: exec, attach, port-forward, an upgrade. */
  verbs: readonly string[];
  notBefore: Date;
  /** For one person, who proves that it is them in a browser: a token alone does not. */
  personal: boolean;
  /** What the key may that signed it, besides; null: the portal's own. */
  within: { paths: readonly string[]; verbs: readonly string[] } | null;
};

/** A GET may open a stream: then it is no read (Kubernetes #78741). */
const STREAMS = new Set(['exec', 'attach', 'portforward']);

/** Null: within the link. `inBrowser`: it was redeemed there, by whom it is for. */
export function linkRefusal(
  request: Pick<KubeRequest, 'method' | 'path' | 'verb' | 'subresource'> & { upgrade: boolean },
  { paths, verbs, notBefore, personal, within }: LinkGrant,
  now: Date,
  inBrowser = false,
): Refusal | null {
  if (personal && !inBrowser)
    return {
      code: 'link-personal',
      status: 403,
      message: 'This link is for one person, who opens it in a browser and signs in. It is no token for a program.',
    };
  if (now < notBefore) return refuse('link-early', 403, `This link opens nothing before ${notBefore.toISOString()}.`);
  const verb = STREAMS.has(request.subresource) || request.upgrade ? 'connect' : request.verb;
  if (!verbs.includes(verb))
    return refuse('link-refused', 403, `This link lets nobody ${verb}: it is for ${verbs.join(', ')}.`);
  if (!paths.some((path) => matchesPath(path, request.path)))
    return refuse('link-refused', 403, `This link does not open ${request.path}.`);
  if (within && !(within.verbs.includes(verb) && within.paths.some((path) => matchesPath(path, request.path))))
    return refuse('link-past-limits', 403, `The key that signed this link may not open ${request.path} to ${verb}.`);
  return null;
}

function refuse(code: string, status: number, message: string): Refusal {
  return { code, status, message: `${message} Ask whoever gave it to you for another.` };
}
