/** What a session showed: GET /sessions/{id}/recording (the log), .cast (asciicast v3), search. For auditors. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import { Readable } from 'node:stream';
import type { AuditEventRow } from '../../../db/queries/audit.ts';
import type { AuditCode, AuditEvent } from '../../domain/audit-codes.ts';
import { Problem } from '../../domain/problem.ts';
import type { Person } from '../../domain/person.ts';
import type { RecordingKey } from '../../domain/recording.ts';
import { actorOf, type Actor } from '../actor.ts';
import { type HttpEnv, personOf, personWith } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';
import { page, type Stream, streamSchema } from '../schemas.ts';

/** A player fetches the log in ranges: they are one viewing as long as they follow each other this closely. */
const ONE_VIEWING_MS = 10 * 60_000;

export const LOG_TYPE = 'application/vnd.sallyport.log';
export const CAST_TYPE = 'application/x-asciicast';

type Hit = { offset: number; atMs: number; line: string };

export type RecordingRoutesDeps = {
  /** Throws Problem `session-not-found`. */
  sessions: { get(id: string, person: Person): Promise<{ openedAt: string; cluster: { id: string } }> };
  recordings: {
    size(key: RecordingKey): Promise<number>;
    bytes(key: RecordingKey, start: number, end: number): Readable;
    cast(key: RecordingKey): Promise<AsyncIterable<string>>;
    search(key: RecordingKey, text: string, signal?: AbortSignal): Promise<Hit[]>;
  };
  streams: {
    list(sessionId: string): Promise<AuditEventRow[]>;
    find(sessionId: string, auditId: string): Promise<AuditEventRow | undefined>;
  };
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

const ofSession = z.object({ id: z.uuid() });
const ofStream = z.object({ id: z.uuid(), stream: z.uuid().describe('Its Audit-ID') });
const body = (type: string) => ({ content: { [type]: { schema: z.string().openapi({ format: 'binary' }) } } });

const logRoute = <P extends z.ZodObject>(path: string, what: string, params: P) =>
  createRoute({
    method: 'get',
    path,
    summary: `${what}: its log, byte for byte (docs/protocol.md)`,
    request: { params, headers: z.object({ range: z.string().max(100).optional() }) },
    responses: {
      200: { description: 'The log', ...body(LOG_TYPE) },
      206: { description: 'The asked range of it', ...body(LOG_TYPE) },
      416: { description: 'The log ends before the range' },
      ...problems(401, 403, 404),
    },
  });
const castRoute = <P extends z.ZodObject>(path: string, what: string, params: P) =>
  createRoute({
    method: 'get',
    path,
    summary: `${what} as asciicast v3`,
    request: { params },
    responses: { 200: { description: 'asciicast v3', ...body(CAST_TYPE) }, ...problems(401, 403, 404) },
  });
const hitSchema = z.object({
  offset: z.number().describe('Of the log record in which the line begins'),
  atMs: z.number().describe('Since the recording’s first record'),
  line: z.string(),
});
const searchRoute = <P extends z.ZodObject>(path: string, what: string, params: P) =>
  createRoute({
    method: 'get',
    path,
    summary: `${what}: the first 200 lines on the screen that hold a text, whatever its case`,
    request: { params, query: z.object({ q: z.string().min(1).max(200) }) },
    responses: {
      200: {
        description: 'In the order of the recording',
        content: { 'application/json': { schema: z.object({ items: z.array(hitSchema) }) } },
      },
      ...problems(400, 401, 403, 404),
    },
  });
const streamsRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}/streams',
  summary: 'Exec, attach and port-forward of a session, newest first, the last 200',
  request: { params: ofSession },
  responses: {
    200: { description: 'Streams', content: { 'application/json': { schema: page(streamSchema) } } },
    ...problems(401, 403, 404),
  },
});

