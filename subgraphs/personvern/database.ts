import { accessLogMigrations } from '../../schema/accessEntry.ts';
import { type DatabaseSource, openDatabaseSource } from '../_shared/databaseSource.ts';

export const SOURCE = 'PERSONVERN';

/** The schema that gateway (writes `access`) and subgraph (reads) share; its tables are described in schema/accessEntry.ts. */
export const openPersonvern = (url: string): Promise<DatabaseSource> =>
  openDatabaseSource({ name: SOURCE, url, schema: 'personvern', steps: accessLogMigrations });
