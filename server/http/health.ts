/** What /readyz says. Each part of the portal registers its own check; clusters stand apart and never unready us. */

export type Finding = { ok: boolean; message: string | null };
export type HealthReport = {
  ready: boolean;
  components: Record<string, Finding>;
  clusters: Record<string, Finding>;
};

/** A check that hangs is a finding, too. Ms. */
const PATIENCE_MS = 3_000;

export class Health {
  readonly #checks = new Map<string, () => Promise<Finding>>();
  #clusters: () => Promise<Record<string, Finding>> = async () => ({});

  /** `component` is a word for operators: `database`, `engine`, `web`. */
  register(component: string, check: () => Promise<Finding>): void {
    this.#checks.set(component, check);
  }

  /** Health of the registered clusters by name, from what the registry last saw. */
  registerClusters(findings: () => Promise<Record<string, Finding>>): void {
    this.#clusters = findings;
  }

  async report(): Promise<HealthReport> {
    const [components, clusters] = await Promise.all([
      Promise.all([...this.#checks].map(async ([name, check]) => [name, await bounded(check)] as const)),
      this.#clusters().catch(() => ({})),
    ]);
    return {
      ready: components.every(([, finding]) => finding.ok),
      components: Object.fromEntries(components),
      clusters,
    };
  }
}

async function bounded(check: () => Promise<Finding>): Promise<Finding> {
  const { promise: late, resolve } = Promise.withResolvers<Finding>();
  const timer = setTimeout(
    () => resolve({ ok: false, message: `no answer within ${PATIENCE_MS / 1000} s` }),
    PATIENCE_MS,
  );
  try {
    return await Promise.race([check(), late]);
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
