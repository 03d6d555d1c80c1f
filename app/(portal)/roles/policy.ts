/** What the gateway refuses to a role's people: the part of a role that server/domain/api-policy.ts decides by. */
import type { Role } from '../../../server/http/schemas.ts';

export type Policy = Pick<
  Role,
  | 'readOnly'
  | 'connect'
  | 'secrets'
  | 'mintCredentials'
  | 'allow'
  | 'deny'
  | 'paths'
  | 'proxyPaths'
  | 'impersonateUsers'
  | 'impersonateGroups'
  | 'recordStreams'
  | 'wakeBy'
>;

/** As the portal has it where nothing is said. */
export const openPolicy: Policy = {
  readOnly: false,
  connect: ['exec', 'attach', 'port-forward', 'ephemeral-containers', 'service-proxy', 'pod-proxy'],
  secrets: 'write',
  mintCredentials: false,
  allow: [],
  deny: [],
  paths: [],
  proxyPaths: [],
  impersonateUsers: [],
  impersonateGroups: [],
  recordStreams: 'when-possible',
  wakeBy: 'call',
};
