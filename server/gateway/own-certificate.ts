/** The certificate of the gateway's address where the operator gives none: of our own authority, renewed in time. */
import type { ServingCertificate } from './authority.ts';

/** Between looks at whether it is time. */
const LOOK_MS = 3_600_000;

/** PEM. */
export type TlsIdentity = { cert: string; key: string };

export type OwnCertificateDeps = {
  authority: { readonly certificate: string; issueServingCertificate(hosts: string[]): Promise<ServingCertificate> };
  /** What tools call the gateway. */
  hosts: string[];
  now(): Date;
  onFault(error: unknown): void;
};

export class OwnCertificate implements Disposable {
  readonly #deps: OwnCertificateDeps;
  readonly #timer: NodeJS.Timeout;
  #current: ServingCertificate;
  #renewed: (identity: TlsIdentity) => void = () => {};

  private constructor(deps: OwnCertificateDeps, first: ServingCertificate) {
    this.#deps = deps;
    this.#current = first;
    this.#timer = setInterval(() => void this.look(), LOOK_MS).unref();
  }

  static async open(deps: OwnCertificateDeps): Promise<OwnCertificate> {
    return new OwnCertificate(deps, await deps.authority.issueServingCertificate(deps.hosts));
  }

  get identity(): TlsIdentity {
    const { certificate, key } = this.#current;
    return { cert: certificate + this.#deps.authority.certificate, key };
  }

  /** Told of each new one, which new connections are served with. */
  onRenewed(use: (identity: TlsIdentity) => void): void {
    this.#renewed = use;
  }

  /** Renews where it is time. Never throws: the next look tries again, for ten days. */
  async look(): Promise<void> {
    if (this.#deps.now() < this.#current.renewAt) return;
    try {
      this.#current = await this.#deps.authority.issueServingCertificate(this.#deps.hosts);
      this.#renewed(this.identity);
    } catch (error) {
      this.#deps.onFault(error);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
