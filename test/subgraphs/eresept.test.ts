import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPopulation } from '../../sandbox/population/population.ts';
import type { EreseptSimulator } from '../../sandbox/sources/eresept.ts';
import { startEresept } from '../../sandbox/sources/eresept.ts';
import type { Assertion } from '../../schema/assertion.ts';
import type { AccessBasis } from '../../schema/sources.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import eresept, { createEresept } from '../../subgraphs/eresept/subgraph.ts';
import { askSubgraph, assertionFor, citizen, patientOf } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';
import { peopleWithMedication } from './ereseptPeople.ts';

const population = peopleWithMedication();
const env = (url: string) => ({
  SFM_URL: url,
  KILDE_ENVIRONMENT: 'sandbox',
  KILDE_KEY: Buffer.alloc(32, 7).toString('base64'),
});

let signing: Awaited<ReturnType<typeof createTestTokens>>;
let simulator: EreseptSimulator;
let subgraph: Subgraph;

beforeAll(async () => {
  signing = await createTestTokens();
  simulator = await startEresept({ population, checkAccess: signing.checkAccess });
});
/** A subgraph for each test: what one makes fail must not open the breaker for the next. */
const start = async () => {
  await subgraph?.close();
  subgraph = createEresept(env(simulator.url), { tokens: signing.tokens });
};
afterEach(async () => {
  simulator.fault.current = {};
  simulator.upstreams.current = {};
  simulator.calls.length = 0;
  await start();
});
beforeAll(start);
afterAll(async () => {
  await subgraph.close();
  await simulator.close();
  await signing.close();
});

type Group = Record<string, unknown> & {
  inUse: { medication: { name: string }; [field: string]: unknown }[] | null;
  prescriptions: Page | null;
  dispenses: Page | null;
  partial: { part: string; code: unknown; text: string }[];
};
type Page = { nodes: Record<string, unknown>[]; pageInfo: { hasNextPage: boolean; endCursor: string } };

const provenance =
  '{ source recorded retrieved author { name identifier { system value } } organisation { name identifier { value } } }';
const medication =
  '{ name fest { code } atc { code display } form { text } strength prescriptionGroup { text coding { code } } }';
const everything = `
  status absence { code text canElevate requires retryable source } provenance { source retrieved }
  inUse { medication ${medication} dosage use { text coding { system code } } reason { text } status start prescriptionId
    onMedicationList provenance ${provenance} }
  prescriptions { nodes { prescriptionId medication { name } dosage issued expires refills packages status { text coding { code } }
    type { coding { code } } prescriber { name identifier { system value } } genericSubstitution replacedBy
    provenance ${provenance} } pageInfo { hasNextPage endCursor } }
  dispenses { nodes { medication { name } dispensed packages pharmacy { name } prescriptionId status cancelled
    provenance ${provenance} } pageInfo { hasNextPage endCursor } }
  list { signed signedBy { name identifier { value } } messageType { coding { code } } provenance ${provenance} }
  lockedPrescriptions partial { part code { text coding { system code display } } text }`;

const ask = async (key: string, change: Partial<Assertion> = {}, fields = everything) => {
  const patient = patientOf(population.byKey(key)!.nationalId);
  const answer = await askSubgraph(
    subgraph,
    `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Patient { medication { ${fields} } } } }`,
    { of: [{ __typename: 'Patient', id: patient.id }] },
    assertionFor(patient, { categories: ['medication'], ...change }),
  );
  const entities = answer.data?.['_entities'] as [{ medication: Group | null }] | undefined;
  return { ...answer, group: entities?.[0].medication ?? null };
};
const given = async (key: string, change: Partial<Assertion> = {}, fields = everything): Promise<Group> => {
  const { group, errors } = await ask(key, change, fields);
  expect(errors).toBeUndefined();
  return group!;
};
const questionIn = (body: string) => JSON.parse(body) as { parameter: { name: string; valueCode?: string }[] };
const errorOf = async (key: string, change: Partial<Assertion> = {}) => {
  const { group, errors } = await ask(key, change);
  expect(group).toBeNull();
  expect(errors).toHaveLength(1);
  return errors![0]!;
};
const names = (group: Group) => group.inUse?.map((it) => it.medication.name);

