/** The gateway as the rest of the portal sees it: sandboxes' streams come in here, and are cut here. */
import type { KeyObject } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Registry } from 'prom-client';
import { ApiServer } from './api-server.ts';
import type { ApiCallDeps } from './api-call.ts';
import { Authority, createAuthority, type AuthorityKeys } from './authority.ts';
import { EgressProxy, type EgressRules } from './egress.ts';
import { sandboxKubeconfig } from './kubeconfig.ts';
import { LiveCalls } from './live-calls.ts';
import { GatewayMetrics } from './metrics.ts';
import { SandboxGateway } from './sandbox-gateway.ts';
import type { SessionDirectory } from './session-directory.ts';
import { KubernetesTokens, type TokenSubject } from './tokens.ts';

export type GatewayDeps = Pick<ApiCallDeps, 'clusters' | 'audit'> & {
  sessions: SessionDirectory;
  portalId: string;
  /** P-256 private keys; the first signs, all verify. */
  signingKeys: readonly [KeyObject, ...KeyObject[]];
  /** Keeps the authority of the sandboxes' certificates: the value that is there, or else this one, for all replicas. */
  settleAuthority(fresh: AuthorityKeys): Promise<AuthorityKeys>;
  egress: EgressRules;
  registry: Registry;
  now(): Date;
  onFault(error: unknown): void;
};

export class Gateway implements AsyncDisposable {
  readonly #sandboxes: SandboxGateway;
  readonly #tokens: KubernetesTokens;
  readonly #authority: Authority;
  readonly #stack: AsyncDisposableStack;

  private constructor(deps: GatewayDeps, authority: Authority, stack: AsyncDisposableStack) {
    const { now } = deps;
    this.#authority = authority;
    this.#stack = stack;
    this.#tokens = new KubernetesTokens({ keys: deps.signingKeys, issuer: deps.portalId, now });
    const calls = stack.use(new LiveCalls(() => now().getTime()));
    const running = () => ({ calls: calls.count, connections: this.#sandboxes.connections });
    const gatewayMetrics = new GatewayMetrics(deps.registry, running);
    const metrics = () => gatewayMetrics;
    const api = stack.use(new ApiServer({ ...deps, tokens: this.#tokens, calls, metrics }));
    const egress = stack.use(new EgressProxy({ ...deps, rules: deps.egress, metrics }));
    this.#sandboxes = stack.use(new SandboxGateway({ authority, api, egress, calls, now }));
  }

  /** Throws RangeError where an egress pattern is none, and what keeps the authority from being read. */
  static async open(deps: GatewayDeps): Promise<Gateway> {
    const keys = await deps.settleAuthority(await createAuthority(deps.now()));
    return new Gateway(deps, await Authority.open(keys, deps.now), new AsyncDisposableStack());
  }

  /** Makes the sandbox's serving certificate ahead of its first call. */
  prepare(sandbox: string): Promise<void> {
    return this.#sandboxes.prepare(sandbox);
  }

  /** Takes a stream that the sandbox dialled; owns it from here on. Never throws. */
  attach(sandbox: string, stream: Duplex): void {
    this.#sandboxes.attach(sandbox, stream);
  }

  /** Ends every call and connection of the session; resolves when nothing is left of them. */
  cut(sandbox: string): Promise<void> {
    return this.#sandboxes.cut(sandbox);
  }

  /** For the sandbox; holds no credential. */
  kubeconfig(facts: { cluster: string; namespace: string; user: string }): string {
    return sandboxKubeconfig(this.#authority.certificate, facts);
  }

  /** A credential that opens nothing but the session's own socket, for ten minutes. */
  mint(subject: TokenSubject): Promise<{ token: string; expiresAt: Date }> {
    return this.#tokens.mint(subject);
  }

  /** For the gateway's own address where the operator gave no certificate; its authority is the sandboxes'. */
  async ownCertificate(): Promise<{ cert: string; key: string }> {
    const { certificate, key } = await this.#authority.issueServingCertificate();
    return { cert: certificate + this.#authority.certificate, key };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
