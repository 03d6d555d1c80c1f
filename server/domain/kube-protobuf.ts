/**
 * Which object a body in Kubernetes' protobuf is: kubectl's `create` commands and typed clients write so. What else it
 * holds has no names without the type's schema, and is not read. Pure; the envelope is runtime.Unknown behind "k8s\0"
 * (k8s.io/apimachinery, pkg/runtime/generated.proto), the fields of ObjectMeta those of pkg/apis/meta/v1.
 */

export type ObjectHead = {
  apiVersion: string;
  kind: string;
  metadata: { name?: string; generateName?: string; namespace?: string; labels?: Record<string, string> };
};

const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const LENGTH_DELIMITED = 2;

/** Null where it is none. */
export function objectHead(body: Uint8Array): ObjectHead | null {
  if (!MAGIC.every((byte, at) => body[at] === byte)) return null;
  const envelope = fieldsOf(body.subarray(MAGIC.length));
  const [typeMeta, raw] = [envelope?.get(1)?.at(-1), envelope?.get(2)?.at(-1)];
  const type = typeMeta && fieldsOf(typeMeta);
  if (!type) return null;
  // Of DeleteOptions and its like the first field is no metadata, and reads as none.
  const first = raw && fieldsOf(raw)?.get(1)?.at(-1);
  const meta = (first && fieldsOf(first)) ?? new Map<number, Uint8Array[]>();
  const name = textAt(meta, 1);
  const generateName = textAt(meta, 2);
  const namespace = textAt(meta, 3);
  const labels = (meta.get(11) ?? []).flatMap((entry) => {
    const pair = fieldsOf(entry);
    return pair ? [[textAt(pair, 1) ?? '', textAt(pair, 2) ?? ''] as const] : [];
  });
  return {
    apiVersion: textAt(type, 1) ?? '',
    kind: textAt(type, 2) ?? '',
    metadata: {
      ...(name ? { name } : {}),
      ...(generateName ? { generateName } : {}),
      ...(namespace ? { namespace } : {}),
      ...(labels.length > 0 ? { labels: Object.fromEntries(labels) } : {}),
    },
  };
}

/** Its length-delimited fields by number; null where it is no message. */
function fieldsOf(message: Uint8Array): Map<number, Uint8Array[]> | null {
  const found = new Map<number, Uint8Array[]>();
  let at = 0;
  const varint = (): number | null => {
    let value = 0;
    for (let byte = 0; byte < 10; byte++) {
      const next = message[at++];
      if (next === undefined) return null;
      // Past 2^53 nothing that is looked for can be; the number only has to be passed over.
      value += (next & 0x7f) * 2 ** (7 * byte);
      if (next < 0x80) return value;
    }
    return null;
  };
  while (at < message.length) {
    const tag = varint();
    if (tag === null) return null;
    const [field, type] = [Math.floor(tag / 8), tag % 8];
    if (type === LENGTH_DELIMITED) {
      const length = varint();
      if (length === null || at + length > message.length) return null;
      found.set(field, [...(found.get(field) ?? []), message.subarray(at, at + length)]);
      at += length;
    } else if (type === 0) {
      if (varint() === null) return null;
    } else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else return null;
  }
  return at === message.length ? found : null;
}

function textAt(message: Map<number, Uint8Array[]>, field: number): string | undefined {
  const bytes = message.get(field)?.at(-1);
  return bytes && new TextDecoder().decode(bytes);
}
