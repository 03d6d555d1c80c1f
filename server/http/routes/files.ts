/** Files of a session's sandbox as tar streams: PUT and GET /sessions/{id}/files?path=. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import { Readable } from 'node:stream';
import type { AuditCode, AuditEvent } from '../../domain/audit-codes.ts';
import type { Person } from '../../domain/person.ts';
import { Problem } from '../../domain/problem.ts';
import { fileTooLarge } from '../../domain/shared-problems.ts';
import { FILE_TRANSFER_MAX } from '../../../protocol/sandbox.ts';
import { actorOf } from '../actor.ts';
import { personOf, type HttpEnv } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';

const TAR = 'application/x-tar';

export type FileRoutesDeps = {
  sessions: {
    /** Throws Problem `session-not-found`, and what else keeps the person from its terminal. */
    requireOwn(id: string, person: Person): Promise<void>;
    get(id: string, person: Person): Promise<{ cluster: { id: string } }>;
  };
  terminals: {
    upload(session: string, path: string, body: AsyncIterable<Uint8Array>): Promise<number>;
    download(session: string, path: string): Promise<Readable>;
  };
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

const request = {
  params: z.object({ id: z.uuid() }),
  query: z.object({
    path: z
      .string()
      .min(1)
      .max(4096)
      .describe('Absolute, or relative to the home folder; inside the home folder or /tmp'),
  }),
};
const tar = { content: { [TAR]: { schema: z.string().openapi({ format: 'binary' }) } } };

const uploadRoute = createRoute({
  method: 'put',
  path: '/sessions/{id}/files',
  summary: 'Put the files of a tar stream into a folder of the sandbox',
  description: `At most ${FILE_TRANSFER_MAX / 1024 / 1024} MiB. The body may be of any length and is passed on as it comes.`,
  request,
  responses: {
    200: {
      description: 'All of it is there',
      content: { 'application/json': { schema: z.object({ bytes: z.number() }) } },
    },
    ...problems(400, 401, 403, 404, 413, 422, 429, 502, 503),
  },
});
const downloadRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}/files',
  summary: 'A file or folder of the sandbox as a tar stream',
  request,
  responses: { 200: { description: 'tar', ...tar }, ...problems(400, 401, 403, 404, 413, 422, 429, 502, 503) },
});

export function fileRoutes(deps: FileRoutesDeps): Router {
  const routes = newRouter();

  const own = async (c: Context<HttpEnv>, id: string) => {
    const person = personOf(c, 'sessions');
    await deps.sessions.requireOwn(id, person);
    return await deps.sessions.get(id, person);
  };
  const audit = (
    c: Context<HttpEnv>,
    code: AuditCode,
    id: string,
    clusterId: string,
    detail: Record<string, unknown>,
  ) => deps.audit.record({ at: deps.now(), code, ...actorOf(c), sessionId: id, clusterId, detail });

  routes.openapi(uploadRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { path } = c.req.valid('query');
    const { cluster } = await own(c, id);
    const declared = Number(c.req.header('content-length') ?? 0);
    if (declared > FILE_TRANSFER_MAX) throw fileTooLarge(FILE_TRANSFER_MAX);
    if (!c.req.raw.body) throw new Problem('invalid-request', 400, 'The body is missing: an upload is a tar stream.');
    const files = Readable.fromWeb(c.req.raw.body as Parameters<typeof Readable.fromWeb>[0]);
    const over = c.get('proofEnds');
    over.addEventListener('abort', () => files.destroy(over.reason as Problem), { once: true });
    const bytes = await deps.terminals.upload(id, path, files);
    await audit(c, 'file.uploaded', id, cluster.id, { path, bytes });
    return c.json({ bytes }, 200);
  });
  routes.openapi(downloadRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { path } = c.req.valid('query');
    const { cluster } = await own(c, id);
    const files = await deps.terminals.download(id, path);
    try {
      // before the first byte leaves: what was not finished was downloaded too
      await audit(c, 'file.downloaded', id, cluster.id, { path });
    } catch (error) {
      files.destroy();
      throw error;
    }
    c.header('content-type', TAR);
    c.header('content-disposition', `attachment; filename="${archiveName(path)}"`);
    return stream(c, async (out) => {
      out.onAbort(() => {
        files.destroy();
      });
      await out.pipe(Readable.toWeb(files) as ReadableStream);
    });
  });
  return routes;
}

/** `files.tar` where the path's last part is no plain name. */
function archiveName(path: string): string {
  const last = path.split('/').findLast((part) => part !== '') ?? '';
  return `${/^[\w.-]{1,100}$/.test(last) ? last : 'files'}.tar`;
}