describe('Patient.medication', () => {
  it('gives what is in use with product, dosing, reason and where it comes from', async () => {
    const group = await given('vanlig-1');
    expect(group).toMatchObject({ status: 'FRESH', absence: null, partial: [], lockedPrescriptions: true });
    expect(group.inUse![0]).toEqual({
      medication: {
        name: 'Amlodipin tab 5 mg',
        fest: { code: expect.stringMatching(/^ID_/) },
        atc: { code: 'C08CA01', display: 'Amlodipin' },
        form: { text: 'Tablett' },
        strength: '2,5 mg',
        prescriptionGroup: { text: 'Reseptgruppe C', coding: [{ code: 'C' }] },
      },
      dosage: '1 tablett morgen',
      use: { text: 'Fast', coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9101', code: '1' }] },
      reason: { text: 'FOR BLODTRYKKET' },
      status: 'active',
      start: '2026-01-10',
      prescriptionId: population.byKey('vanlig-1')!.medication[0]!.prescriptionId,
      onMedicationList: true,
      provenance: {
        source: 'ERESEPT',
        recorded: '2026-01-10',
        retrieved: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        author: { name: 'Stille Elg', identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.4', value: '9990004' } },
        organisation: null,
      },
    });
  });

  it('leaves ended, recalled, renewed and locked ones out of what is in use', async () => {
    const group = await given('vanlig-1');
    expect(names(group)).toEqual(['Amlodipin tab 5 mg', 'Ramipril tab 5 mg']);
    expect(group.inUse![1]).toMatchObject({ start: '2026-01-02', medication: { strength: '1000 mg/800 IE' } });
  });

  it('keeps ended, recalled and renewed prescriptions in the list of prescriptions, newest first', async () => {
    const { prescriptions } = await given('vanlig-1');
    const [amlodipine, ramipril] = population.byKey('vanlig-1')!.medication;
    expect(prescriptions!.nodes.map((it) => it['issued'])).toEqual([
      '2026-01-10',
      '2026-01-02',
      '2025-11-02',
      '2025-10-02',
      '2025-01-02',
    ]);
    expect(prescriptions!.nodes[0]).toMatchObject({
      prescriptionId: amlodipine!.prescriptionId,
      medication: { name: 'Amlodipin tab 5 mg' },
      expires: '2027-01-10',
      refills: 3,
      packages: 1,
      status: { text: 'Ekspederbar', coding: [{ code: 'E' }] },
      type: { coding: [{ code: 'E' }] },
      prescriber: { name: 'Stille Elg', identifier: { value: '9990004' } },
      genericSubstitution: true,
      replacedBy: null,
      provenance: { source: 'ERESEPT' },
    });
    expect(prescriptions!.nodes[4]).toMatchObject({
      prescriptionId: ramipril!.prescriptionId,
      replacedBy: prescriptions!.nodes[1]!['prescriptionId'],
    });
  });

  it('gives dispenses newest first, with the pharmacy as their origin', async () => {
    const { dispenses } = await given('vanlig-1');
    const { prescriptionId } = population.byKey('vanlig-1')!.medication[0]!;
    expect(dispenses!.nodes).toMatchObject([
      {
        medication: { name: 'Amlodipin tab 5 mg' },
        dispensed: '2026-04-11T12:40:00+02:00',
        packages: 1,
        pharmacy: { name: 'Testdal apotek' },
        prescriptionId,
        status: 'completed',
        cancelled: false,
        provenance: { source: 'ERESEPT', organisation: { name: 'Testdal apotek' } },
      },
      { dispensed: '2026-01-11T12:40:00+01:00', packages: 2, prescriptionId },
    ]);
  });

  it('says who signed the list, when and where', async () => {
    expect((await given('vanlig-1'))['list']).toMatchObject({
      signed: '2026-02-01T10:00:00+01:00',
      signedBy: { name: 'Stille Elg', identifier: { value: '9990004' } },
      messageType: { coding: [{ code: 'M25.1' }] },
      provenance: { recorded: '2026-02-01T10:00:00+01:00', organisation: { name: 'Testdal legevakt' } },
    });
  });

  it('pages prescriptions and dispenses by a cursor that fits this patient and list only', async () => {
    const patient = patientOf(population.byKey('vanlig-1')!.nationalId);
    const page = async (list: string, of = patient) => {
      const { data, errors } = await askSubgraph(
        subgraph,
        `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Patient { medication {
          ${list} { nodes { prescriptionId } pageInfo { hasNextPage endCursor } } } } } }`,
        { of: [{ __typename: 'Patient', id: of.id }] },
        assertionFor(of, { categories: ['medication'] }),
      );
      const group = (data!['_entities'] as [{ medication: Record<string, Page | null> }])[0].medication;
      return { page: Object.values(group)[0]!, errors };
    };
    const first = await page('prescriptions(first: 3)');
    expect(first.page.nodes).toHaveLength(3);
    expect(first.page.pageInfo.hasNextPage).toBe(true);
    const cursor = first.page.pageInfo.endCursor;
    const rest = await page(`prescriptions(first: 3, after: "${cursor}")`);
    expect(rest.page.nodes).toHaveLength(2);
    expect(rest.page.pageInfo.hasNextPage).toBe(false);
    expect(new Set([...first.page.nodes, ...rest.page.nodes].map((it) => it['prescriptionId'])).size).toBe(5);

    const elsewhere = await page(`dispenses(after: "${cursor}")`);
    const another = await page(`prescriptions(after: "${cursor}")`, patientOf(patient.nins[0]));
    const tooMany = await page('prescriptions(first: 101)');
    for (const { errors } of [elsewhere, another, tooMany])
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  });

  it('asks SFM once for all fields, with the national id in the body only', async () => {
    await given('vanlig-1');
    expect(simulator.calls).toHaveLength(1);
    const [{ method, url, headers, body }] = simulator.calls as [(typeof simulator.calls)[number]];
    expect({ method, url }).toEqual({ method: 'POST', url: '/Patient/$getMedication' });
    expect(headers['content-type']).toBe('application/fhir+json');
    const { nationalId } = population.byKey('vanlig-1')!;
    expect(JSON.stringify(headers)).not.toContain(nationalId);
    expect(JSON.parse(body)).toEqual({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'patient',
          resource: {
            resourceType: 'Patient',
            identifier: [{ system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: nationalId }],
            name: [{ family: 'FJORDARM', given: ['STILLE'] }],
          },
        },
        { name: 'SamtykkeKjernejournal', valueCode: 'HPMOTTATTSAMTYKKE' },
      ],
    });
  });

  it.each([
    ['dnr', '2'],
    ['fh', '3'],
  ])('sends %s under the system of that kind of number', async (key, last) => {
    expect(names(await given(key))).toEqual(['Metoprolol depottab 50 mg']);
    expect(simulator.calls[0]!.body).toContain(`"urn:oid:2.16.578.1.12.4.1.4.${last}"`);
  });

  it.each<[AccessBasis, string[]]>([
    ['UNNTAK', ['HPUNNTAK']],
    ['SAMTYKKE', ['HPMOTTATTSAMTYKKE']],
    ['AKUTT', ['HPAKUTT']],
    ['FORHOYET_SAMTYKKE', ['HPMOTTATTSAMTYKKE', 'HPMOTTATTSAMTYKKE']],
    ['FORHOYET_AKUTT', ['HPAKUTT', 'HPAKUTT']],
  ])('states %s as SFM’s consents, never the one for locked prescriptions', async (accessBasis, values) => {
    await given(values.length > 1 ? 'sperret-modul' : 'vanlig-1', { accessBasis });
    const { parameter } = questionIn(simulator.calls.at(-1)!.body);
    expect(parameter.slice(1)).toEqual(
      ['SamtykkeKjernejournal', 'SamtykkeSperretLegemidler']
        .slice(0, values.length)
        .map((name, i) => ({ name, valueCode: values[i] })),
    );
  });

  it.each([
    ['sperret-modul', 'is opened on the elevated basis, after the ordinary one was refused', [false, true], true],
    ['vanlig-1', 'is read on the ordinary basis where nothing is restricted', [false], undefined],
  ] as const)('of %s %s', async (key, _title, elevated, opened) => {
    const { sources } = await ask(key, { accessBasis: 'FORHOYET_AKUTT' });
    expect(
      simulator.calls.map(({ body }) =>
        questionIn(body).parameter.some(({ name }) => name === 'SamtykkeSperretLegemidler'),
      ),
    ).toEqual(elevated);
    expect(sources[0]?.opened).toBe(opened);
  });

  it('gives nobody’s national id, neither the patient’s nor a professional’s', async () => {
    const { data, sources } = await ask('vanlig-1');
    const answer = JSON.stringify({ data, sources });
    const numbers = [...population.people, ...population.practitioners].map(({ nationalId }) => nationalId);
    expect(numbers.filter((it) => answer.includes(it))).toEqual([]);
    expect(answer.match(/(?<!\d)\d{11}(?!\d)/g)).toBeNull();
  });

  it('gives a citizen their own, restricted or not', async () => {
    const { nationalId } = population.byKey('sperret-modul')!;
    const group = await given('sperret-modul', { caller: citizen(nationalId), accessBasis: 'UNNTAK' });
    expect(names(group)).toEqual(['Metoprolol depottab 50 mg']);
  });

  it('answers for everybody in the sandbox', async () => {
    const real = createPopulation();
    const own = await startEresept({ population: real, checkAccess: signing.checkAccess });
    const its = createEresept(env(own.url), { tokens: signing.tokens });
    try {
      for (const person of real.people) {
        const patient = patientOf(person.nationalId);
        const { data, errors } = await askSubgraph(
          its,
          `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Patient { medication { ${everything} } } } }`,
          { of: [{ __typename: 'Patient', id: patient.id }] },
          assertionFor(patient, { categories: ['medication'], caller: citizen(person.nationalId) }),
        );
        expect(errors, person.key).toBeUndefined();
        const { medication: group } = (data!['_entities'] as [{ medication: Group }])[0];
        const open = person.medication.filter(({ locked }) => !locked);
        const inUse = open.filter((it) => it.inUse && it.status.code !== 'T').map((it) => it.fest.name);
        expect(names(group), person.key).toEqual(inUse);
        expect(group['lockedPrescriptions'], person.key).toBe(open.length < person.medication.length);
      }
    } finally {
      await its.close();
      await own.close();
    }
  });
});

