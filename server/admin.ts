/** Commands on the server: the first administrator, and the way back in after a lock-out. `node server/admin.ts help` */
import '../db/load.ts';

process.exitCode = await (await import('./admin/run.ts')).run(process.argv.slice(2));
