/** Who makes a request, and by which proof. */
export type PortalRole = 'admin' | 'auditor' | 'member';
export type Scope = 'read' | 'sessions' | 'admin';

export type Person = {
  id: string;
  email: string;
  name: string;
  slug: string;
  groups: string[];
  /** The strongest portal right of the person's roles. */
  portal: PortalRole;
  proof: Proof;
};

/** A sign-in or an API token: good until it is ended or revoked, and no longer than `expiresAt`. */
export type Proof = { id: string; expiresAt: Date } & (
  | { kind: 'web-session' }
  /** Scopes narrow what the person may do, they never widen it. `exchanged`: for an id token of a job that ends soon. */
  | { kind: 'api-token'; scopes: Scope[]; exchanged: boolean }
);
