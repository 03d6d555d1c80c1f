/** What the gateway refuses to a role's people, in a line. */
import type { Role } from '../../../server/http/schemas.ts';
import { openPolicy, type Policy } from './policy.ts';

export function policySummary(role: Pick<Role, keyof Policy>): string {
  const parts: string[] = [];
  if (role.readOnly) parts.push('all but reads');
  const closed = openPolicy.connect.filter((way) => !role.connect.includes(way));
  if (closed.length > 0 && !role.readOnly) parts.push(closed.join(', '));
  if (role.secrets === 'none') parts.push('Secrets');
  if (role.secrets === 'read') parts.push('changes of Secrets');
  const rules = role.allow.length + role.deny.length;
  if (rules > 0) parts.push(`by ${rules} ${rules === 1 ? 'rule' : 'rules'}`);
  const paths = role.paths.length + role.proxyPaths.length;
  if (paths > 0) parts.push(`all but ${paths} ${paths === 1 ? 'path' : 'paths'}`);
  return parts.join('; ') || 'nothing more';
}