export function recordingRoutes(deps: RecordingRoutesDeps): Router {
  const { recordings } = deps;
  const routes = newRouter();
  const viewings = new Viewings(deps);

  routes.openapi(streamsRoute, async (c) => {
    const { id } = c.req.valid('param');
    await deps.sessions.get(id, personOf(c, 'read'));
    return c.json({ items: (await deps.streams.list(id)).map(shownStream), next: null }, 200);
  });

  /** Nobody sees a byte before the audit log has them. */
  const open = async (c: Context<HttpEnv>, code: AuditCode): Promise<RecordingKey> => {
    const person = personWith(c, 'read', 'auditor', 'admin');
    const { id, stream } = c.req.param() as { id: string; stream?: string };
    const { openedAt, cluster } = await deps.sessions.get(id, person);
    const key = stream ? await streamKey(id, stream) : { session: id, openedAt: new Date(openedAt) };
    await recordings.size(key);
    await viewings.note(person, actorOf(c), { code, sessionId: id, clusterId: cluster.id }, key.session);
    return key;
  };
  const streamKey = async (id: string, stream: string): Promise<RecordingKey> => {
    const found = await deps.streams.find(id, stream);
    if (!found)
      throw new Problem('stream-not-found', 404, 'This session has no such stream.', { next: 'See its list.' });
    return { session: stream, openedAt: new Date(shownStream(found).startedAt) };
  };

  const serve = <P extends z.ZodObject>(path: string, what: string, params: P): void => {
    routes.openapi(logRoute(path, what, params), async (c) => {
      const key = await open(c, 'recording.viewed');
      const size = await recordings.size(key);
      const range = parseRange(c.req.header('range'), size);
      if (range === 'unsatisfiable') return c.body(null, 416, { 'content-range': `bytes */${size}` });
      const { start, end } = range ?? { start: 0, end: size };
      c.header('content-type', LOG_TYPE);
      c.header('content-disposition', `attachment; filename="${key.session}.log"`);
      c.header('content-length', String(end - start));
      c.header('accept-ranges', 'bytes');
      if (range) c.header('content-range', `bytes ${start}-${end - 1}/${size}`);
      c.status(range ? 206 : 200);
      return stream(c, (out) => out.pipe(Readable.toWeb(recordings.bytes(key, start, end)) as ReadableStream));
    });
    routes.openapi(castRoute(`${path}.cast`, what, params), async (c) => {
      const key = await open(c, 'recording.exported');
      const lines = await recordings.cast(key);
      c.header('content-type', CAST_TYPE);
      c.header('content-disposition', `attachment; filename="${key.session}.cast"`);
      return stream(c, (out) =>
        out.pipe(Readable.toWeb(Readable.from(lines, { objectMode: false })) as ReadableStream),
      );
    });
    routes.openapi(searchRoute(`${path}/search`, what, params), async (c) => {
      const key = await open(c, 'recording.viewed');
      const { q } = c.req.query() as { q: string };
      return c.json({ items: await recordings.search(key, q, c.req.raw.signal) }, 200);
    });
  };
  serve('/sessions/{id}/recording', 'The recording', ofSession);
  serve('/sessions/{id}/streams/{stream}/recording', 'The recording of a stream', ofStream);
  return routes;
}

/** Out of its event: see server/gateway/stream-recorder.ts. */
function shownStream({ at, auditId, code, detail }: AuditEventRow): Stream {
  const facts = detail['stream'] as Partial<Stream> & { startedAt: string };
  return {
    id: auditId!,
    kind: facts.kind!,
    namespace: facts.namespace ?? '',
    pod: facts.pod ?? '',
    container: facts.container ?? '',
    command: facts.command ?? [],
    tty: facts.tty ?? false,
    stdin: facts.stdin ?? false,
    startedAt: facts.startedAt,
    endedAt: code === 'api.finished' ? at.toISOString() : null,
    recorded: facts.recorded ?? facts.kind !== 'port-forward',
    unrecorded: facts.unrecorded ?? null,
    exitCode: facts.exitCode ?? null,
    bytes: facts.bytes ?? {},
    connections: facts.connections ?? [],
  };
}

/** Who looked at which recording: one event a viewing; each export is one. */
class Viewings {
  readonly #deps: Pick<RecordingRoutesDeps, 'audit' | 'now'>;
  readonly #seen = new Map<string, number>();

  constructor(deps: Pick<RecordingRoutesDeps, 'audit' | 'now'>) {
    this.#deps = deps;
  }

  async note(
    person: Person,
    actor: Actor,
    what: { code: AuditCode; sessionId: string; clusterId: string },
    recording: string,
  ) {
    const at = this.#deps.now();
    const key = `${person.id} ${recording}`;
    const goesOn = at.getTime() - (this.#seen.get(key) ?? -Infinity) < ONE_VIEWING_MS;
    if (what.code !== 'recording.viewed' || !goesOn)
      await this.#deps.audit.record({
        at,
        ...actor,
        ...what,
        ...(recording === what.sessionId ? {} : { detail: { stream: recording } }),
      });
    if (what.code !== 'recording.viewed') return;
    // the oldest first, so that the ends of viewings long past are dropped
    this.#seen.delete(key);
    this.#seen.set(key, at.getTime());
    for (const [old, time] of this.#seen) {
      if (at.getTime() - time < ONE_VIEWING_MS) break;
      this.#seen.delete(old);
    }
  }
}

/**
 * One range of bytes (RFC 9110, 14.1.2), as [start, end). Undefined where none is asked for or several are, which the
 * RFC lets a server answer with the whole.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const [first, last] = [match[1] ?? '', match[2] ?? ''];
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return start >= end ? 'unsatisfiable' : { start, end };
}
