import { expect, it } from 'vitest';
import type { Stream } from '../../../../server/http/schemas.ts';
import { streamEnd, streamLine } from './stream-words.ts';

const exec: Stream = {
  id: '00000000-0000-4000-8000-000000000000',
  kind: 'exec',
  namespace: 'shop',
  pod: 'web-1',
  container: 'app',
  command: ['sh', '-c', 'ls'],
  tty: true,
  stdin: true,
  startedAt: '2026-01-01T00:00:00Z',
  endedAt: '2026-01-01T00:01:00Z',
  recorded: true,
  unrecorded: null,
  exitCode: 3,
  bytes: {},
  connections: [],
};
const connection = { port: '80', openedAt: '', closedAt: null, up: 1, down: 2 };

it.each([
  [exec, 'exec web-1 -c app -n shop: sh -c ls', 'exit 3'],
  [{ ...exec, endedAt: null, exitCode: null, container: '' }, 'exec web-1 -n shop: sh -c ls', 'no end yet'],
  [{ ...exec, unrecorded: 'it is longer' }, 'exec web-1 -c app -n shop: sh -c ls', 'exit 3, recorded in part'],
  [
    { ...exec, kind: 'attach' as const, command: [], recorded: false, unrecorded: 'x', exitCode: null },
    'attach web-1 -c app -n shop',
    'ended, not recorded',
  ],
  [
    {
      ...exec,
      kind: 'port-forward' as const,
      command: [],
      container: '',
      exitCode: null,
      connections: [connection, connection],
    },
    'port-forward web-1 -n shop: port 80',
    'ended',
  ],
])('%#', (stream, line, end) => {
  expect(streamLine(stream)).toBe(line);
  expect(streamEnd(stream)).toBe(end);
});
