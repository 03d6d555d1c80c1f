import type { Session } from '../../server/http/schemas.ts';
import { TerminalController } from './controller.ts';

/** The page's live terminals by session: a pane that is mounted again finds the one it had. */
const controllers = new Map<string, TerminalController>();

/** The session's terminal, made on first use. */
export function terminalOf(
  sessionId: string,
  options: { nonce: string | undefined; ticket?: string; onSession: (session: Session) => void },
): TerminalController {
  let controller = controllers.get(sessionId);
  if (!controller) {
    controller = new TerminalController(sessionId, options.nonce, options.onSession);
    controllers.set(sessionId, controller);
    void controller.start(options.ticket);
  }
  return controller;
}

export function existingTerminal(sessionId: string): TerminalController | undefined {
  return controllers.get(sessionId);
}

/** Takes the page off the session, which stays alive (detached). */
export function dropTerminal(sessionId: string): void {
  controllers.get(sessionId)?.dispose();
  controllers.delete(sessionId);
}
