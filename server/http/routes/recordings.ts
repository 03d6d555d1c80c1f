/** What a session showed: GET /sessions/{id}/recording (the log), .cast (asciicast v3), search. For auditors. */
import { createRoute, z } from '@hono/zod-openapi';
import { stream } from 'hono/streaming';
import { Readable } from 'node:stream';
import type { AuditCode, AuditEvent } from '../../domain/audit-codes.ts';
import type { Person } from '../../domain/person.ts';
import type { RecordingKey } from '../../domain/recording.ts';
import { actorOf, type Actor } from '../actor.ts';
import { personWith } from '../env.ts';
import { newRouter, problems, type Router } from '../router.ts';

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
  audit: { record(event: AuditEvent): Promise<void> };
  now: () => Date;
};

const params = z.object({ id: z.uuid() });
const body = (type: string) => ({ content: { [type]: { schema: z.string().openapi({ format: 'binary' }) } } });

const logRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}/recording',
  summary: 'The recording: its log, byte for byte (docs/protocol.md)',
  request: { params, headers: z.object({ range: z.string().max(100).optional() }) },
  responses: {
    200: { description: 'The log', ...body(LOG_TYPE) },
    206: { description: 'The asked range of it', ...body(LOG_TYPE) },
    416: { description: 'The log ends before the range' },
    ...problems(401, 403, 404),
  },
});
const castRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}/recording.cast',
  summary: 'The recording as asciicast v3',
  request: { params },
  responses: { 200: { description: 'asciicast v3', ...body(CAST_TYPE) }, ...problems(401, 403, 404) },
});
const hitSchema = z.object({
  offset: z.number().describe('Of the log record in which the line begins'),
  atMs: z.number().describe('Since the recording’s first record'),
  line: z.string(),
});
const searchRoute = createRoute({
  method: 'get',
  path: '/sessions/{id}/recording/search',
  summary: 'The first 200 lines on the screen that hold a text, whatever its case',
  request: { params, query: z.object({ q: z.string().min(1).max(200) }) },
  responses: {
    200: {
      description: 'In the order of the recording',
      content: { 'application/json': { schema: z.object({ items: z.array(hitSchema) }) } },
    },
    ...problems(400, 401, 403, 404),
  },
});

export function recordingRoutes(deps: RecordingRoutesDeps): Router {
  const { recordings } = deps;
  const routes = newRouter();
  const viewings = new Viewings(deps);

  /** Nobody sees a byte before the audit log has them. */
  const open = async (id: string, person: Person, actor: Actor, code: AuditCode): Promise<RecordingKey> => {
    const { openedAt, cluster } = await deps.sessions.get(id, person);
    const key = { session: id, openedAt: new Date(openedAt) };
    await recordings.size(key);
    await viewings.note(person, actor, { code, sessionId: id, clusterId: cluster.id });
    return key;
  };

  routes.openapi(logRoute, async (c) => {
    const person = personWith(c, 'read', 'auditor', 'admin');
    const key = await open(c.req.valid('param').id, person, actorOf(c), 'recording.viewed');
    const size = await recordings.size(key);
    const range = parseRange(c.req.valid('header').range, size);
    if (range === 'unsatisfiable') return c.body(null, 416, { 'content-range': `bytes */${size}` });
    const { start, end } = range ?? { start: 0, end: size };
    c.header('content-type', LOG_TYPE);
    c.header('content-disposition', `attachment; filename="${c.req.valid('param').id}.log"`);
    c.header('content-length', String(end - start));
    c.header('accept-ranges', 'bytes');
    if (range) c.header('content-range', `bytes ${start}-${end - 1}/${size}`);
    c.status(range ? 206 : 200);
    return stream(c, (out) => out.pipe(Readable.toWeb(recordings.bytes(key, start, end)) as ReadableStream));
  });
  routes.openapi(castRoute, async (c) => {
    const person = personWith(c, 'read', 'auditor', 'admin');
    const { id } = c.req.valid('param');
    const key = await open(id, person, actorOf(c), 'recording.exported');
    const lines = await recordings.cast(key);
    c.header('content-type', CAST_TYPE);
    c.header('content-disposition', `attachment; filename="${id}.cast"`);
    return stream(c, (out) => out.pipe(Readable.toWeb(Readable.from(lines, { objectMode: false })) as ReadableStream));
  });
  routes.openapi(searchRoute, async (c) => {
    const person = personWith(c, 'read', 'auditor', 'admin');
    const key = await open(c.req.valid('param').id, person, actorOf(c), 'recording.viewed');
    return c.json({ items: await recordings.search(key, c.req.valid('query').q, c.req.raw.signal) }, 200);
  });
  return routes;
}

/** Who looked at which recording: one event a viewing; each export is one. */
class Viewings {
  readonly #deps: Pick<RecordingRoutesDeps, 'audit' | 'now'>;
  readonly #seen = new Map<string, number>();

  constructor(deps: Pick<RecordingRoutesDeps, 'audit' | 'now'>) {
    this.#deps = deps;
  }

  async note(person: Person, actor: Actor, what: { code: AuditCode; sessionId: string; clusterId: string }) {
    const at = this.#deps.now();
    const key = `${person.id} ${what.sessionId}`;
    const goesOn = at.getTime() - (this.#seen.get(key) ?? -Infinity) < ONE_VIEWING_MS;
    if (what.code !== 'recording.viewed' || !goesOn) await this.#deps.audit.record({ at, ...actor, ...what });
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
