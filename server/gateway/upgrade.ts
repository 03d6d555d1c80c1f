/**
 * A call that changes protocols: exec, attach, port-forward, watches over WebSocket. The request goes up as a request,
 * on a connection of its own; bytes are piped only once the cluster has answered 101. Any other answer is passed on
 * and both connections are closed (CVE-2018-1002105: a failed upgrade left an open, authenticated way up).
 */
import { STATUS_CODES, ServerResponse, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { upgradeOf } from '../domain/gateway-decision.ts';
import { clientGone, redirectRefused } from '../domain/shared-problems.ts';
import { finalStatus, NO_ANSWER } from '../domain/status-line.ts';
import { AnswerTimedOut, unreachable } from '../domain/unreachable.ts';
import type { ApiCall } from './api-call.ts';
import { passStream } from './pass-stream.ts';
import { RefusalTap } from './refusal-tap.ts';
import { StreamRecording } from './stream-recording.ts';
import { answeredHeaders, forwardedFor, requestOptions } from './upstream.ts';

// Pulling an image for an ephemeral container or starting a slow exec can take the kubelet a while.
const ANSWER_MS = 90_000;
/** An answer that refuses an upgrade is a metav1.Status, not a download. */
const REFUSAL_MAX = 1024 * 1024;

/** Resolves when both ends are closed; throws the Problem to answer with while nothing has been answered. */
export async function forwardUpgrade(call: ApiCall, client: Duplex, head: Buffer): Promise<void> {
  const { incoming } = call;
  const request = await call.admit();
  const gone = () => call.abort(clientGone());
  client.once('close', gone);
  const protocol = upgradeOf(request, incoming.headers.upgrade ?? '');
  if (typeof protocol === 'object') await call.open(protocol.refused);
  if (Number(incoming.headers['content-length'] ?? 0) > 0 || incoming.headers['transfer-encoding'] !== undefined)
    await call.open({ code: 'bad-framing', status: 400, message: 'A request that changes protocols has no body.' });
  const recording = typeof protocol === 'string' ? StreamRecording.of(call, request, protocol) : null;
  const upstream = await call.open(recording?.refusal(incoming) ?? null);

  const forwarded = forwardedFor(call, incoming.rawHeaders, request, upstream);
  const headers = recording?.headers(forwarded) ?? forwarded;
  headers.push('connection', 'Upgrade', 'upgrade', protocol === 'websocket' ? 'websocket' : 'SPDY/3.1');
  const outgoing = httpsRequest({
    ...requestOptions(upstream, request, headers, call),
    agent: upstream.endpoint.unpooled,
    signal: call.signal,
  });
  // Heard from the first moment: a cluster that is away may say so before the recording stands.
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  promise.catch(() => {});
  outgoing.once('error', reject);
  outgoing.once('response', (answer) => (finalStatus(answer) ? resolve({ answer }) : reject(new Error(NO_ANSWER))));
  outgoing.once('upgrade', (answer, socket, first) => resolve({ answer, socket, first }));
  const late = setTimeout(() => outgoing.destroy(new AnswerTimedOut(ANSWER_MS)), ANSWER_MS);
  try {
    await recording?.open(upstream.cluster);
    outgoing.end();
    const result = await promise.catch((error: unknown) => {
      throw call.signal.aborted ? call.signal.reason : unreachable(upstream.cluster, error);
    });
    clearTimeout(late);
    await call.recorded();
    if (result.socket) {
      recording?.begun(result.answer);
      call.upgraded = true;
      call.note(recording ? { stream: recording.started } : {});
      await pipe(call, { client, head }, result, recording);
    } else await passRefusal(call, client, upstream.cluster, result.answer);
  } finally {
    clearTimeout(late);
    client.off('close', gone);
    outgoing.on('error', () => {});
    outgoing.destroy();
    await recording?.finish();
  }
}

type Answer = { answer: IncomingMessage; socket?: undefined } | Switched;
type Switched = { answer: IncomingMessage; socket: Duplex; first: Buffer };

async function pipe(
  call: ApiCall,
  { client, head }: { client: Duplex; head: Buffer },
  { answer, socket, first }: Switched,
  recording: StreamRecording | null,
): Promise<void> {
  call.status = 101;
  const lines = [
    `HTTP/1.1 101 ${STATUS_CODES[101]}`,
    'Connection: Upgrade',
    `Upgrade: ${answer.headers.upgrade ?? ''}`,
  ];
  const headers = answeredHeaders(call, answer.rawHeaders, call.request!);
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  lines.push(`x-correlation-id: ${call.correlation.id}`);

  const { promise, resolve } = Promise.withResolvers<void>();
  let open = 2;
  const closed = () => {
    if (--open === 0) resolve();
  };
  for (const [from, to] of [
    [client, socket],
    [socket, client],
  ] as const) {
    from.on('error', () => {});
    from.once('close', () => {
      closed();
      // Half-closing is kept; a connection that is gone takes the other with it, once that has been flushed.
      if (!to.writableEnded) to.end();
      // Nobody takes what it still says: it is read all the same, or its own end would not be seen.
      to.resume();
      setTimeout(() => to.destroy(), FLUSH_MS).unref();
    });
  }
  // None of these protocols goes on after the client's last byte: the cluster has a moment to take it in, no more.
  client.once('end', () => setTimeout(() => socket.destroy(), LAST_WORD_MS).unref());
  const abort = () => {
    client.destroy();
    socket.destroy();
  };
  call.signal.addEventListener('abort', abort, { once: true });
  if (call.signal.aborted) abort();

  // What came along with either head goes first.
  if (first.length > 0) socket.unshift(first);
  if (head.length > 0) client.unshift(head);
  passStream(client, socket, (chunk) => {
    call.requestBytes += chunk.length;
    call.progress();
    return recording?.push('up', chunk) ?? null;
  });
  passStream(socket, client, (chunk) => {
    call.responseBytes += chunk.length;
    call.progress();
    return recording?.push('down', chunk) ?? null;
  });
  for (const end of [client, socket]) call.queues(() => end.readableLength + end.writableLength);
  if (recording) call.queues(() => recording.pending);
  client.write(`${lines.join('\r\n')}\r\n\r\n`);
  await promise;
  call.signal.removeEventListener('abort', abort);
}

// The last bytes of an exec (its exit status) are still on their way to a slow client when the cluster closes.
const FLUSH_MS = 5_000;
const LAST_WORD_MS = 250;

/** The cluster said no: its answer, then the end of both connections. */
async function passRefusal(call: ApiCall, client: Duplex, cluster: string, answer: IncomingMessage): Promise<void> {
  const { status, reason } = finalStatus(answer)!;
  if (status >= 300 && status < 400) {
    answer.destroy();
    throw redirectRefused(cluster);
  }
  call.status = status;
  const chunks: Buffer[] = [];
  const refusal = new RefusalTap(answer);
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    call.responseBytes += chunk.length;
    if (call.responseBytes > REFUSAL_MAX) break;
    chunks.push(chunk);
    refusal.add(chunk);
  }
  call.answered = refusal.reason();
  await answerOnSocket(call.incoming, client, (response) => {
    response.writeHead(status, reason, [
      ...answeredHeaders(call, answer.rawHeaders, call.request!),
      'x-correlation-id',
      call.correlation.id,
    ]);
    response.end(Buffer.concat(chunks));
  });
}

/** An ordinary answer on the socket of an upgrade request, after which it is closed. */
export async function answerOnSocket(
  incoming: IncomingMessage,
  socket: Duplex,
  answer: (response: ServerResponse) => void,
): Promise<void> {
  if (socket.destroyed) return;
  const response = new ServerResponse(incoming);
  response.shouldKeepAlive = false;
  const done = Promise.withResolvers<void>();
  response.once('finish', done.resolve);
  socket.once('close', done.resolve);
  socket.on('error', () => {});
  // ServerResponse writes to whatever streams: net.Socket is only what http mostly has.
  response.assignSocket(socket as Socket);
  answer(response);
  await done.promise;
  response.detachSocket(socket as Socket);
  socket.end();
  setTimeout(() => socket.destroy(), FLUSH_MS).unref();
}
