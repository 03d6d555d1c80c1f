/** What every figure is given. */
import type { Peers } from './engine.ts';
import { attach } from './ours.ts';
import type { Portal } from './rest.ts';
import { PROMPT, Reader, type BenchTerminal } from './terminal.ts';
import { connectTtyd, type Ttyd } from './ttyd.ts';

export type Bench = {
  portal: Portal;
  /** A second portal that keeps no container warm, for cold starts; made when first asked for. */
  coldPortal(): Promise<Portal>;
  cluster: string;
  role: string;
  peers: Peers;
  /** One ttyd in front of one idling peer container. */
  ttyd(): Promise<Ttyd>;
  /** Administrator's kubeconfig of the same cluster. */
  kubeconfig: string;
  rounds: number;
  /** Samples instead of the full amount: proves that the bench works, not how fast the product is. */
  sample: boolean;
  say(line: string): void;
};

export type Shell = AsyncDisposable & { session: string; terminal: BenchTerminal; reader: Reader };

/** A session of ours at its first prompt; disposing ends it. */
export async function openShell(portal: Portal, bench: Pick<Bench, 'cluster' | 'role'>): Promise<Shell> {
  const { session, ticket } = await portal.open(bench.cluster, bench.role);
  const terminal = await attach(portal, session.id, ticket);
  const reader = new Reader(terminal);
  const shell = {
    session: session.id,
    terminal,
    reader,
    [Symbol.asyncDispose]: () => close(portal, session.id, terminal),
  };
  try {
    await reader.until(PROMPT);
  } catch (error) {
    await close(portal, session.id, terminal);
    throw error;
  }
  return shell;
}

async function close(portal: Portal, session: string, terminal: BenchTerminal): Promise<void> {
  await terminal.close();
  await portal.end(session);
}

/** A terminal of ttyd at its first prompt; disposing hangs up. */
export async function openPeer(ttyd: Ttyd): Promise<Omit<Shell, 'session'>> {
  const terminal = await connectTtyd(ttyd.port);
  const reader = new Reader(terminal);
  await reader.until(PROMPT);
  return { terminal, reader, [Symbol.asyncDispose]: () => terminal.close() };
}

/** Alternates who goes first, so that neither side always meets the machine warm. */
export async function interleave(rounds: number, ...sides: (() => Promise<void>)[]): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    for (let turn = 0; turn < sides.length; turn += 1) await sides[(round + turn) % sides.length]!();
}
