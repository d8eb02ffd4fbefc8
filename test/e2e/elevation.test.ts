import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findToReview } from '../../gateway/audit/review.ts';
import { seedRestrictions } from '../../sandbox/seed.ts';
import { type GraphQLAnswer, type Kilde, startKilde } from '../support/kilde.ts';

/** Who has restricted critical information, who has restricted nothing, and whom nobody knows. */
const granskog = '02915631153';
const fjordarm = '14834841291';
const unknown = '15827010062';
let withRestrictedDocument: string;
let withBlock: string;
const blocked = { 'helseid://claims/hpr/hpr_number': '9990007' };

const reason = 'Pasienten er bevisstløs, ukjent allergi';
const emergency = { accessBasis: 'FORHOYET_AKUTT', reason };
const critical = `query Critical($patient: PatientIdentifier!) { patient(identifier: $patient) {
  criticalInformation { status absence { code canElevate requires } conditions { id } } } }`;
const documents = `query Documents($patient: PatientIdentifier!) { patient(identifier: $patient) {
  documents { absence { code } withheld nodes { title } } } }`;
const deferred = `query Deferred($patient: PatientIdentifier!) { patient(identifier: $patient) {
  birthDate ... @defer { criticalInformation { conditions { id } } } } }`;
const log = `query Log($patient: PatientIdentifier!) { patient(identifier: $patient) {
  accessLog(first: 1) { nodes { why emergency outcome what refused } } } }`;

type Entry = {
  purpose: string | null;
  access_basis: string | null;
  reason: string | null;
  override: boolean;
  outcome: string;
  patient: string | null;
  rules: string[];
  categories_granted: string[];
  record_counts: Record<string, number>;
};

let kilde: Kilde;
let database: pg.Pool;
beforeAll(async () => {
  kilde = await startKilde();
  const { population, env } = kilde.sandbox;
  await seedRestrictions({ population, databaseUrl: kilde.postgres.url, env });
  withRestrictedDocument = population.byKey('sperret-dokument')!.nationalId;
  withBlock = population.byKey('blokkert-og-sperret')!.nationalId;
  database = new pg.Pool({ connectionString: kilde.postgres.url });
  database.on('error', () => {});
});
let before: string;
const lastSequence = async () =>
  (await database.query<{ last: string }>('select coalesce(max(sequence), 0) as last from personvern.access')).rows[0]!
    .last;
beforeEach(async () => {
  before = await lastSequence();
});
afterAll(async () => {
  await database?.end();
  await kilde?.stop();
});

/** Entries that this test has written. */
const entries = async (): Promise<Entry[]> =>
  (await database.query<Entry>('select * from personvern.access where sequence > $1 order by sequence', [before])).rows;

type Asking = {
  patient?: string;
  purpose?: string | undefined;
  persona?: string;
  claims?: Record<string, unknown>;
  accept?: string;
};
/** As a system sends it. `kilde`: what is in `extensions.kilde`. */
const send = async (
  query: string,
  kildeExtension: unknown,
  { patient = granskog, purpose = 'ETREAT', persona = 'legevakt-doctor', claims, accept }: Asking = {},
) => {
  const token = await kilde.token(
    persona === 'citizen' ? { persona, patient } : { persona, patient, purpose, ...(claims ? { claims } : {}) },
  );
  const extensions = kildeExtension === undefined ? {} : { extensions: { kilde: kildeExtension } };
  return kilde.post('/graphql', JSON.stringify({ query, variables: { patient }, ...extensions }), {
    authorization: `Bearer ${token}`,
    ...(accept ? { accept } : {}),
  });
};
const ask = async (...asking: Parameters<typeof send>): Promise<GraphQLAnswer> => {
  const { status, text } = await send(...asking);
  return { status, ...(JSON.parse(text) as Omit<GraphQLAnswer, 'status'>) };
};
const shownTo = async (patient: string) => {
  const { data } = await ask(log, undefined, { persona: 'citizen', patient });
  return (data as { patient: { accessLog: { nodes: Record<string, unknown>[] } } }).patient.accessLog.nodes[0];
};
const opened = {
  patient: {
    criticalInformation: { status: 'FRESH', absence: null, conditions: expect.arrayContaining([expect.anything()]) },
  },
};

