import { defineConfig } from 'vitest/config';

/**
 * Files that are run a second time with every subgraph as a server of its own. `KILDE_TOPOLOGY=http npm test` runs all so;
 * those left out here (faults of sources, the browser) take minutes and were the same when they did.
 */
const inBothTopologies = ['operations', 'http', 'newSubgraph', 'canary'].map((name) => `test/e2e/${name}.test.ts`);

export default defineConfig({
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] }, // one copy for CommonJS and ESM, or they reject each other's objects
  test: {
    root: new URL('..', import.meta.url).pathname,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'kilde', include: ['test/**/*.test.ts'], globalSetup: ['test/support/globalSetup.ts'] },
      },
      {
        extends: true,
        test: { name: 'subgraphs over HTTP', include: inBothTopologies, env: { KILDE_TOPOLOGY: 'http' } },
      },
    ],
  },
});
