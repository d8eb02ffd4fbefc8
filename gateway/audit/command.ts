import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type pg from 'pg';
import * as z from 'zod';
import { entryOfRow } from '../../schema/accessEntry.ts';
import { RootKey } from '../../schema/keys.ts';
import { toAuditEvent } from './auditEvent.ts';
import { type Checkpoint, checkpointSigner, publicKeyOf, readFolder, readPublicKey } from './checkpoint.ts';
import { openAccessDatabase } from './database.ts';
import { inclusionProof } from './merkle.ts';
import { findToReview } from './review.ts';
import { sealedRows, seals } from './rows.ts';
import { describeFault, verifyLog } from './verify.ts';

/**
 * `npm run audit:verify`, `audit:export`, `audit:review`, `audit:proof`: what the platform team and the data protection
 * officer do with the access log. Reads the database at `DATABASE_URL`; results go to standard output, words to standard error.
 */
const usage = `npm run audit:verify -- [--checkpoints FOLDER] [--key PUBLIC_KEY]
npm run audit:export -- [--patient ID] [--since TIME] [--until TIME]
npm run audit:review -- [--since TIME] [--until TIME] [--organisation NUMBER] [--people-a-day N]
npm run audit:proof -- --entry ID [--checkpoints FOLDER] [--key PUBLIC_KEY]`;

const Env = z.object({
  DATABASE_URL: z.string().startsWith('postgres'),
  KILDE_KEY: RootKey.optional(),
  AUDIT_CHECKPOINTS: z.string().optional(),
});
const Time = z.coerce.date();

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    checkpoints: { type: 'string' },
    key: { type: 'string' },
    patient: { type: 'string' },
    entry: { type: 'string' },
    since: { type: 'string' },
    until: { type: 'string' },
    organisation: { type: 'string' },
    'people-a-day': { type: 'string' },
  },
});
const env = Env.safeParse(process.env);
if (!env.success) {
  console.error(`${env.error.issues.map(({ path }) => path.join('.')).join(', ')}: needed, as the gateway has it`);
  process.exit(2);
}
const settings = env.data;

const publicKey = () => {
  if (values.key) return readPublicKey(values.key);
  if (!settings.KILDE_KEY) throw new Error('checkpoints are checked with --key, or with the KILDE_KEY that made them');
  return readPublicKey(publicKeyOf(checkpointSigner(settings.KILDE_KEY)));
};

/** Checkpoints of every gateway; none before the first has been signed. */
const readCheckpoints = (): Checkpoint[] => {
  const folder = values.checkpoints ?? settings.AUDIT_CHECKPOINTS;
  return folder && existsSync(folder) ? readFolder(folder, publicKey()) : [];
};

const period = () => ({ since: Time.parse(values.since ?? 0), until: Time.parse(values.until ?? new Date()) });
const print = (value: unknown) => console.log(JSON.stringify(value));

const commands: Record<string, (database: pg.Pool) => Promise<number>> = {
  async verify(database) {
    const checkpoints = readCheckpoints();
    if (checkpoints.length === 0)
      console.error('no checkpoints: a log that was rebuilt as a whole would not be noticed');
    const { entries, first, last, confirmed, faults } = await verifyLog(sealedRows(database), checkpoints);
    for (const fault of faults) console.log(describeFault(fault));
    const range = first === null ? '' : ` (${first} to ${last})`;
    console.log(
      `${entries} entries${range}, ${confirmed} of ${checkpoints.length} checkpoints confirmed, ${faults.length} faults`,
    );
    return faults.length === 0 ? 0 : 1;
  },

  async export(database) {
    const { since, until } = period();
    for await (const page of sealedRows(database)) {
      for (const entry of page.map(entryOfRow)) {
        const at = new Date(entry.at);
        if (at < since || at >= until || (values.patient && entry.patient !== values.patient)) continue;
        print(toAuditEvent(entry));
      }
    }
    return 0;
  },

  async review(database) {
    const peopleADay = Number(values['people-a-day'] ?? 60);
    const rows = await findToReview(database, { ...period(), organisation: values.organisation ?? null, peopleADay });
    for (const row of rows) print(row);
    return 0;
  },

  async proof(database) {
    const checkpoint = readCheckpoints().sort((one, other) => other.size - one.size)[0];
    if (!checkpoint) throw new Error('a proof leads to a checkpoint: name their folder with --checkpoints');
    const { rows } = await database.query<{ sequence: string }>(
      'select sequence from personvern.access where id = $1',
      [values.entry],
    );
    const index = rows[0] ? Number(BigInt(rows[0].sequence) - checkpoint.first) : -1;
    if (index < 0 || index >= checkpoint.size) throw new Error('no such entry, or none that is signed for yet');
    const leaves: Buffer[] = [];
    for await (const page of seals(database)) leaves.push(...page.map(({ leaf }) => leaf));
    const proof = inclusionProof(leaves.slice(0, checkpoint.size), index).map((it) => it.toString('base64'));
    const { origin, size, root } = checkpoint;
    print({ origin, size, root: root.toString('base64'), index, leaf: leaves[index]!.toString('base64'), proof });
    return 0;
  },
};

const command = commands[positionals[0] ?? ''];
if (!command) {
  console.error(usage);
  process.exit(2);
}
const database = openAccessDatabase(settings.DATABASE_URL, { connections: 1, queryTimeoutMs: 600_000 });
try {
  process.exitCode = await command(database);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
} finally {
  await database.end();
}
