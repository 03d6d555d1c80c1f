/** A plain call: the request goes up and the answer comes down as they come, each at the pace of the slower end. */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isLongRunning, mustInspectBody } from '../domain/gateway-decision.ts';
import type { KubeRequest, Refusal } from '../domain/kube-request.ts';
import { Problem } from '../domain/problem.ts';
import { clientGone, redirectRefused, requestLate } from '../domain/shared-problems.ts';
import { secretBodyRefusal } from '../domain/secret-body.ts';
import { finalStatus, NO_ANSWER } from '../domain/status-line.ts';
import { AnswerTimedOut, unreachable } from '../domain/unreachable.ts';
import { readBounded } from '../domain/read-bounded.ts';
import type { ApiCall } from './api-call.ts';
import { passBody } from './pass-body.ts';
import { RefusalTap } from './refusal-tap.ts';
import { readableAnswer, relayReview, reviewsOneself } from './review.ts';
import { answeredHeaders, forwardedFor, type Identified, ownVary, requestOptions } from './upstream.ts';

// The API server itself gives up on an ordinary request after 60 s and says so; webhooks may take 30 s of that.
const ANSWER_MS = 90_000;
/** Kubernetes takes no larger request. */
const INSPECTED_MAX = 3 * 1024 * 1024;

/** Resolves when the answer is out; throws the Problem to answer with, or to end the connection for. */
export async function forward(call: ApiCall, response: ServerResponse): Promise<void> {
  const request = await call.admit();
  const { incoming } = call;
  // A client that goes away ends the call, and so what the cluster does for it.
  response.once('close', () => {
    if (!response.writableFinished) call.abort(clientGone());
  });
  const reviews = reviewsOneself(request);
  const inspects = mustInspectBody(request) && !call.rules!.policy.mintCredentials;
  const body = reviews || inspects ? await read(call) : null;
  const refused = body && inspects ? inspect(incoming, body) : null;
  const upstream = await call.open(refused);
  if (body) {
    call.requestBytes = body.length;
    call.body?.add(body);
  }
  const headers = requestHeaders(call, request, upstream, reviews);
  let answer = await ask(call, request, upstream, headers, body);
  // What is behind a proxy has sign-ins of its own.
  const ofCluster = request.subresource !== 'proxy';
  if (answer.statusCode === 401 && ofCluster && (body || !hasBody(incoming))) {
    const identity = await call.anotherAccount();
    if (identity) {
      answer.destroy();
      answer = await ask(call, request, { ...upstream, identity }, headers, body);
    }
  }
  if (reviews) await relayReview(call, request, body!, upstream, answer, response);
  else await relay(call, request, upstream, answer, response);
}

async function read(call: ApiCall): Promise<Buffer> {
  const cut = Promise.withResolvers<never>();
  const abort = () => cut.reject(call.signal.reason as Error);
  if (call.signal.aborted) abort();
  call.signal.addEventListener('abort', abort, { once: true });
  try {
    const whole = readBounded(call.incoming, INSPECTED_MAX, tooLarge, () => call.progress());
    return await Promise.race([whole, cut.promise]);
  } catch (error) {
    // Nobody else has been asked yet: what stands still is the client.
    if (error instanceof Problem) throw error.code === 'call-stalled' ? requestLate() : error;
    throw call.incoming.complete ? error : clientGone();
  } finally {
    call.signal.removeEventListener('abort', abort);
  }
}

function tooLarge(): Problem {
  return new Problem('body-too-large', 413, `Kubernetes takes no request of more than ${INSPECTED_MAX} bytes.`, {
    next: 'Send it in parts.',
  });
}

function inspect({ headers }: IncomingMessage, body: Buffer): Refusal | null {
  return secretBodyRefusal(headers['content-type'] ?? '', headers['content-encoding'] ?? '', body.toString('latin1'));
}

function requestHeaders(call: ApiCall, request: KubeRequest, upstream: Identified, reviews: boolean): string[] {
  const { rawHeaders, headers } = call.incoming;
  const forwarded = forwardedFor(call, rawHeaders, request, upstream);
  const out = reviews ? readableAnswer(forwarded) : forwarded;
  // Framing is made anew: exactly one of the two lengths goes up.
  if (headers['transfer-encoding'] !== undefined) out.push('transfer-encoding', 'chunked');
  return out;
}

