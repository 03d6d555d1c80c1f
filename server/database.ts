/** Which database: the operator's, or the one that comes with Sallyport, started where it does not run. */
import { join } from 'node:path';
import { startPostgres } from '../db/embedded/postgres.ts';
import { provision } from '../db/provision.ts';
import type { Config } from './config/config.ts';

export type DatabaseUrls = {
  /** As the role that the portal works as. */
  url: string;
  /** As the role that owns the tables. */
  migrationUrl: string;
};

/** The embedded database goes on running when the portal ends: the next start finds it. */
export async function databaseUrls(config: Pick<Config, 'database' | 'dataDir'>): Promise<DatabaseUrls> {
  if (config.database) return config.database;
  const { adminUrl } = await startPostgres(join(config.dataDir, 'postgres'));
  return provision(adminUrl);
}
