/**
 * One call on the Kubernetes path, from its first byte to its audit event: credential, session, parsing, decision,
 * record, upstream. Plain calls and upgrades share all of it but the forwarding itself. Long, since each step needs what
 * the ones before it found out, and nobody else may have it half done.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CallFacts, CallRecord } from '../audit/audit-log.ts';
import type { AuditSink } from '../audit/sink.ts';
import { isDatabaseAway } from '../domain/database-away.ts';
import type { ApiPolicy } from '../domain/api-policy.ts';
import type { StatusReason } from '../domain/audit-status.ts';
import { headerRefusal, type Impersonated, impersonated } from '../domain/forwarded-headers.ts';
import { changesSomething, type GatewayRules, isLongRunning, refusalOf } from '../domain/gateway-decision.ts';
import { impersonationHeaders } from '../domain/impersonation.ts';
import { type KubeRequest, parseKubeRequest, type Refusal } from '../domain/kube-request.ts';
import { Problem } from '../domain/problem.ts';
import type { RecordingFacts } from '../domain/recording.ts';
import type { ServedResource } from '../domain/self-review.ts';
import { databaseUnavailable, sessionEnded } from '../domain/shared-problems.ts';
import { correlationOf, type Correlation } from '../correlation.ts';
import { BodyTap } from './body-tap.ts';
import { callFacts } from './call-facts.ts';
import { accountHeaders } from './call-identity.ts';
import type { Crossing } from './crossing.ts';
import type { LiveCall, LiveCalls } from './live-calls.ts';
import type { GatewayMetrics } from './metrics.ts';
import { RateLimited, type RateLimiter } from '../rate-limiter.ts';
import type { Admission, Door } from './door.ts';
import type { GatewaySession } from './session-directory.ts';
import type { StreamLog, StreamReport } from './stream-recorder.ts';
import type { Identified, Upstream } from './upstream.ts';

export type ApiCallDeps = {
  clusters: {
    /** Throws Problem `cluster-unknown`, or what keeps it from being reached. */
    upstream(clusterId: string): Promise<Upstream>;
    /** Every resource that it serves; null where it does not say. */
    served(clusterId: string): Promise<ServedResource[] | null>;
  };
  audit: AuditSink & { startCall(facts: CallFacts): CallRecord };
  calls: LiveCalls;
  /** What a role refuses, as it is now; null where there is no such role any more. */
  policy(role: string): Promise<ApiPolicy | null>;
  /** The groups through which the person has the role. */
  groups(userId: string, role: string): Promise<string[]>;
  /** Of bodies in the audit log: see maskedBody. */
  maskedPaths: readonly string[];
  /** Of streams; `most`: bytes of one, where none is required. */
  recordings: { record(facts: RecordingFacts): Promise<StreamLog>; most: number };
  /** By credential. */
  rate: RateLimiter;
  metrics: () => GatewayMetrics;
  now(): Date;
  /** Address of the pages on errors, up to the code. */
  errorDocs: string;
};

/** Until the client says how large its terminal is. */
const SIZE = { cols: 80, rows: 24 };

export class ApiCall {
  readonly auditId = randomUUID();
  readonly correlation: Correlation;
  readonly errorDocs: string;
  readonly incoming: IncomingMessage;
  /** Set as far as the request got. */
  request: KubeRequest | null = null;
  requestBytes = 0;
  /** Sees the request's body pass; null for what is no write. Set by {@link admit}. */
  body: BodyTap | null = null;
  /** What the cluster's refusal says of itself. */
  answered: StatusReason = {};
  /** What an exec, attach or port-forward was. */
  stream: StreamReport | null = null;
  responseBytes = 0;
  status: number | null = null;
  upgraded = false;
  /** By which it was let in. Only after {@link admit}. */
  rules: GatewayRules | null = null;
  readonly #deps: ApiCallDeps;
  readonly #door: Door;
  readonly #at: Date;
  /** Whom the caller asks to be acted as. */
  readonly #as: Impersonated | null;
  #admission: Admission | null = null;
  #record: CallRecord | null = null;
  #live: (LiveCall & { end(): void }) | null = null;

  constructor(deps: ApiCallDeps, incoming: IncomingMessage, door: Door) {
    this.#deps = deps;
    this.#door = door;
    this.#at = deps.now();
    this.#as = impersonated(incoming.rawHeaders);
    this.incoming = incoming;
    this.errorDocs = deps.errorDocs;
    this.correlation = correlationOf(incoming);
  }