/** The cluster's answer, its body still to come. A read on a connection that had gone stale is asked once more. */
async function ask(
  call: ApiCall,
  request: KubeRequest,
  upstream: Identified,
  headers: readonly string[],
  body: Buffer | null,
): Promise<IncomingMessage> {
  const repeatable = (request.method === 'GET' || request.method === 'HEAD') && !hasBody(call.incoming);
  for (let attempt = 0; ; attempt++) {
    call.signal.throwIfAborted();
    const outgoing = httpsRequest({
      ...requestOptions(upstream, request, headers, call),
      agent: upstream.endpoint.agent,
    });
    // As the option `signal` does it, at a third of the time: node takes its listeners off again one by one.
    call.signal.addEventListener('abort', () => outgoing.destroy(call.signal.reason as Error), { once: true });
    try {
      return await answerOf(call, outgoing, body);
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      if (error instanceof Problem) throw error;
      const stale = outgoing.reusedSocket && (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!(stale && repeatable && attempt === 0)) throw unreachable(upstream.cluster, error);
    }
  }
}

function answerOf(call: ApiCall, outgoing: ClientRequest, body: Buffer | null): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      // A body that does not come, and not because the cluster takes no more of it: then it is not the cluster's delay.
      const clients = !body && !call.incoming.complete && !call.incoming.isPaused();
      outgoing.destroy(clients ? requestLate() : new AnswerTimedOut(ANSWER_MS));
    }, ANSWER_MS);
    outgoing.on('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    outgoing.once('response', (answer) => {
      clearTimeout(late);
      if (finalStatus(answer)) return resolve(answer);
      outgoing.destroy();
      reject(new Error(NO_ANSWER));
    });
    // A server that changes protocols unasked: nothing of what follows is an answer (CVE-2018-1002105's kin).
    outgoing.once('upgrade', (_, socket) => {
      socket.destroy();
      reject(new Error('it changed protocols unasked'));
    });
    if (body) {
      outgoing.end(body);
    } else if (hasBody(call.incoming)) {
      call.incoming.on('data', (chunk: Buffer) => {
        call.requestBytes += chunk.length;
        call.body?.add(chunk);
        call.progress();
      });
      call.incoming.on('error', () => {});
      call.queues(() => call.incoming.readableLength + outgoing.writableLength);
      call.incoming.pipe(outgoing);
    } else {
      outgoing.end();
    }
  });
}

/** Throws the Problem for an answer that must not be passed on, before anything of it is. */
async function relay(
  call: ApiCall,
  request: KubeRequest,
  upstream: Identified,
  answer: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, reason } = finalStatus(answer)!;
  const unwanted = redirectRefusal(call, request, upstream, status, answer);
  if (unwanted) {
    answer.destroy();
    throw unwanted;
  }
  try {
    await call.recorded();
  } catch (error) {
    answer.destroy();
    throw error;
  }
  call.status = status;
  if (isLongRunning(request)) call.note();
  const refusal = status >= 400 && request.subresource !== 'proxy' ? new RefusalTap(answer) : null;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => {
    answer.destroy();
    response.destroy();
    reject(call.signal.reason as Error);
  };
  if (call.signal.aborted) return (abort(), promise);
  call.signal.addEventListener('abort', abort, { once: true });

  response.on('error', () => {});
  response.once('finish', resolve);
  answer.once('error', (error) => {
    // What has been sent cannot be taken back: cutting the connection tells the client that it is not whole.
    response.destroy();
    reject(call.signal.aborted ? (call.signal.reason as Error) : unreachable(upstream.cluster, error));
  });
  response.writeHead(status, reason, [
    ...answeredHeaders(call, answer.rawHeaders, request),
    ...ownVary(response),
    'x-correlation-id',
    call.correlation.id,
  ]);
  const queued = passBody(answer, response, (chunk) => {
    call.responseBytes += chunk.length;
    refusal?.add(chunk);
    call.progress();
  });
  call.queues(queued);
  try {
    await promise;
  } finally {
    if (refusal) call.answered = refusal.reason();
  }
}

/**
 * Redirects are not followed, and none that leads elsewhere reaches a client that would. A web application behind a
 * proxy subresource may send its user on within the same address.
 */
function redirectRefusal(
  call: ApiCall,
  request: KubeRequest,
  upstream: Identified,
  status: number,
  answer: IncomingMessage,
): Problem | null {
  if (status < 300 || status >= 400 || status === 304) return null;
  const { location } = answer.headers;
  if (location === undefined) return null;
  if (request.subresource === 'proxy' && (/^\/(?![/\\])/.test(location) || call.crossing?.leadsOn(location)))
    return null;
  return redirectRefused(upstream.cluster);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
