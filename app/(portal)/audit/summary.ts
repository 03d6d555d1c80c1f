import type { ApiCallDetail, AuditEventBody } from '../../../server/http/schemas.ts';

/** A Kubernetes call in one line, as kubectl's users would say it: "get pods/web-1 -n shop → 200". */
export function callLine(detail: Partial<ApiCallDetail>): string {
  const kind = [detail.resource, detail.subresource].filter(Boolean).join('/');
  const what = kind
    ? `${detail.verb ?? ''} ${kind}${detail.name ? ` ${detail.name}` : ''}`
    : `${detail.verb ?? detail.method ?? ''} ${detail.path ?? ''}`;
  return `${what.trim()}${detail.namespace ? ` -n ${detail.namespace}` : ''}`;
}

/** An event's detail in one line. */
export function summary(event: Pick<AuditEventBody, 'code' | 'detail'>): string {
  if (event.code.startsWith('api.')) {
    const detail = event.detail as Partial<ApiCallDetail>;
    return `${callLine(detail)}${detail.status ? ` → ${detail.status}` : ''}`;
  }
  return Object.entries(event.detail)
    .filter(([, value]) => value !== null && value !== '')
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
}
