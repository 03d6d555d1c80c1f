/** What the session host is started with; the defaults are the image's. Tests run it beside themselves with others. */
import { parseArgs } from 'node:util';
import { EGRESS_PORT, HOME, KUBERNETES_PORT, TOKEN_FILE } from '../../protocol/sandbox.ts';

export type HostOptions = {
  /** How streams reach the portal. */
  way: 'sockets' | 'exec';
  /** Holds terminal.sock and api.sock (sockets). */
  folder: string;
  /** Name of the abstract Unix socket that the relay dials (exec). */
  relay: string;
  home: string;
  tokenFile: string;
  kubernetesPort: number;
  egressPort: number;
  shell: string;
};

/** Throws TypeError on an unknown option. */
export function parseOptions(args: string[]): HostOptions {
  const { values } = parseArgs({
    args,
    options: {
      way: { type: 'string', default: 'sockets' },
      folder: { type: 'string', default: '/run/sallyport' },
      relay: { type: 'string', default: 'sallyport-host' },
      home: { type: 'string', default: HOME },
      'token-file': { type: 'string', default: TOKEN_FILE },
      'kubernetes-port': { type: 'string', default: String(KUBERNETES_PORT) },
      'egress-port': { type: 'string', default: String(EGRESS_PORT) },
      shell: { type: 'string', default: '/bin/bash' },
    },
  });
  if (values.way !== 'sockets' && values.way !== 'exec') throw new TypeError(`--way is sockets or exec`);
  return {
    way: values.way,
    folder: values.folder,
    relay: values.relay,
    home: values.home,
    tokenFile: values['token-file'],
    kubernetesPort: Number(values['kubernetes-port']),
    egressPort: Number(values['egress-port']),
    shell: values.shell,
  };
}
