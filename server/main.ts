/** The portal's process. The work is in start.ts; this only makes drizzle-orm load the cheap way first. */
import '../db/load.ts';

await (await import('./start.ts')).start();
