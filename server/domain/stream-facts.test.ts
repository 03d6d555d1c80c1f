import { expect, it } from 'vitest';
import { parseKubeRequest, type KubeRequest } from './kube-request.ts';
import { asksForSecret, exitCodeOf, sizeOf, streamFacts, streamTitle } from './stream-facts.ts';

const facts = (target: string) => streamFacts(parseKubeRequest('POST', target) as KubeRequest);

it('reads what is asked for', () => {
  const asked =
    '/api/v1/namespaces/shop/pods/web-1/exec?command=sh&command=-c&command=echo+Bearer+abcdefghijkl&container=app&stdin=true&tty=true';
  expect(facts(asked)).toEqual({
    kind: 'exec',
    namespace: 'shop',
    pod: 'web-1',
    container: 'app',
    command: ['sh', '-c', 'echo Bearer [redacted]'],
    tty: true,
    stdin: true,
  });
  expect(streamTitle(facts(asked)!)).toBe('exec web-1 -c app -n shop: sh -c echo Bearer [redacted]');
  expect(facts('/api/v1/namespaces/a/pods/b/portforward')).toMatchObject({
    kind: 'port-forward',
    command: [],
    tty: false,
  });
  expect(facts('/api/v1/namespaces/a/pods/b/log')).toBe(null);
  expect(facts('/apis/x.example/v1/namespaces/a/pods/b/exec')).toBe(null);
});

it.each([
  ['{"metadata":{},"status":"Success"}', 0],
  ['{"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}', 7],
  ['{"status":"Failure","message":"gone"}', null],
  ['{"status":"Failure","details":{"causes":7}}', null],
  ['', null],
  ['null', null],
])('%s: %s', (text, code) => expect(exitCodeOf(text)).toBe(code));

it.each([
  ['{"Width":120,"Height":40}', { cols: 120, rows: 40 }],
  ['{"Width":0,"Height":40}', null],
  ['{"Width":1e9,"Height":40}', null],
  ['[]', null],
  ['x', null],
])('%s: %j', (text, size) => expect(sizeOf(text)).toEqual(size));

it.each([
  ['Password: ', true],
  ['[sudo] password for ann: ', true],
  ["Enter passphrase for key '/root/.ssh/id': ", true],
  ['Token?', true],
  ['$ ', false],
  ['your password was changed\r\n$ ', false],
  ['bypass: ', false],
])('%j asks for a secret: %s', (line, expected) => expect(asksForSecret(line)).toBe(expected));
