import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkpointSigner, publicKeyOf, readFolder, readPublicKey } from '../../../gateway/audit/checkpoint.ts';
import { type Checkpointer, startCheckpointer } from '../../../gateway/audit/checkpointer.ts';
import { openAccessDatabase } from '../../../gateway/audit/database.ts';
import { sealedRows } from '../../../gateway/audit/rows.ts';
import { describeFault, verifyLog } from '../../../gateway/audit/verify.ts';
import {
  type AccessEntry,
  accessLogMigrations,
  canonicalJson,
  entryOfRow,
  insertAccessEntries,
} from '../../../schema/accessEntry.ts';
import { migrate } from '../../../subgraphs/_shared/database.ts';
import { accessEntry } from '../../support/accessEntry.ts';
import { startTestPostgres, type TestPostgres } from '../../support/postgres.ts';

const rootKey = randomBytes(32);
const signer = checkpointSigner(rootKey);
const key = readPublicKey(publicKeyOf(signer));
let postgres: TestPostgres;
/** As the database's owner, who can do anything. */
let owner: pg.Pool;
/** As a gateway. */
let writer: pg.Pool;
let folder: string;

beforeAll(async () => {
  postgres = await startTestPostgres();
  owner = new pg.Pool({ connectionString: postgres.url });
});
afterAll(async () => {
  await Promise.all([owner?.end(), writer?.end()]);
  await postgres?.stop();
});
beforeEach(async () => {
  await writer?.end();
  await owner.query('drop schema if exists personvern cascade');
  await migrate(owner, 'personvern', accessLogMigrations);
  writer = openAccessDatabase(postgres.url);
  folder = await mkdtemp(join(tmpdir(), 'kilde-audit-'));
  return () => rm(folder, { recursive: true, force: true });
});

const write = async (count: number, change: Partial<AccessEntry> = {}) => {
  const entries = Array.from({ length: count }, () => accessEntry(change));
  await writer.query(insertAccessEntries(entries));
  return entries;
};
const checkpointer = (): Checkpointer => startCheckpointer({ database: writer, folder, signer, everyMs: 3_600_000 });
const sign = async () => {
  const made = checkpointer();
  await made.sign();
  await made.stop();
};
const checkpoints = async () => readFolder(folder, key);
const verdict = async () => verifyLog(sealedRows(owner), await checkpoints());
const faults = async () => (await verdict()).faults.map(describeFault);

/** What somebody does who has the whole database in their hands: no trigger stops them. */
const tamper = async (...statements: string[]) => {
  for (const statement of ['alter table personvern.access disable trigger all', ...statements])
    await owner.query(statement);
};

