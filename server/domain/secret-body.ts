/**
 * Whether a body that writes a Secret makes a credential of the cluster: Kubernetes mints a service-account token into
 * the one type, and takes the other for a bootstrap token (kubeadm, k3s), whose groups its maker chooses. Sound rather
 * than precise: any mention of a type counts, in whatever spelling the body's encoding allows. Pure.
 */
import type { Refusal } from './kube-request.ts';

const TOKEN_TYPES = ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'];

/** Bodies whose strings may be escaped in JSON's ways, and the one whose strings are raw bytes. */
const readable = new Set([
  'application/json',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
]);

/**
 * `text` is the body as latin1, so that every byte is one character. Bodies of the YAML types must be JSON, which is
 * YAML and what kubectl, helm and the client libraries send: YAML's tags, anchors and folds would hide a string.
 */
export function secretBodyRefusal(contentType: string, contentEncoding: string, text: string): Refusal | null {
  const type = contentType.split(';')[0]!.trim().toLowerCase();
  if (contentEncoding !== '' && contentEncoding.toLowerCase() !== 'identity')
    return refuse('secret-body-unreadable', 415, 'Secrets are accepted without content encoding only.');
  if (type !== '' && !readable.has(type))
    return refuse('secret-body-unreadable', 415, `Secrets are not accepted as ${type.slice(0, 80)}: send JSON.`);
  const binary = type === 'application/vnd.kubernetes.protobuf';
  if (!binary && !isJson(text))
    return refuse('secret-body-unreadable', 415, 'Secrets are accepted as JSON only: the body does not parse as such.');
  const plain = binary ? text : unescape(text);
  const minted = TOKEN_TYPES.find((one) => plain.includes(one));
  if (minted === undefined) return null;
  return refuse(
    'token-minting-refused',
    403,
    `Secrets of the type ${minted} are refused: the token in them would outlive this session and carry no name.`,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Both escapes by which JSON can spell the types' characters. */
function unescape(text: string): string {
  return text
    .replace(/\\u00([0-7][0-9a-fA-F])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll('\\/', '/');
}

function refuse(code: string, status: number, message: string): Refusal {
  return { code, status, message };
}