describe('what the patient has restricted', () => {
  it('is refused on the ordinary basis, and given on the elevated one that the refusal names', async () => {
    const refused = await ask(critical, undefined);
    const absence = { code: 'RESTRICTED', canElevate: true, requires: 'FORHOYET_AKUTT' };
    expect(refused.data).toMatchObject({ patient: { criticalInformation: { absence, conditions: null } } });
    const elevated = await ask(critical, emergency);
    expect(elevated.errors).toBeUndefined();
    expect(elevated.data).toMatchObject(opened);
    expect(elevated.extensions?.kilde.sources).toContainEqual(
      expect.objectContaining({ source: 'KJERNEJOURNAL', opened: true }),
    );
    expect(await entries()).toMatchObject([
      { access_basis: 'AKUTT', reason: null, override: false, outcome: 'partial' },
      {
        access_basis: 'FORHOYET_AKUTT',
        reason,
        override: true,
        outcome: 'granted',
        record_counts: { KJERNEJOURNAL: 3 },
      },
    ]);
  });

  it('opens by consent in ordinary care', async () => {
    const consent = { accessBasis: 'FORHOYET_SAMTYKKE', reason: 'Samtykke gitt i samtale' };
    expect((await ask(critical, consent, { purpose: 'TREAT' })).data).toMatchObject(opened);
    expect(await entries()).toMatchObject([{ purpose: 'TREAT', access_basis: 'FORHOYET_SAMTYKKE', override: true }]);
  });

  it('is shown to the patient as opened, without the professional’s words', async () => {
    await ask(critical, emergency);
    const shown = await shownTo(granskog);
    expect(shown).toEqual({
      why: 'Øyeblikkelig hjelp; sperrede opplysninger ble åpnet fordi det var akutt',
      emergency: true,
      outcome: 'GRANTED',
      what: ['Kritisk informasjon'],
      refused: [],
    });
  });

  it('is in the list of what to review, with the reason', async () => {
    const { extensions } = await ask(critical, emergency);
    const [since, until] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
    const rows = await findToReview(database, { since, until, organisation: null, peopleADay: 1_000 });
    const { traceId } = extensions!.kilde;
    expect(rows.filter((row) => row.traceId === traceId)).toMatchObject([{ reason: 'elevated', words: reason }]);
  });

  it('opens in an answer that comes in parts, and each part’s entry says so', async () => {
    const { status, text } = await send(deferred, emergency, { accept: 'multipart/mixed' });
    expect(status).toBe(200);
    expect(text).toContain('"conditions":[{');
    expect(await entries()).toMatchObject([
      { categories_granted: ['person'], access_basis: 'FORHOYET_AKUTT', reason, override: false },
      { categories_granted: ['criticalInformation'], access_basis: 'FORHOYET_AKUTT', reason, override: true },
    ]);
  });

  it('is not given to an ordinary request that comes at the same time as an elevated one', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => ask(critical, i % 2 === 0 ? emergency : undefined)),
    );
    const given = answers.map(({ data }) => JSON.stringify(data).includes('"conditions":[{'));
    expect(given).toEqual(answers.map((_, i) => i % 2 === 0));
  });

  it('counts as opened when the decision opens it, although the source then fails', async () => {
    await fetch(`${kilde.url}/sandbox/sources/kjernejournal`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ status: 500 }),
    });
    const person = { patient: withBlock, purpose: 'ETREAT' }; // whose answer no other test has had kept
    const { data } = await ask(critical, emergency, person);
    await fetch(`${kilde.url}/sandbox/sources`, { method: 'DELETE' });
    expect(data).toMatchObject({ patient: { criticalInformation: { absence: { code: 'SOURCE_UNAVAILABLE' } } } });
    expect(await entries()).toMatchObject([{ outcome: 'partial', override: true }]);
  });

  it('by document opens too, which only the source knows of', async () => {
    const about = { patient: withRestrictedDocument };
    expect((await ask(documents, undefined, about)).data).toMatchObject({ patient: { documents: { withheld: 1 } } });
    const { data } = await ask(documents, emergency, about);
    expect(data).toMatchObject({ patient: { documents: { absence: null, withheld: 0, nodes: [{}, {}, {}] } } });
    expect((await entries()).map(({ override }) => override)).toEqual([false, true]);
  });
});

