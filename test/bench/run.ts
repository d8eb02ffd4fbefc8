import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runGeneric } from './generic/workload.ts';
import { goalsOf } from './goals.ts';
import { describeMachine, type Results, toMarkdown } from './report.ts';
import { runSummary } from './summaryWorkload.ts';

/**
 * `npm run bench [-- --quick] [--only bare,stock,shop…] [--json FILE] [--profile]`: Kilde beside what else could answer. A full
 * run rewrites `results.md` and `results.json` beside this file; others leave them alone.
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    only: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'boolean' },
  },
});
const wanted = options.only?.split(',');
const isWanted = (name: string) => wanted?.includes(name) ?? true;
const extent = options.quick
  ? { rounds: 2, seconds: 1, warmUpSeconds: 3 }
  : { rounds: 5, seconds: 2, warmUpSeconds: 30 };

/** The other gateways have lock files of their own, so that nobody installs them who does not measure. */
const install = (peer: string) => {
  const folder = fileURLToPath(new URL(peer, import.meta.url));
  if (existsSync(`${folder}node_modules`)) return;
  const { status } = spawnSync('npm', ['ci', '--prefix', folder], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the other gateways could not be installed');
};
if (isWanted('hive')) install('./peers/');
if (isWanted('shop')) install('./peers/mercurius/');

const isShopAlone = wanted?.every((it) => it === 'shop') ?? false;
const summary = isShopAlone ? null : await runSummary({ ...extent, profile: options.profile ?? false }, isWanted);
const generic = isWanted('shop')
  ? await runGeneric(extent, (name) => isShopAlone || name !== 'hive' || isWanted('hive'))
  : null;
const results: Results = { ...describeMachine(), ...extent, summary, generic, goals: goalsOf(summary, generic) };

const markdown = toMarkdown(results);
const json = `${JSON.stringify(results, null, 2)}\n`;
console.log(markdown);
if (!options.quick && !wanted) {
  writeFileSync(new URL('./results.md', import.meta.url), markdown);
  writeFileSync(new URL('./results.json', import.meta.url), json);
}
if (options.json) writeFileSync(options.json, json);
