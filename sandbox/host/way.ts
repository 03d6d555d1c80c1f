/** How the host reaches the portal: one shape for both ways. */
import type { Duplex } from 'node:stream';

export type StreamKind = 'terminal' | 'api';

export type Way = {
  /** Opens a stream to the newest portal. Rejects where none answers now. */
  dial(kind: StreamKind): Promise<Duplex>;
  /** Runs whenever another portal, or the same one anew, can be dialled. */
  onPortal: () => void;
};
