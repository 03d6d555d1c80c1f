/** Every fact that the audit log can hold, by a stable code. Add, never rename: readers' queries depend on them. */
export const auditCodes = {
  'sign-in.succeeded': 'Signed in',
  'sign-in.failed': 'Sign-in refused',
  'sign-in.limited': 'Sign-in refused: too many attempts',
  'sign-out': 'Signed out',
  'web-session.ended': 'Web session ended by an administrator',
  'user.created': 'User created',
  'user.updated': 'User changed',
  'user.disabled': 'User disabled',
  'user.enabled': 'User enabled',
  'token.created': 'API token created',
  'token.revoked': 'API token revoked',
  'token.exchanged': 'API token given for an id token',
  'token.exchange-refused': 'Exchange of an id token refused',
  'trust.created': 'Trust in an issuer made',
  'trust.removed': 'Trust in an issuer removed',
  'cli.approved': 'Sign-in of a command line approved',
  'cli.denied': 'Sign-in of a command line denied',
  'cli.signed-in': 'Command line signed in',
  'cli.signed-out': 'Command line signed out',
  'cli.replayed': 'A code of a command line came a second time: what it opened was revoked',
  'kubeconfig.issued': 'Kubeconfig issued',
  'link.issued': 'Link made',
  'link-key.added': 'Key for links added',
  'link-key.removed': 'Key for links removed',
  'link.redeemed': 'Link opened in a browser',
  'service.opened': 'Service opened in the browser',
  'service.entered': 'A browser was let in at the origin of a service',
  'keys.rotated': 'A key of the portal replaced',
  'role.created': 'Role created',
  'role.updated': 'Role changed',
  'role.deleted': 'Role deleted',
  'cluster.registered': 'Cluster registered',
  'cluster.updated': 'Cluster changed',
  'cluster.removed': 'Cluster removed',
  'cluster.credential-renewed': "The portal's token on the cluster renewed",
  'session.opened': 'Access session opened',
  'session.refused': 'Access session refused',
  'session.attached': 'A page attached to the session',
  'session.detached': 'The session was left without a page',
  'session.extended': 'Access session extended',
  'session.warned': 'Warned of the coming end',
  'session.hidden-shell': 'The shell reads without echo: what is typed is not recorded',
  'session.dormant': 'Nobody used the session: its account was removed until the next call',
  'session.woken': 'A dormant session was used again',
  'session.ended': 'Access session ended',
  'session.reaped': 'A leftover of a session removed',
  'file.uploaded': 'File uploaded to the sandbox',
  'file.downloaded': 'File downloaded from the sandbox',
  'egress.opened': 'Connection out of the sandbox',
  'egress.closed': 'Connection out of the sandbox ended',
  'egress.refused': 'Connection out of the sandbox refused',
  'recording.viewed': 'Recording watched',
  'recording.exported': 'Recording exported',
  'api.started': 'Kubernetes call that was not finished when written',
  'api.finished': 'Kubernetes call',
  'api.refused': 'Kubernetes call refused by the portal',
} as const;

export type AuditCode = keyof typeof auditCodes;

/** What a feature hands to the audit log. `at` is when it happened, not when it was written. */
export type AuditEvent = {
  at: Date;
  code: AuditCode;
  actorId: string | null;
  actor: string;
  sessionId?: string | null;
  clusterId?: string | null;
  auditId?: string | null;
  clientAddress?: string | null;
  correlationId?: string | null;
  detail?: Record<string, unknown>;
};
