import { type PostgresOptions, runHere } from './postgres.ts';

/** What `runPostgres` starts as another user: runs PostgreSQL until its parent says so, or is gone. */
const { options, hasCluster } = JSON.parse(process.argv[2] ?? '') as { options: PostgresOptions; hasCluster: boolean };
try {
  const postgres = await runHere(options, { hasCluster, log: (text) => void process.stderr.write(text) });
  const stop = () => void postgres.stop().then(() => process.exit(0));
  process.once('message', stop);
  process.once('disconnect', stop);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}); // a terminal's Ctrl-C is the parent's to act on
  process.send?.('ready');
} catch (error) {
  process.send?.((error as Error).message);
  process.exitCode = 1;
  process.disconnect?.();
}
