/**
 * Loaded into web before Next.js: ends it when its portal has ended, however that went. Web's standard input is a socket
 * whose other end the portal alone holds, and which the kernel closes with it, at kill -9 too. A portal that was gone
 * before this runs has closed it just the same.
 *
 * Plain JavaScript, since web runs no other file of the server: stripping one's types would cost it 17 MB.
 */
import { isMainThread } from 'node:worker_threads';

// Threads are given this too, and go with the process.
if (isMainThread) {
  // With nobody left to answer to there is nothing to wind up. An error is an end as well: nothing can come any more.
  for (const end of ['end', 'error', 'close']) process.stdin.once(end, () => process.exit());
  // Nothing is ever sent, but who does not read learns of no end. It alone keeps no process alive.
  process.stdin.resume().unref();
}