describe('an access log that nobody has touched', () => {
  it('is proved whole, and agrees with every checkpoint', async () => {
    await write(7);
    const signing = checkpointer();
    await signing.sign();
    await write(5);
    await signing.sign();
    await signing.sign(); // nothing new: nothing written
    await signing.stop();
    expect(await verdict()).toEqual({ entries: 12, first: 1n, last: 12n, confirmed: 2, faults: [] });
  });

  it('is read back as it was written, whatever an entry holds', async () => {
    await write(1, {
      at: '2026-03-05T08:00:02.123+01:00',
      callerName: 'Ærlig «Ødegård» \u202e <script> =cmd|\r\nSet-Cookie: x',
      reason: '\\u0000 "sitat" \u{1f600}',
      recordCounts: { KJERNEJOURNAL: 2, ERESEPT: 0, Å: 1 },
      flags: ['deceased', 'protectedAddress'],
    });
    await sign();
    expect((await verdict()).faults).toEqual([]);
  });

  it('hashes canonical JSON as RFC 8785 has it', () => {
    const texts = fc.string({ unit: 'grapheme', maxLength: 20 });
    fc.assert(
      fc.property(texts, fc.array(texts, { maxLength: 3 }), fc.dictionary(texts, fc.nat()), (text, list, counts) => {
        const entry = accessEntry({ callerName: text, rules: list, recordCounts: counts });
        expect(canonicalJson(entry)).toBe(canonicalize({ ...entry, at: new Date(entry.at).toISOString() }));
      }),
    );
  });

  it('L06: two gateways that write at once make one chain, without a gap', async () => {
    const other = openAccessDatabase(postgres.url);
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 ? writer : other).query(insertAccessEntries([accessEntry(), accessEntry()])),
      ),
    );
    await other.end();
    await sign();
    expect(await verdict()).toMatchObject({ entries: 80, first: 1n, last: 80n, faults: [] });
  });

  it('goes on after entries from before the chain began', async () => {
    await owner.query('drop schema personvern cascade');
    await migrate(owner, 'personvern', accessLogMigrations.slice(0, 2));
    await owner.query(
      `insert into personvern.access (id, at, caller_kind, caller_name, role, client_id, client_name, override,
         categories_granted, categories_denied, rules, sources, record_counts, outcome, flags, trace_id, event_id)
       values (gen_random_uuid(), now(), 'system', 'x', 'system', 'x', 'x', false, '[]', '[]', '[]', '[]', '{}', 'refused', '[]', 'x', 'x')`,
    );
    await migrate(owner, 'personvern', accessLogMigrations);
    await write(3);
    await sign();
    expect(await verdict()).toEqual({ entries: 3, first: 2n, last: 4n, confirmed: 1, faults: [] });
  });
});

describe('L04: every way to change the log is found, and where', () => {
  beforeEach(async () => {
    await write(10);
    await sign();
  });

  it.each([
    [
      'alter: another outcome',
      "update personvern.access set outcome = 'refused' where sequence = 4",
      ['entry 4: not as it was written'],
    ],
    [
      'alter: another patient',
      `update personvern.access set patient = '${randomUUID()}' where sequence = 1`,
      ['entry 1: not as it was written'],
    ],
    [
      'alter: another count',
      `update personvern.access set record_counts = '{"ERESEPT": 4}' where sequence = 10`,
      ['entry 10: not as it was written'],
    ],
    [
      'alter: what no entry can hold',
      "update personvern.access set role = 'king' where sequence = 2",
      ['entry 2: not as it was written'],
    ],
    [
      'alter: a time that is none',
      "update personvern.access set at = 'infinity', record_counts = 'null' where sequence = 3",
      ['entry 3: not as it was written'],
    ],
    [
      'delete one',
      'delete from personvern.access where sequence = 5',
      ['before entry 6: 1 missing', 'entry 6: does not follow on the one before it'],
    ],
  ])('%s', async (_title, statement, expected) => {
    await tamper(statement);
    const found = await faults();
    expect(found.slice(0, expected.length)).toEqual(expected);
  });

  it('alter, with the leaf made to fit', async () => {
    const [forged] = await write(1, { outcome: 'refused' });
    await tamper(
      `update personvern.access set (id, outcome, patient, event_id, leaf) =
         (select gen_random_uuid(), outcome, patient, event_id, leaf from personvern.access where id = '${forged!.id}') where sequence = 4`,
    );
    expect(await faults()).toContain('entry 4: does not follow on the one before it');
  });

  it('insert one between two others', async () => {
    await tamper(
      'update personvern.access set sequence = sequence + 1000 where sequence > 5',
      'update personvern.access set sequence = sequence - 999 where sequence > 1000',
      `insert into personvern.access select (jsonb_populate_record(a, jsonb_build_object('sequence', 6, 'id', gen_random_uuid()))).*
         from personvern.access a where sequence = 5`,
    );
    const found = await faults();
    expect(found).toContain('entry 6: not as it was written');
    expect(found).toContain('entry 6: does not follow on the one before it');
  });

  it('swap two', async () => {
    await tamper(
      'update personvern.access set sequence = 1003 where sequence = 3',
      'update personvern.access set sequence = 3 where sequence = 8',
      'update personvern.access set sequence = 8 where sequence = 1003',
    );
    expect(await faults()).toContain('entry 3: does not follow on the one before it');
  });

  it('cut off the end', async () => {
    await tamper('delete from personvern.access where sequence > 7');
    const [fault, ...others] = await faults();
    expect(fault).toMatch(/^after entry 7: 3 missing that were signed for at /);
    expect(others).toEqual([]);
  });

  it('roll back to an older copy, and go on from there', async () => {
    await tamper(
      'delete from personvern.access where sequence > 7',
      'update personvern.access_counter set last = 7, seal = (select seal from personvern.access where sequence = 7)',
      'alter table personvern.access enable trigger all',
    );
    await write(5);
    const [fault, ...others] = await faults();
    expect(fault).toMatch(/^up to entry 10: not the log that was signed for at /);
    expect(others).toEqual([]);
  });

  it('L05: rebuild the whole chain with an entry changed, as who owns the database can', async () => {
    await tamper(
      'create table personvern.copy as select * from personvern.access order by sequence',
      'truncate personvern.access',
      "update personvern.access_counter set last = 0, seal = ''",
    );
    const { rows } = await owner.query('select * from personvern.copy order by sequence');
    const forged = rows.map((row) => ({
      ...entryOfRow(row),
      ...(row.sequence === '4' ? { callerName: 'Noen Andre' } : {}),
    }));
    await owner.query(insertAccessEntries(forged));
    const inItself = await verifyLog(sealedRows(owner), []);
    expect(inItself).toMatchObject({ entries: 10, faults: [] }); // by itself it looks whole
    expect(await faults()).toEqual([expect.stringMatching(/^up to entry 10: not the log that was signed for at /)]);
  });

  it('a checkpoint that somebody has written themselves is no checkpoint', async () => {
    const [name = ''] = await readdir(folder);
    const file = join(folder, name);
    const note = await readFile(file, 'utf8');
    await writeFile(file, note.replace('\n10\n', '\n9\n'));
    await expect(checkpoints()).rejects.toThrow('is not signed with this key');
    expect(() => startCheckpointer({ database: writer, folder, signer })).toThrow('not signed with this key');
  });

  it('a log that differs from its last checkpoint is not signed for any more', async () => {
    await tamper('delete from personvern.access where sequence > 7');
    const signing = checkpointer();
    await expect(signing.sign()).rejects.toThrow('differs from its signed checkpoints');
    await signing.stop();
    expect(await checkpoints()).toHaveLength(1);
  });
});

