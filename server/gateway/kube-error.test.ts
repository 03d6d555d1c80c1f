import { describe, expect, test } from 'vitest';
import { type KubeRequest, parseKubeRequest } from '../domain/kube-request.ts';
import { Problem } from '../domain/problem.ts';
import { errorAnswer } from './kube-error.ts';

const correlation = { id: 'the-id', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' };

function answerTo(target: string | null, status: number, problem = new Problem('some-code', status, 'It is so.')) {
  const request = target === null ? null : (parseKubeRequest('GET', target) as KubeRequest);
  return errorAnswer(problem, { request, correlation, auditId: 'the-call', errorDocs: 'https://portal/docs/errors/' });
}

/** How the sentence travels. */
function shapeOf(target: string | null, status: number): string {
  const { headers } = answerTo(target, status);
  const body = headers['content-type'] === 'application/json' ? 'Status' : 'plain';
  return headers['warning'] === undefined ? body : `${body}, Warning`;
}

const STATUSES = [400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 500, 502, 503, 504];
const pods = '/api/v1/namespaces/default/pods';
const whoami = '/apis/authentication.k8s.io/v1/selfsubjectreviews';

describe('the shape is the one that kubectl shows: docs/errors/kubectl.md', () => {
  test.each([pods, `${pods}/web`, `${pods}/web/log`, `${pods}/web/exec`, '/apis/apps/v1/deployments'])(
    'a call for a resource has a Status, whatever its status: %s',
    (target) => {
      for (const status of STATUSES) expect(shapeOf(target, status)).toBe('Status');
    },
  );

  test.each(['/api', '/apis', '/apis/apps/v1', '/version', '/openapi/v3', '/readyz'])(
    'elsewhere the plain sentence where it is kept, and a Warning where any body is dropped: %s',
    (target) => {
      const plain = [403, 415, 500, 502];
      for (const status of STATUSES)
        expect(shapeOf(target, status), `${status}`).toBe(plain.includes(status) ? 'plain' : 'Status, Warning');
    },
  );

  test('a Status whose words are dropped has a Warning besides', () => {
    expect(STATUSES.filter((status) => shapeOf(whoami, status) === 'Status, Warning')).toEqual([403, 404]);
    expect(STATUSES.filter((status) => shapeOf(`${pods}?watch=true`, status) === 'Status, Warning')).toEqual([429]);
  });

  test('a request that was not understood has both', () => {
    for (const status of STATUSES) expect(shapeOf(null, status)).toBe('Status, Warning');
  });
});

test('a Status has what client libraries read', () => {
  const problem = new Problem('too-much', 429, 'There is too much.', {
    next: 'Come again.',
    meta: { retryAfterSeconds: '3', atOnce: '5' },
  });
  const { status, headers, body } = answerTo('/apis/apps/v1/namespaces/default/deployments/web', 429, problem);
  expect(status).toBe(429);
  expect(JSON.parse(body)).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'There is too much. Come again.',
    reason: 'TooManyRequests',
    details: {
      name: 'web',
      group: 'apps',
      kind: 'deployments',
      causes: [{ reason: 'too-much', message: 'There is too much.' }],
    },
    code: 429,
  });
  expect(headers).toMatchObject({
    'x-sallyport-error-code': 'too-much',
    'x-sallyport-error-meta-at-once': '5',
    'x-correlation-id': 'the-id',
    'audit-id': 'the-call',
    link: '<https://portal/docs/errors/too-much>; rel="help"',
    'retry-after': '3',
    traceresponse: correlation.traceparent,
  });
});

test('a Warning is a header that every client takes', () => {
  const problem = new Problem('some-code', 401, 'The portal’s “\\ä” is over…');
  const { headers } = answerTo('/api', 401, problem);
  expect(headers['warning']).toBe(String.raw`299 sallyport "The portal's \"\\?\" is over..."`);
  expect(headers['www-authenticate']).toBe('Bearer realm="sallyport"');
});
