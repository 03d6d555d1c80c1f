/** The session host: PID 1 of a sandbox. Reads its secret from standard input; see docs/protocol.md. */
import { constants } from 'node:os';
import { harden, ignoreSignals, oomScores, readSecret, reapOrphans } from './boot.ts';
import { Link } from './link.ts';
import { listen } from './listeners.ts';
import { parseOptions } from './options.ts';
import { HostSession } from './session.ts';
import { socketsWay } from './sockets-way.ts';

const options = parseOptions(process.argv.slice(2));
const secret = readSecret();
const scored = oomScores();
harden();

const session = new HostSession(options, scored);
if (process.pid === 1) {
  ignoreSignals();
  reapOrphans(() => session.shell);
}
session.onOver = (exit) => process.exit(exit.code ?? 128 + (exit.signal ?? constants.signals.SIGKILL));

// Loaded only where they are used: HTTP/2, TLS and tar would be a tenth of an idle host's memory.
const way =
  options.way === 'sockets'
    ? socketsWay(options.folder)
    : (await import('./exec-way.ts')).execWay(options.relay, secret);
await Promise.all([listen(options.kubernetesPort, way), listen(options.egressPort, way)]);
session.onFile = (request) =>
  void import('./transfers.ts').then(({ transfer }) =>
    transfer(request, { way, secret, session, folders: [options.home, '/tmp'] }),
  );
new Link(way, secret, session);
