import { expect, test } from 'vitest';
import { HelpAsked, parseDown, parseUp, UsageError } from './options.ts';

test('takes the defaults of the README', () => {
  expect(parseUp([])).toMatchObject({ port: 8080, gatewayPort: 8443, cluster: { kind: 'demo' }, json: false });
});

test('takes each option', () => {
  const args = ['--port', '9000', '--gateway-port=9001', '--data-dir', '/tmp/x', '--no-demo-cluster', '--json'];
  expect(parseUp(args)).toEqual({
    port: 9000,
    gatewayPort: 9001,
    dataDir: '/tmp/x',
    cluster: { kind: 'none' },
    json: true,
  });
  expect(parseUp(['--kubeconfig', import.meta.filename, '--context', 'there'])).toMatchObject({
    cluster: { kind: 'kubeconfig', file: import.meta.filename, context: 'there' },
  });
  expect(parseDown(['--data-dir', '/tmp/x'])).toEqual({
    dataDir: '/tmp/x',
    kubeconfig: undefined,
    leaveClusters: false,
  });
  expect(parseDown(['--kubeconfig', import.meta.filename, '--context', 'there'])).toMatchObject({
    kubeconfig: { file: import.meta.filename, context: 'there' },
  });
});

test.each([
  [['--port', '0'], '--port takes a port'],
  [['--port', 'http'], '--port takes a port'],
  [['--gateway-port', '70000'], '--gateway-port takes a port'],
  [['--port', '8443'], 'must differ'],
  [['--context', 'x'], '--context needs --kubeconfig'],
  [['--namespace', 'x'], '--namespace needs --kubeconfig'],
  [['--kubeconfig', '/no/such/file'], 'there is no file'],
  [['--prot', '1'], "Unknown option '--prot'"],
  [['start'], 'Unexpected argument'],
])('refuses %j', (args, message) => {
  expect(() => parseUp(args)).toThrow(UsageError);
  expect(() => parseUp(args)).toThrow(message);
});

test('asked for help, nothing else is looked at', () => {
  expect(() => parseUp(['--help', '--prot'])).toThrow(HelpAsked);
  expect(() => parseDown(['-h'])).toThrow(HelpAsked);
});