describe('the role that the gateway writes as', () => {
  beforeEach(() => write(1));
  it.each([
    ['insert into personvern.access select * from personvern.access'],
    ["update personvern.access set outcome = 'granted'"],
    ['delete from personvern.access'],
    ['truncate personvern.access'],
    ['update personvern.access_counter set last = 0'],
    ['select last from personvern.access_counter'],
    ['alter table personvern.access disable trigger all'],
    ['drop table personvern.access'],
  ])('may not: %s', async (statement) => {
    await expect(writer.query(statement)).rejects.toMatchObject({ code: '42501' }); // insufficient_privilege
  });
});

describe('the commands', () => {
  const node = process.execPath;
  const command = new URL('../../../gateway/audit/command.ts', import.meta.url).pathname;
  const run = async (...args: string[]) => {
    const env = { DATABASE_URL: postgres.url, PATH: process.env['PATH'] };
    try {
      const { stdout } = await promisify(execFile)(node, [command, ...args], { env });
      return { code: 0, stdout };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  };
  const withCheckpoints = () => ['--checkpoints', folder, '--key', publicKeyOf(signer)];

  it('audit:verify says that the log is whole, and where it is not', async () => {
    await write(3);
    await sign();
    expect(await run('verify', ...withCheckpoints())).toEqual({
      code: 0,
      stdout: '3 entries (1 to 3), 1 of 1 checkpoints confirmed, 0 faults\n',
    });
    await tamper("update personvern.access set outcome = 'refused' where sequence = 2");
    expect(await run('verify', ...withCheckpoints())).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('entry 2: not as it was written\n'),
    });
  });

  it('L17: audit:proof proves one entry to somebody who has only the public key and RFC 6962', async () => {
    const entries = await write(13);
    await sign();
    const { stdout } = await run('proof', '--entry', entries[8]!.id, ...withCheckpoints());
    const proof = JSON.parse(stdout) as { size: number; root: string; index: number; leaf: string; proof: string[] };
    const script = new URL('../../support/checkInclusion.py', import.meta.url).pathname;
    await expect(promisify(execFile)('python3', [script, JSON.stringify(proof)])).resolves.toMatchObject({
      stdout: 'included\n',
    });
    const other = { ...proof, index: 7 };
    await expect(promisify(execFile)('python3', [script, JSON.stringify(other)])).rejects.toMatchObject({ code: 1 });
    expect((await checkpoints())[0]!.root.toString('base64')).toBe(proof.root);
  });

  it('audit:review lists emergencies, opened restrictions, own records, colleagues, the dead, the protected, and volume', async () => {
    const me = 'aa'.repeat(32);
    const colleague = 'bb'.repeat(32);
    await write(1, { callerKey: colleague, callerName: 'Kollega' });
    const [emergency] = await write(1, { purpose: 'BTG', override: true, reason: 'bevisstløs' });
    const [own] = await write(1, { callerKey: me, patientKey: me });
    const [about] = await write(1, { callerKey: me, patientKey: colleague });
    const [dead] = await write(1, { flags: ['deceased', 'protectedAddress'] });
    const hungry = 'cc'.repeat(32);
    const many = await write(4, { callerKey: hungry });
    await write(5, { callerKey: hungry, patient: many[0]!.patient, at: '2026-04-05T08:00:02.000+01:00' });
    await write(1, { callerKind: 'citizen', role: 'citizen', callerKey: me, patientKey: me }); // their own, as they may
    const { stdout } = await run('review', '--people-a-day', '3', '--since', '2026-03-01', '--until', '2026-05-01');
    const found = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { reason: string; traceId: string; words: string | null });
    expect(found.map(({ reason, traceId }) => [reason, traceId])).toEqual([
      ['emergency', emergency!.traceId],
      ['elevated', emergency!.traceId],
      ['own-record', own!.traceId],
      ['colleague', about!.traceId],
      ['deceased', dead!.traceId],
      ['protected-address', dead!.traceId],
      ...many.map(({ traceId }) => ['volume', traceId]),
    ]);
    expect(found[0]!.words).toBe('bevisstløs');
  });

  it('audit:export gives FHIR AuditEvents of one patient, one a line', async () => {
    const [entry] = await write(1, { decisionRef: 'vedtak-1', outcome: 'partial' });
    await write(2);
    const { stdout } = await run('export', '--patient', entry!.patient!);
    const [event, ...others] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      resourceType: 'AuditEvent',
      id: entry!.id,
      meta: { profile: ['http://hl7.no/fhir/StructureDefinition/no-domain-Trustframework-Auditevent'] },
      type: { code: '110110' },
      action: 'R',
      outcome: '4',
      agent: [{ requestor: true, who: { reference: '#role' } }],
      entity: [{ name: 'ERESEPT', what: { display: '3 records' } }],
    });
    const references = [...stdout.matchAll(/"reference":"#(\w+)"/g)].map(([, id]) => id);
    const contained = (event.contained as { id: string }[]).map(({ id }) => id);
    expect(references.filter((id) => !contained.includes(id!))).toEqual([]);
  });

  it('say what they need', async () => {
    const { code, stderr } = await promisify(execFile)(node, [command, 'verify'], { env: {} }).then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    );
    expect([code, stderr]).toEqual([2, 'DATABASE_URL: needed, as the gateway has it\n']);
    expect(await run('unknown')).toMatchObject({ code: 2, stderr: expect.stringContaining('npm run audit:verify') });
  });
});
