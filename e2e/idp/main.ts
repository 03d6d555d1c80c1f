/** The provider's process: `node e2e/idp/main.ts FOLDER`. */
import { createServer } from 'node:http';
import { whenStarterEnds } from '../../server/starter.ts';
import { instanceAt } from '../machine/instance.ts';
import { providerState } from './people.ts';
import { handler, makeProvider } from './provider.ts';

const folder = process.argv[2];
if (!folder) throw new Error('usage: node e2e/idp/main.ts FOLDER');
const state = await providerState(instanceAt(folder));
const server = createServer(handler(makeProvider(state), state));
server.listen(state.port, '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
whenStarterEnds(stop);

function stop(): void {
  server.close();
  server.closeAllConnections();
}
