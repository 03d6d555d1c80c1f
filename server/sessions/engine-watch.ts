/** Notices that the container engine went away or came back, so that people and the pool hear of it. */
import type { SandboxRuntime } from '../ports/sandbox-runtime.ts';
import { within } from './bounds.ts';

/** A person whose shell stands still is told why within seconds; an engine does not feel being asked this often. */
const LOOK_MS = 1_000;
/** A stopped process keeps its socket and never answers. */
const PATIENCE_MS = 3_000;

/** Calls `changed` when the engine stops answering and when it answers again; it is taken to answer at first. */
export function watchEngine(
  runtime: Pick<SandboxRuntime, 'health'>,
  changed: (answers: boolean) => void,
): AsyncDisposable {
  let answered = true;
  let looking: Promise<void> | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    const late = () => new Error('the engine does not answer');
    const answers = await within(runtime.health(), PATIENCE_MS, null, late).then(
      ({ ok }) => ok,
      () => false,
    );
    if (stopped || answers === answered) return;
    answered = answers;
    changed(answers);
  };
  const timer = setInterval(() => {
    looking ??= look().finally(() => (looking = undefined));
  }, LOOK_MS);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearInterval(timer);
      await looking;
    },
  };
}