describe('an elevated basis', () => {
  it('that opens nothing is noted as such, and told so to the patient', async () => {
    expect((await ask(critical, emergency, { patient: fjordarm })).errors).toBeUndefined();
    expect(await entries()).toMatchObject([{ access_basis: 'FORHOYET_AKUTT', reason, override: false }]);
    expect(await shownTo(fjordarm)).toMatchObject({ why: expect.stringContaining('men ingen ble åpnet') });
  });

  it('does not open a block, in an emergency neither', async () => {
    const about = { patient: withBlock, purpose: 'BTG' };
    const { data } = await ask(critical, emergency, { ...about, claims: blocked });
    expect(data).toMatchObject({
      patient: { criticalInformation: { absence: { code: 'BLOCKED', canElevate: false, requires: null } } },
    });
    const toAnother = await ask(critical, emergency, about); // who is not blocked: the restriction opens
    expect(toAnother.data).toMatchObject({ patient: { criticalInformation: { status: 'FRESH', absence: null } } });
    expect((await entries()).map(({ override }) => override)).toEqual([false, true]);
  });

  it.each([
    ['a citizen', { persona: 'citizen', purpose: undefined }, emergency, 'elevation/professional'],
    ['a doctor in ordinary care', { purpose: 'TREAT' }, emergency, 'elevation/purpose'],
    [
      'a doctor who breaks the glass',
      { purpose: 'BTG' },
      { ...emergency, accessBasis: 'FORHOYET_SAMTYKKE' },
      'elevation/purpose',
    ],
    ['a doctor who breaks the glass and gives no reason', { purpose: 'BTG' }, undefined, 'elevation/reason'],
  ])('is refused to %s (or nothing without it), and the patient is told', async (_who, asking, extension, rule) => {
    const { status, data, errors } = await ask(critical, extension, asking);
    expect([status, data ?? null, errors?.map(({ extensions }) => extensions['code'])]).toEqual([
      403,
      null,
      ['FORBIDDEN'],
    ]);
    expect(JSON.stringify(errors)).not.toContain('bevisstløs');
    expect(await entries()).toMatchObject([
      { outcome: 'refused', override: false, rules: [rule], patient: expect.any(String) },
    ]);
    expect(await shownTo(granskog)).toMatchObject({ outcome: 'REFUSED', what: [] });
  });

  it('is not needed to break the glass, a reason is; it is reviewed as an emergency', async () => {
    const { data, extensions } = await ask(critical, { reason }, { patient: fjordarm, purpose: 'BTG' });
    expect(data).toMatchObject({ patient: { criticalInformation: { status: expect.any(String), absence: null } } });
    expect(await entries()).toMatchObject([{ purpose: 'BTG', access_basis: 'AKUTT', reason, override: false }]);
    const [since, until] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
    const rows = await findToReview(database, { since, until, organisation: null, peopleADay: 1_000 });
    const { traceId } = extensions!.kilde;
    expect(rows.filter((row) => row.traceId === traceId)).toMatchObject([{ reason: 'emergency', words: reason }]);
  });

  it('that is refused tells nothing of whether there is such a patient', async () => {
    const token = await kilde.token({ persona: 'legevakt-doctor', patient: fjordarm, purpose: 'TREAT' });
    const answers = await Promise.all(
      [fjordarm, granskog, unknown].map(async (patient) => {
        const body = { query: critical, variables: { patient }, extensions: { kilde: emergency } };
        const { status, text } = await kilde.post('/graphql', JSON.stringify(body), {
          authorization: `Bearer ${token}`,
        });
        return `${status} ${text}`;
      }),
    );
    expect(answers[0]).toMatch(/^403 .*FORBIDDEN/);
    expect(new Set(answers).size).toBe(1);
    expect((await entries()).map(({ patient }) => patient === null).sort()).toEqual([false, false, true]);
  });
});

describe('extensions.kilde', () => {
  it.each([
    ['without a reason', { accessBasis: 'FORHOYET_AKUTT' }],
    ['with a reason that is too long', { ...emergency, reason: 'sjekketekst '.repeat(50) }],
    ['with a reason that names the patient', { ...emergency, reason: `sjekketekst ${granskog}` }],
    ['with a reason that PostgreSQL cannot hold', { ...emergency, reason: 'sjekketekst \u0000' }],
    ['with something else in it', { ...emergency, sjekketekst: true }],
    ['that is no object', 'sjekketekst'],
  ])('%s is refused with 400; nothing is repeated, asked or noted', async (_title, extension) => {
    const { status, text } = await send(critical, extension);
    expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([400, 'BAD_REQUEST']);
    expect(text).not.toMatch(/sjekketekst|02915631153/);
    expect(await entries()).toEqual([]);
  });
});
