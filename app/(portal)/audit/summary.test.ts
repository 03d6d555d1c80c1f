import { expect, test } from 'vitest';
import { callLine, summary } from './summary.ts';

test('a call reads as it was typed', () => {
  expect(callLine({ verb: 'get', resource: 'pods', subresource: 'log', name: 'web-1', namespace: 'shop' })).toBe(
    'get pods/log web-1 -n shop',
  );
  expect(callLine({ verb: 'list', resource: 'nodes', namespace: '', name: '' })).toBe('list nodes');
  expect(callLine({ verb: 'get', resource: '', path: '/version' })).toBe('get /version');
});

test('other events show what they carry', () => {
  expect(summary({ code: 'api.finished', detail: { verb: 'list', resource: 'pods', status: 200 } })).toBe(
    'list pods → 200',
  );
  expect(summary({ code: 'session.ended', detail: { reason: 'exited', exitCode: 0, note: null } })).toBe(
    'reason=exited exitCode=0',
  );
});