  /** Aborted when the session is cut or the call stalls. Only after {@link admit}. */
  get signal(): AbortSignal {
    return this.#live!.abort.signal;
  }

  abort(reason: Problem): void {
    this.#live?.abort.abort(reason);
  }

  /** How many bytes of the call wait in one place: asked while it runs. */
  queues(queued: () => number): void {
    this.#live?.queues.push(queued);
  }

  /** Bytes moved: the call is not stalled. */
  progress(): void {
    if (this.#live) this.#live.progressAt = this.#deps.now().getTime();
  }

  /**
   * Everything that comes before the cluster is asked, except the record. Throws the Problem to answer with: its
   * refusal is in the audit log then.
   */
  async admit(): Promise<KubeRequest> {
    const { incoming } = this;
    const parsed = parseKubeRequest(incoming.method ?? '', incoming.url ?? '');
    if (!('refused' in parsed)) this.request = parsed;
    const admission = await this.#door.enter(incoming);
    this.#admission = admission;
    try {
      return await this.#decide(admission, parsed);
    } catch (cause) {
      const error = isDatabaseAway(cause) ? databaseUnavailable(cause) : cause;
      if (error instanceof Problem) await this.#recordRefusal(error);
      throw error;
    }
  }

  /**
   * Puts the call on record and finds its way up. A call that changes something is on record before this resolves;
   * a read's record is awaited by {@link recorded}, before its answer begins.
   */
  async open(refusal: Refusal | null = null): Promise<Identified> {
    const { session } = this.#admission!;
    if (refusal) {
      const problem = toProblem(refusal);
      await this.#recordRefusal(problem);
      throw problem;
    }
    const { asPortal, ...upstream } = await this.#deps.clusters.upstream(session.clusterId);
    const person = asPortal && (await this.#impersonated(session));
    if (person && 'refused' in person) return this.open(person.refused);
    this.#record = this.#start();
    const changes = changesSomething(this.request!);
    // Of several failures the first is thrown; the others were looked at by Promise.all and are no unhandled ones.
    const [identity] = await Promise.all([
      person ?? this.#ownAccount(),
      changes ? this.#record.started : this.#record.started.catch(() => {}),
    ]);
    if (!asPortal) return { ...upstream, identity };
    const { endpoint, authorization } = asPortal;
    return {
      ...upstream,
      endpoint,
      identity: [...(authorization ? ['authorization', authorization] : []), ...identity],
    };
  }

  async #impersonated({ actor, actorId, role, id }: GatewaySession): Promise<string[] | { refused: Refusal }> {
    const groups = await this.#deps.groups(actorId, role);
    return impersonationHeaders({ user: actor, uid: actorId, groups, sessionId: id }, this.#as);
  }

  #ownAccount(): Promise<string[]> {
    return accountHeaders(this.#admission!, this.#as, this.signal);
  }

  /**
   * The cluster did not know the session's account: it was put to sleep, or somebody removed it, while the call was on
   * its way. Makes it anew; null where the session's account is not this door's to make.
   */
  async anotherAccount(): Promise<string[] | null> {
    const { asPortal } = await this.#deps.clusters.upstream(this.#admission!.session.clusterId);
    if (asPortal || !this.#admission!.accountGone()) return null;
    this.#admission = await this.#door.enter(this.incoming);
    return this.#ownAccount();
  }

  /** Where a browser asks. Only after {@link admit}. */
  get crossing(): Crossing | undefined {
    return this.#admission!.crossing;
  }

  /** Every resource that the cluster serves; null where it does not say. */
  served(): Promise<ServedResource[] | null> {
    return this.#deps.clusters.served(this.#admission!.session.clusterId);
  }

  /** A stream's answer begins: it is seen in the audit log from now on. */
  note(more: Record<string, unknown> = {}): void {
    this.#record?.note(more);
  }

  /** Only after {@link admit}. */
  get sessionId(): string {
    return this.#admission!.session.id;
  }

  get startedAt(): Date {
    return this.#at;
  }

  now(): Date {
    return this.#deps.now();
  }

  get recordings(): ApiCallDeps['recordings'] {
    return this.#deps.recordings;
  }

  /** A recording of this call's stream, named by its Audit-ID. Throws Problem `recording-failed`. */
  openRecording(cluster: string): Promise<StreamLog> {
    const { session } = this.#admission!;
    return this.#deps.recordings.record({
      session: this.auditId,
      openedAt: this.#at,
      user: { id: session.actorId, name: session.actor, email: session.actor },
      cluster: { id: session.clusterId, name: cluster },
      role: session.role,
      serviceAccount: session.serviceAccount,
      ...SIZE,
    });
  }

  /** Throws Problem `audit-unavailable`: then no answer may begin. */
  recorded(): Promise<void> {
    return this.#record?.started ?? Promise.resolve();
  }

  /** The call's end, once, however it ended. */
  async end(failure?: Problem): Promise<void> {
    this.#live?.end();
    this.#live = null;
    const record = this.#record;
    if (!record) return;
    this.#record = null;
    const at = this.#deps.now();
    const durationMs = at.getTime() - this.#at.getTime();
    const { status, requestBytes, responseBytes, upgraded } = this;
    this.#deps.metrics().callEnded({
      verb: this.request?.verb ?? '',
      stream: upgraded || (this.request !== null && isLongRunning(this.request)),
      status,
      durationMs,
      requestBytes,
      responseBytes,
    });
    await record.finish({
      at,
      detail: {
        status,
        durationMs,
        requestBytes,
        responseBytes,
        upgraded,
        ...this.answered,
        ...(this.stream ? { stream: { ...this.stream, startedAt: this.#at } } : {}),
        ...this.body?.kept(this.incoming.complete),
        ...(failure ? { reason: failure.code } : {}),
      },
    });
  }

  async #decide(
    { session, refused: denied, ...admission }: Admission,
    parsed: KubeRequest | { refused: Refusal },
  ): Promise<KubeRequest> {
    if (denied) throw denied;
    // One credential, one session.
    await this.#deps.rate.pass(session.id);
    const rules = await this.#rulesOf(session);
    const unfit = headerRefusal(this.incoming.rawHeaders, rules.policy);
    if (unfit) throw toProblem(unfit);
    if ('refused' in parsed) throw toProblem(parsed.refused);
    const asked = { ...parsed, upgrade: this.incoming.headers.upgrade !== undefined };
    const refused = refusalOf(asked, rules) ?? (await admission.refusal?.(asked));
    if (refused) throw toProblem(refused);
    await admission.spend?.();
    this.rules = rules;
    if (changesSomething(parsed)) this.body = new BodyTap(parsed, this.incoming, this.#deps.maskedPaths);
    this.#live = this.#deps.calls.begin(session.id, this.#deps.now().getTime(), isLongRunning(parsed), async () => {
      const now = await this.#rulesOf(session).catch((error: unknown) => {
        if (error instanceof Problem) return error;
        throw error;
      });
      if (now instanceof Problem) return now;
      const refusedNow = refusalOf(asked, now);
      return refusedNow ? toProblem(refusedNow) : ((await admission.refusedNow?.()) ?? null);
    });
    return parsed;
  }

  /** Throws Problem `session-ended` where its role is gone, `cluster-unknown`. */
  async #rulesOf({ clusterId, role }: GatewaySession): Promise<GatewayRules> {
    const [{ portalNamespace }, policy] = await Promise.all([
      this.#deps.clusters.upstream(clusterId),
      this.#deps.policy(role),
    ]);
    if (!policy) throw sessionEnded();
    return { portalNamespace, role, policy };
  }

  #start(): CallRecord {
    return this.#deps.audit.startCall({ ...this.#facts(), changes: changesSomething(this.request!) });
  }

  async #recordRefusal(problem: Problem): Promise<void> {
    this.status = problem.status;
    this.#deps.metrics().refused(problem.code);
    const times = problem instanceof RateLimited ? problem.toTell : 1;
    // A flood of refusals fills no log.
    if (times === 0) return;
    const facts = this.#facts();
    const detail = { ...facts.detail, status: problem.status, reason: problem.code, ...(times > 1 ? { times } : {}) };
    // Where it cannot be kept, the refusal stands all the same: nothing happened that would have to be on record.
    await this.#deps.audit.record({ ...facts, code: 'api.refused', detail }).catch(() => {});
  }

  #facts() {
    const { auditId, incoming, request } = this;
    return callFacts({
      session: this.#admission!.session,
      at: this.#at,
      auditId,
      correlationId: this.correlation.id,
      incoming,
      request,
      as: this.#as,
    });
  }
}

export function toProblem(refusal: Refusal): Problem {
  return new Problem(refusal.code, refusal.status, refusal.message);
}