describe('Patient.medication, when something is missing', () => {
  it('says NONE_REGISTERED when every part answered and holds nothing', async () => {
    const { group, sources } = await ask('vanlig-3');
    expect(group).toMatchObject({
      status: 'FRESH',
      absence: { code: 'NONE_REGISTERED', source: 'ERESEPT' },
      inUse: [],
      prescriptions: { nodes: [] },
      dispenses: { nodes: [] },
      list: null,
      lockedPrescriptions: false,
      partial: [],
    });
    expect(sources).toMatchObject([{ source: 'ERESEPT', status: 'FRESH', count: 0, absence: 'NONE_REGISTERED' }]);
  });

  it('stays fresh and names kjernejournal when only kjernejournal failed', async () => {
    simulator.upstreams.current = { kjernejournal: '5' };
    const { group, sources } = await ask('vanlig-1');
    expect(group).toMatchObject({ status: 'FRESH', absence: null, lockedPrescriptions: true });
    expect(names(group!)).toHaveLength(2);
    expect(group!.partial).toEqual([
      {
        part: 'KJERNEJOURNAL',
        code: {
          text: expect.stringContaining('Kjernejournal'),
          coding: [{ system: 'http://ehelse.no/fhir/CodeSystem/sfm-kj-rf-error-code', code: '5', display: null }],
        },
        text: expect.stringContaining('Kjernejournal'),
      },
    ]);
    expect(JSON.stringify(group)).not.toContain('technical text');
    expect(sources).toMatchObject([{ source: 'ERESEPT', status: 'FRESH', absence: null }]);
  });

  it('does not say that nothing is registered when a part failed', async () => {
    simulator.upstreams.current = { kjernejournal: '5' };
    const { group, sources } = await ask('vanlig-3');
    expect(group).toMatchObject({ status: 'FRESH', absence: null, inUse: [], partial: [{ part: 'KJERNEJOURNAL' }] });
    expect(sources).toMatchObject([{ source: 'ERESEPT', status: 'FRESH', count: 0, absence: null }]);
  });

  it('tells a list that could not be had from a list that does not exist', async () => {
    expect(await given('dnr')).toMatchObject({ list: null, partial: [] });
    simulator.upstreams.current = { medicationList: '2' };
    const group = await given('vanlig-1');
    expect(group).toMatchObject({ status: 'FRESH', list: null, partial: [{ part: 'MEDICATION_LIST' }] });
    expect(names(group)).toHaveLength(2);
  });

  it('is unavailable when Reseptformidleren’s prescriptions failed, whatever else answered', async () => {
    simulator.upstreams.current = { prescriptions: '2' };
    expect(await errorOf('vanlig-1')).toMatchObject({
      extensions: { code: 'SOURCE_UNAVAILABLE', absence: 'SOURCE_UNAVAILABLE', source: 'ERESEPT', retryable: true },
    });
  });

  it('is restricted when the patient has so decided, and says what opens it', async () => {
    expect((await errorOf('sperret-modul')).extensions).toMatchObject({
      code: 'RESTRICTED',
      canElevate: true,
      requires: 'FORHOYET_SAMTYKKE',
    });
    expect((await errorOf('sperret-modul', { accessBasis: 'AKUTT' })).extensions.requires).toBe('FORHOYET_AKUTT');
    const opened = await given('sperret-modul', { accessBasis: 'FORHOYET_SAMTYKKE' });
    expect(names(opened)).toEqual(['Metoprolol depottab 50 mg']);
  });

  it('is blocked for a professional whom the patient has blocked, on every basis', async () => {
    for (const accessBasis of ['SAMTYKKE', 'FORHOYET_AKUTT'] as const)
      expect((await errorOf('blokkert-person', { accessBasis })).extensions).toMatchObject({
        code: 'BLOCKED',
        canElevate: false,
      });
  });

  it('is reserved when the patient shares nothing; a reservation against kjernejournal closes that part only', async () => {
    expect((await errorOf('reservert-alt')).extensions).toMatchObject({ code: 'RESERVED' });
    const group = await given('reservert');
    expect(group).toMatchObject({ partial: [{ part: 'KJERNEJOURNAL' }] });
    expect(names(group)).toEqual(['Metoprolol depottab 50 mg']);
  });

  it('has no access where the service refuses the token', async () => {
    const system = {
      kind: 'system',
      role: 'system',
      organisation: { legalEntity: '310000019', pointOfCare: null },
      clientId: 'test',
      clientName: 'Test',
    } as const;
    expect((await errorOf('vanlig-1', { caller: system })).extensions).toMatchObject({ absence: 'NO_ACCESS' });
  });

  it.each([
    ['dnr', 'somebody who has much'],
    ['vanlig-1', 'somebody who has little'],
  ])('throws away another patient’s answer (%s is answered with %s)', async (key) => {
    simulator.fault.current = { garbage: 'otherPatient' };
    const { group, errors, sources } = await ask(key);
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_INVALID', absence: 'SOURCE_INVALID' } }]);
    expect(JSON.stringify({ errors, sources })).not.toContain('tab');
  });

  it.each([
    ['down', { down: true }, 'SOURCE_UNAVAILABLE', true],
    ['failing with 500', { status: 500 }, 'SOURCE_UNAVAILABLE', true],
    ['overloaded (429, empty body)', { status: 429 }, 'SOURCE_UNAVAILABLE', true],
    ['answering with a web page', { garbage: 'html' }, 'SOURCE_INVALID', false],
    ['answering with half an answer', { garbage: 'truncated' }, 'SOURCE_INVALID', false],
  ] as const)('is an error and no empty list when SFM is %s', async (_how, fault, code, retryable) => {
    simulator.fault.current = fault;
    expect(await errorOf('vanlig-1')).toMatchObject({ extensions: { code, retryable, source: 'ERESEPT' } });
  });

  it('gives up at the deadline when SFM hangs', async () => {
    simulator.fault.current = { hang: true };
    const started = Date.now();
    expect(await errorOf('vanlig-1', { deadline: Date.now() + 150 })).toMatchObject({
      extensions: { code: 'SOURCE_UNAVAILABLE', retryable: true },
    });
    expect(Date.now() - started).toBeLessThan(1_500);
  });

  it('denies without the category, and never asks SFM', async () => {
    expect((await errorOf('vanlig-1', { categories: ['laboratory'] })).extensions).toMatchObject({ code: 'NOT_FOUND' });
    expect(simulator.calls).toHaveLength(0);
  });

  it('denies a patient outside the assertion, and never asks SFM', async () => {
    const { data, errors } = await askSubgraph(
      subgraph,
      'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Patient { medication { status } } } }',
      { of: [{ __typename: 'Patient', id: '00000000-0000-4000-8000-000000000000' }] },
      assertionFor(patientOf(population.byKey('vanlig-1')!.nationalId), { categories: ['medication'] }),
    );
    expect(data).toEqual({ _entities: [{ medication: null }] });
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    expect(simulator.calls).toHaveLength(0);
  });
});

describe('the subgraph eresept', () => {
  it('is up while SFM answers at all', async () => {
    expect(await subgraph.health()).toEqual([{ source: 'ERESEPT', up: true }]);
    simulator.fault.current = { status: 500 };
    expect(await subgraph.health()).toEqual([{ source: 'ERESEPT', up: true }]);
    simulator.fault.current = { down: true };
    expect(await subgraph.health()).toEqual([{ source: 'ERESEPT', up: false }]);
  });

  it('names bad variables and shows no value', () => {
    expect(() => createEresept({ ...env('ftp://secret.example') }, { tokens: signing.tokens })).toThrow(
      /^SFM_URL: (?!.*secret)/,
    );
  });

  it('is a module by the name of its folder', () => {
    expect(eresept).toMatchObject({ name: 'eresept', routes: [] });
  });
});
