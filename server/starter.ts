/**
 * The program that started this one with an IPC channel, as `npm run up` starts the portal: who has one ends with it.
 * The channel carries nothing; its end, which the kernel sees to, is the message.
 */

/** Calls `then` once the starter has ended, kill -9 included; never where there is no channel. Keeps nothing alive. */
export function whenStarterEnds(then: () => void): void {
  // It may have ended while this program was still being loaded, when nobody listened yet.
  if (process.connected === false) return then();
  process.once('disconnect', then);
  process.channel?.unref();
}
