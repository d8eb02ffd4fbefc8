import { startDatabase } from '../../sandbox/database.ts';

/** Runs `startDatabase` on the folder it is given, tells its parent the URL, and stops when it is told to. */
const database = await startDatabase(process.argv[2]!);
process.send?.(database.url);
process.once('message', () => {
  void database.stop().then(() => process.exit(0));
});
