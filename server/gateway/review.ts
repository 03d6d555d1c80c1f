/** Answers to reviews of one's own rights: the cluster's, cut to what the gateway lets through. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { isSelfReview } from '../domain/api-policy.ts';
import type { KubeRequest } from '../domain/kube-request.ts';
import { Problem } from '../domain/problem.ts';
import { accessReviewed, needsServed, rulesReviewed } from '../domain/self-review.ts';
import { finalStatus } from '../domain/status-line.ts';
import { unreachable } from '../domain/unreachable.ts';
import { readBounded } from '../domain/read-bounded.ts';
import type { ApiCall } from './api-call.ts';
import { answeredHeaders, type Identified, ownVary } from './upstream.ts';

/** A list of rules is some kilobytes. */
const ANSWER_MAX = 4 * 1024 * 1024;

const text = z.string().default('');
const accessReview = z.looseObject({
  spec: z.looseObject({
    resourceAttributes: z
      .looseObject({ namespace: text, verb: text, group: text, resource: text, subresource: text, name: text })
      .optional(),
    nonResourceAttributes: z.looseObject({ path: text, verb: text }).optional(),
  }),
  status: z.looseObject({ allowed: z.boolean().default(false) }),
});

const list = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? []);
const resourceRule = z.object({ verbs: list, apiGroups: list, resources: list, resourceNames: list });
const pathRule = z.object({ verbs: list, nonResourceURLs: list });
const rules = <R>(rule: z.ZodType<R>) =>
  z
    .array(rule)
    .nullish()
    .transform((value) => value ?? []);
const rulesReview = z.looseObject({
  status: z.looseObject({
    resourceRules: rules(resourceRule),
    nonResourceRules: rules(pathRule),
    incomplete: z.boolean().default(false),
  }),
});

/** Whether the answer says what the asking person may do. */
export function reviewsOneself(request: KubeRequest): boolean {
  return (
    request.verb === 'create' &&
    request.group === 'authorization.k8s.io' &&
    isSelfReview({ ...request, upgrade: false })
  );
}

/** The client's headers, such that the answer can be read: JSON, as it is. */
export function readableAnswer(headers: readonly string[]): string[] {
  const out = ['accept', 'application/json'];
  for (let at = 0; at + 1 < headers.length; at += 2)
    if (!/^accept(-encoding)?$/i.test(headers[at]!)) out.push(headers[at]!, headers[at + 1]!);
  return out;
}

/** Throws Problem `review-unreadable`: an answer that cannot be cut is not passed on. */
export async function relayReview(
  call: ApiCall,
  request: KubeRequest,
  body: Buffer,
  { cluster }: Identified,
  answer: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, reason } = finalStatus(answer)!;
  const text = (await read(call, cluster, answer)).toString();
  await call.recorded();
  const cut = status === 201 ? await reviewed(call, request, body, text) : text;
  call.status = status;
  const headers = answeredHeaders(call, answer.rawHeaders, request);
  const kept = headers.flatMap((value, at) =>
    at % 2 === 0 && !/^(content-length|content-encoding)$/i.test(value) ? [value, headers[at + 1]!] : [],
  );
  const bytes = Buffer.from(cut);
  call.responseBytes = bytes.length;
  response.writeHead(status, reason, [
    ...kept,
    ...ownVary(response),
    'content-length',
    String(bytes.length),
    'x-correlation-id',
    call.correlation.id,
  ]);
  await new Promise<void>((resolve, reject) => {
    response.on('error', () => {});
    call.signal.addEventListener('abort', () => reject(call.signal.reason as Error), { once: true });
    response.end(bytes, resolve);
  });
}

async function read(call: ApiCall, cluster: string, answer: IncomingMessage): Promise<Buffer> {
  try {
    return await readBounded(answer, ANSWER_MAX, unreadable, () => call.progress());
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw call.signal.aborted ? call.signal.reason : unreachable(cluster, error);
  }
}

async function reviewed(call: ApiCall, request: KubeRequest, body: Buffer, text: string): Promise<string> {
  const answer = parse(text);
  if (request.resource === 'selfsubjectaccessreviews') {
    const review = known(accessReview, answer);
    const cut = accessReviewed(review, call.rules!);
    // What was not cut is passed on as it came.
    return cut === review ? text : JSON.stringify(cut);
  }
  const review = known(rulesReview, answer);
  const served = needsServed(review, call.rules!) ? await call.served() : null;
  return JSON.stringify(rulesReviewed(review, call.rules!, namespaceOf(body), served));
}

function known<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (!parsed.success) throw unreadable();
  return parsed.data;
}

/** Of the question, where it can be read; else none, for which least is said to be allowed. */
function namespaceOf(body: Buffer): string {
  const spec = (parse(body.toString()) as { spec?: { namespace?: unknown } } | null)?.spec;
  return typeof spec?.namespace === 'string' ? spec.namespace : '';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreadable(): Problem {
  return new Problem('review-unreadable', 502, 'The cluster answered a question about your rights in no known form.', {
    next: 'Ask the operator whether the registered address is the API server of Kubernetes 1.30 or newer.',
  });
}
