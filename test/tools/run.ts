import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

/** `npm test`: what is missing from Debian, then formatter, linter, types and schema, then every test. */
const root = fileURLToPath(new URL('../../', import.meta.url));
const results = `${root}test/output/results.json`;

type Need = { package: string; files: readonly string[]; why: string };
const needs: readonly Need[] = [
  {
    package: 'chromium',
    files: [
      '/usr/bin/chromium',
      '/usr/bin/chromium-browser',
      '/usr/bin/google-chrome',
      process.env['CHROMIUM_PATH'] ?? '',
    ],
    why: 'the explorer is tested in a real browser (set CHROMIUM_PATH if yours lives elsewhere)',
  },
  {
    package: 'redis-server',
    files: (process.env['PATH'] ?? '').split(':').map((folder) => `${folder}/redis-server`),
    why: 'what replicas share is tested on a real Redis, and on one that is killed, frozen and full',
  },
];

const run = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;

const stop = (message: string): never => {
  console.error(message);
  process.exit(1);
};

const installMissing = () => {
  const missing = needs.filter(({ files }) => !files.some((file) => file !== '' && existsSync(file)));
  if (missing.length === 0) return;
  const names = missing.map((need) => need.package);
  const canInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!canInstall) stop(missing.map((need) => `Missing: ${need.package}; ${need.why}`).join('\n'));
  console.log(`Installing from Debian: ${names.join(', ')}`);
  const isInstalled =
    run('apt-get', ['-qq', 'update']) && run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...names]);
  if (!isInstalled) stop(`apt-get could not install ${names.join(', ')}`);
};

const Results = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});

installMissing();
if (!run('npm', ['run', '--silent', 'check'])) stop('npm run check found something');
mkdirSync(`${root}test/output`, { recursive: true });
const isGreen = run(process.execPath, [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config=test/vitest.config.ts',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${results}`,
  ...process.argv.slice(2),
]);
const counted = Results.parse(JSON.parse(readFileSync(results, 'utf8')));
// A file that fails before its first test counts as one: its tests are only «skipped» otherwise.
const brokenFiles = counted.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((it) => it.status === 'failed'),
).length;
const skipped = counted.numPendingTests > 0 ? `, ${counted.numPendingTests} skipped` : '';
console.log(`${counted.numPassedTests} passed, ${counted.numFailedTests + brokenFiles} failed${skipped}`);
process.exitCode = isGreen ? 0 : 1;
