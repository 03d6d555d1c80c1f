/**
 * Stands between kubectl and the real gateway, lets everything through but the requests that a plan names, and answers
 * these with a problem of any status: most cannot be provoked within reason. What is answered is rendered by the
 * gateway's own code, so that what kubectl reads is byte for byte what the gateway would have said.
 */
import { request as httpsRequest, createServer } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { correlationOf } from '../../server/correlation.ts';
import { type KubeRequest, parseKubeRequest } from '../../server/domain/kube-request.ts';
import type { Problem } from '../../server/domain/problem.ts';
import { Authority, createAuthority } from '../../server/gateway/authority.ts';
import { answerProblem } from '../../server/gateway/kube-error.ts';
import { answerOnSocket } from '../../server/gateway/upgrade.ts';

export type Plan = {
  problem: Problem;
  refused(request: KubeRequest): boolean;
  /** The request was not understood: it is rendered as for any. */
  unread: boolean;
};

export type Answering = AsyncDisposable & { url: string; certificateAuthority: string };

/** @param planOf by the token that kubectl was given with `--token`; `gateway.token` goes on in its place. */
export async function startAnswering(
  gateway: { url: string; ca: string; token: string },
  planOf: (token: string) => Plan | undefined,
): Promise<Answering> {
  const authority = await Authority.open(await createAuthority(new Date()), () => new Date());
  const { certificate: cert, key } = await authority.issueServingCertificate();
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] });

  /** What to answer with; undefined: it goes on. */
  const planned = (incoming: IncomingMessage) => {
    const plan = planOf((incoming.headers.authorization ?? '').replace(/^Bearer /, ''));
    const request = parseKubeRequest(incoming.method!, incoming.url!);
    if (!plan || 'refused' in request || !plan.refused(request)) return undefined;
    return {
      problem: plan.problem,
      context: {
        request: plan.unread ? null : request,
        correlation: correlationOf(incoming),
        auditId: null,
        errorDocs: 'https://portal.example/docs/errors/',
      },
    };
  };

  server.on('request', (incoming, response) => {
    const answer = planned(incoming);
    if (answer) {
      incoming.resume();
      return answerProblem(response, answer.problem, answer.context);
    }
    const { host: _, ...headers } = incoming.headers;
    const onward = httpsRequest(gateway.url + incoming.url!, {
      method: incoming.method,
      ca: gateway.ca,
      headers: { ...headers, authorization: `Bearer ${gateway.token}` },
    });
    onward.on('error', () => response.destroy());
    onward.on('response', (from) => {
      response.writeHead(from.statusCode!, from.rawHeaders);
      response.flushHeaders();
      from.on('error', () => response.destroy()).pipe(response);
    });
    response.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex) => {
    const answer = planned(incoming);
    // All that changes protocols is refused here.
    if (!answer) return socket.destroy();
    void answerOnSocket(incoming, socket, (response) => answerProblem(response, answer.problem, answer.context));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    certificateAuthority: authority.certificate,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
