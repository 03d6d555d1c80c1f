/** Trusts of service users in issuers of id tokens: made and removed by administrators, and what they gave with them. */
import type { Db } from '../../db/client.ts';
import { countTrusts, insertTrust, listTrusts, removeTrust, type TrustRow } from '../../db/queries/trusts.ts';
import type { AuditEvent } from '../domain/audit-codes.ts';
import { trustFault } from '../domain/federation.ts';
import type { Scope } from '../domain/person.ts';
import { Problem } from '../domain/problem.ts';
import type { ApiTokens, Source } from './api-tokens.ts';
import type { TrustedIssuers } from './trusted-issuers.ts';

/** Of an installation: each issuer is somebody whose keys are asked for. */
const MOST = 500;

export type TrustWish = {
  name: string;
  issuer: string;
  audience: string;
  owner: { claim: string; value: string };
  conditions: { claim: string; pattern: string }[];
  scopes: Scope[];
  lifetimeMs: number;
};

export type TrustsDeps = {
  db: Db;
  issuers: Pick<TrustedIssuers, 'probe'>;
  apiTokens: Pick<ApiTokens, 'revoke'>;
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

export class Trusts {
  readonly #deps: TrustsDeps;

  constructor(deps: TrustsDeps) {
    this.#deps = deps;
  }

  list(userId: string): Promise<TrustRow[]> {
    return listTrusts(this.#deps.db, userId);
  }

  /**
   * The issuer has to answer, so that a wrong address is seen now and not by the first job. Throws Problem
   * `trust-invalid`, `trust-exists`, `too-many-trusts`, `issuer-unavailable`, `address-refused`.
   */
  async create(user: { id: string; name: string }, wish: TrustWish, by: Source): Promise<TrustRow> {
    const { db, issuers, audit, now } = this.#deps;
    const { name, issuer, audience, owner, conditions, scopes, lifetimeMs } = wish;
    const rule = { issuer, audience, ownerClaim: owner.claim, ownerValue: owner.value, conditions };
    const fault = trustFault(rule);
    if (fault) throw new Problem('trust-invalid', 422, fault, { next: 'Correct the trust; docs/ci.md has examples.' });
    if ((await countTrusts(db)) >= MOST)
      throw new Problem('too-many-trusts', 409, `There may be ${MOST} trusts at once.`, {
        next: 'Remove one that is no longer used.',
      });
    await issuers.probe(issuer);
    const at = now();
    const row = await insertTrust(db, {
      ...rule,
      userId: user.id,
      name,
      scopes: [...new Set(scopes)],
      lifetimeMs,
      createdAt: at,
      createdBy: by.actorId,
    });
    if (!row)
      throw new Problem('trust-exists', 409, `There is a trust ${name} already.`, { next: 'Give another name.' });
    const detail = { id: row.id, user: user.name, name, ...rule, scopes: row.scopes, lifetimeMs };
    await audit.record({ at, code: 'trust.created', ...by, detail });
    return row;
  }

  /** With every token that it gave, and what was opened with them. Throws Problem `trust-not-found`. */
  async remove(user: { id: string; name: string }, id: string, by: Source): Promise<void> {
    const { db, apiTokens, audit, now } = this.#deps;
    const row = await removeTrust(db, { userId: user.id, id }, now());
    if (!row)
      throw new Problem('trust-not-found', 404, 'This service user has no such trust.', {
        next: 'Look it up in the list of its trusts.',
      });
    const detail = { id: row.id, user: user.name, name: row.name, issuer: row.issuer };
    await audit.record({ at: now(), code: 'trust.removed', ...by, detail });
    await apiTokens.revoke({ trustId: row.id }, by);
  }
}
