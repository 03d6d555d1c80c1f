/**
 * Errors for people, typed once and rendered at the edge: RFC 9457 problem details on the REST API, the body that
 * kubectl shows on the Kubernetes path, a banner in the terminal.
 */
export class Problem extends Error {
  override name = 'Problem';
  /** Stable, kebab-case: `cluster-unreachable`. */
  readonly code: string;
  readonly status: number;
  /** What to do next, one sentence. */
  readonly next: string | undefined;
  readonly meta: Record<string, string>;

  /** `message` says what happened and what it means, in sentences that may be shown to the person. */
  constructor(
    code: string,
    status: number,
    message: string,
    options: { next?: string; meta?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = status;
    this.next = options.next;
    this.meta = options.meta ?? {};
  }
}
