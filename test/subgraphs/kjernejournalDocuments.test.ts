import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Simulator } from '../../sandbox/_shared/simulator.ts';
import { startJournaldokumenter } from '../../sandbox/sources/journaldokumenter.ts';
import type { AssertedPatient, Assertion } from '../../schema/assertion.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import { createKjernejournal } from '../../subgraphs/kjernejournal/subgraph.ts';
import { askSubgraph, assertionFor, citizen, patientOf } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';
import { document, kjernejournalPopulation, nationalIdOf } from './kjernejournalPeople.ts';

const population = kjernejournalPopulation();
let access: Awaited<ReturnType<typeof createTestTokens>>;
let simulator: Simulator;
let subgraph: Subgraph;

beforeAll(async () => {
  access = await createTestTokens();
  simulator = await startJournaldokumenter({ population, checkAccess: access.checkAccess });
});
beforeEach(() => {
  simulator.fault.current = {};
  simulator.calls.length = 0;
  subgraph = createKjernejournal(
    {
      KILDE_ENVIRONMENT: 'sandbox',
      KILDE_KEY: randomBytes(32).toString('base64'),
      KRITISK_INFORMASJON_URL: 'http://127.0.0.1:9',
      PJD_URL: simulator.url,
    },
    access,
  );
});
afterEach(() => subgraph.close());
afterAll(async () => {
  await Promise.all([simulator.close(), access.close()]);
});

const query = `
  query ($of: [_Any!]!, $first: Int, $after: String, $category: [String!], $from: Date, $to: Date) {
    _entities(representations: $of) { ... on Patient {
      documents(first: $first, after: $after, category: $category, from: $from, to: $to) {
        status absence { code canElevate requires retryable } provenance { source } withheld
        pageInfo { hasNextPage endCursor }
        nodes {
          id title category { coding { code } } type { coding { code } } date
          authors { name identifier { value } } organisation { name identifier { value } }
          securityLabel { coding { code } } contentType sizeBytes
          provenance { source recorded author { name } organisation { name } }
        }
      }
    } }
  }`;
type Group = {
  status: string;
  absence: Record<string, unknown> | null;
  withheld: number | null;
  pageInfo: { hasNextPage: boolean; endCursor: string | null } | null;
  nodes: { id: string; title: string; date: string }[] | null;
};

/** Asks about one of the population, or about the same `patient` as before, with documents permitted. */
const ask = async (
  key: string,
  variables: Record<string, unknown> = {},
  change: Partial<Assertion> = {},
  patient: AssertedPatient = patientOf(nationalIdOf(population, key)),
) => {
  const assertion = assertionFor(patient, { categories: ['documents'], ...change });
  const of = [{ __typename: 'Patient', id: patient.id }];
  const answer = await askSubgraph(subgraph, query, { of, first: 20, ...variables }, assertion);
  const [entity] = (answer.data?.['_entities'] ?? []) as ({ documents: Group | null } | null)[];
  const group = entity?.documents ?? null;
  return { ...answer, group, titles: group?.nodes?.map(({ title }) => title.replace('Dokument ', '')) ?? null };
};

describe('Patient.documents', () => {
  it('gives the documents that kjernejournalforskriften opens, newest first, with all that is known of them', async () => {
    const { group, titles, errors, sources } = await ask('fjordarm');
    expect(errors).toBeUndefined();
    expect(titles).toEqual(['new-summary', 'correspondence', 'imaging', 'old-summary']);
    const recorded = population.byKey('fjordarm')?.documents[0]?.recorded;
    expect(group).toMatchObject({ status: 'FRESH', absence: null, withheld: 0 });
    expect(group?.nodes?.[0]).toEqual({
      id: '2.16.578.1.12.4.5.99.1^new-summary',
      title: 'Dokument new-summary',
      category: { coding: [{ code: 'A00-1' }] },
      type: { coding: [{ code: 'A00-1' }] },
      date: recorded,
      authors: [{ name: 'Varsom Bre', identifier: { value: '9990007' } }],
      organisation: { name: 'Sørfjord sykehus HF', identifier: { value: '310006017' } },
      securityLabel: { coding: [{ code: 'N' }] },
      contentType: 'application/pdf',
      sizeBytes: 17,
      provenance: {
        source: 'JOURNALDOKUMENTER',
        recorded,
        author: { name: 'Varsom Bre' },
        organisation: { name: 'Sørfjord sykehus HF' },
      },
    });
    expect(sources).toEqual([
      { source: 'JOURNALDOKUMENTER', status: 'FRESH', asOf: expect.any(String), count: 4, absence: null },
    ]);
  });

  it('asks with the patient in the body and never in the address', async () => {
    const patient = nationalIdOf(population, 'fjordarm');
    await ask('fjordarm', {}, { eventId: '4a9c2a3c-3a58-4a8f-a2a5-2a3c9e6c7a01' });
    expect(simulator.calls).toHaveLength(1);
    const [call] = simulator.calls;
    expect(call?.url).toBe('/R4/fhir/DocumentReference/_search');
    expect(Object.fromEntries(new URLSearchParams(call?.body))).toEqual({
      'patient.identifier': `urn:oid:2.16.578.1.12.4.1.4.1|${patient}`,
      status: 'current',
      _count: '100',
      _page: '1',
      _sort: '-date',
    });
    expect(call?.headers).toMatchObject({
      accept: 'application/fhir+json; fhirVersion=4.0',
      'nhn-access-basis': 'SAMTYKKE',
      'nhn-source-system': 'Kilde 0.1',
      'nhn-event-id': '4a9c2a3c-3a58-4a8f-a2a5-2a3c9e6c7a01',
    });
  });

  it('says that nothing is registered when the source answered and holds nothing', async () => {
    const { group } = await ask('vanlig-3');
    expect(group).toMatchObject({ nodes: [], absence: { code: 'NONE_REGISTERED' }, withheld: 0 });
  });

  it('does not ask about a category that the assertion does not permit', async () => {
    const { group, errors } = await ask('fjordarm', {}, { categories: ['criticalInformation'] });
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    expect(simulator.calls).toEqual([]);
  });
});

describe('Patient.documents, page by page', () => {
  it('gives every document once and in order, whatever the pages of the source', async () => {
    const patient = patientOf(nationalIdOf(population, 'mange-kilder'));
    const given: string[] = [];
    let after: string | null = null;
    let pages = 0;
    do {
      const { group, titles }: Awaited<ReturnType<typeof ask>> = await ask(
        'mange-kilder',
        { first: 70, after },
        {},
        patient,
      );
      given.push(...(titles ?? []));
      after = group?.pageInfo?.hasNextPage ? group.pageInfo.endCursor : null;
      pages += 1;
    } while (after);
    expect(pages).toBe(4);
    expect(given).toEqual(Array.from({ length: 250 }, (_, index) => `many-${String(index).padStart(3, '0')}`));
  });

  it('reads no more of the source than the page takes', async () => {
    await ask('mange-kilder', { first: 20 });
    expect(simulator.calls).toHaveLength(1);
  });

  it('filters before it pages: all matches come, from whichever page of the source', async () => {
    const { titles, group } = await ask('mange-kilder', { category: ['E00-1'], first: 100 });
    expect(titles).toEqual(Array.from({ length: 25 }, (_, index) => `many-${String(index * 10).padStart(3, '0')}`));
    expect(group?.pageInfo?.hasNextPage).toBe(false);
  });

  it('goes on from where it was although a document has come in between', async () => {
    const person = population.byKey('mange-kilder')!;
    const patient = patientOf(person.nationalId);
    const first = await ask('mange-kilder', { first: 100 }, {}, patient);
    person.documents.unshift(document('newcomer', 0));
    const next = await ask('mange-kilder', { first: 2, after: first.group?.pageInfo?.endCursor }, {}, patient);
    person.documents.shift();
    expect(next.titles).toEqual(['many-100', 'many-101']);
  });

  it('says so when the document that it would go on from is gone', async () => {
    const person = population.byKey('mange-kilder')!;
    const patient = patientOf(person.nationalId);
    const first = await ask('mange-kilder', { first: 5 }, {}, patient);
    const [removed] = person.documents.splice(4, 1);
    const { errors } = await ask('mange-kilder', { after: first.group?.pageInfo?.endCursor }, {}, patient);
    person.documents.splice(4, 0, removed!);
    expect(errors).toMatchObject([
      { message: expect.stringContaining('the list has changed'), extensions: { code: 'BAD_REQUEST' } },
    ]);
  });

  it('opens a cursor for the same patient and filter only', async () => {
    const patient = patientOf(nationalIdOf(population, 'mange-kilder'));
    const { group } = await ask('mange-kilder', { first: 5 }, {}, patient);
    const after = group?.pageInfo?.endCursor;
    const another = await ask('fjordarm', { after });
    const filtered = await ask('mange-kilder', { after, category: ['A00-1'] }, {}, patient);
    for (const { errors } of [another, filtered])
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  });

  it('does not call a last page without content «nothing registered»', async () => {
    const patient = patientOf(nationalIdOf(population, 'fjordarm'));
    const all = await ask('fjordarm', {}, {}, patient);
    const { group } = await ask('fjordarm', { after: all.group?.pageInfo?.endCursor }, {}, patient);
    expect(group).toMatchObject({ nodes: [], absence: null, pageInfo: { hasNextPage: false } });
  });

  it.each([{ first: 0 }, { first: 101 }, { from: 'i går' }, { to: '14.03.2026' }])('refuses %o', async (variables) => {
    const { errors } = await ask('fjordarm', variables);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    expect(simulator.calls).toEqual([]);
  });

  it('takes first and last date inclusive', async () => {
    const days = population
      .byKey('fjordarm')!
      .documents.map(({ recorded }) => new Date(recorded).toLocaleDateString('sv-SE', { timeZone: 'Europe/Oslo' }));
    expect((await ask('fjordarm', { from: days[2], to: days[0] })).titles).toEqual(['new-summary', 'correspondence']);
    expect((await ask('fjordarm', { to: days[1]?.slice(0, 4) })).titles).toEqual(['old-summary']);
  });
});

describe('Patient.documents, when the patient has said no', () => {
  it('gives the others, counts what is withheld and names the basis that opens it', async () => {
    const { group, titles, errors, sources } = await ask('sperret-dokument');
    expect(errors).toBeUndefined();
    expect(titles).toEqual(['open']);
    expect(group).toMatchObject({
      withheld: 1,
      absence: { code: 'RESTRICTED', canElevate: true, requires: 'FORHOYET_SAMTYKKE' },
    });
    expect(sources).toMatchObject([{ count: 1, absence: 'RESTRICTED' }]);
  });

  it('gives no list when all is withheld: an empty one would say that there is nothing', async () => {
    const { group } = await ask('sperret-periode');
    expect(group).toMatchObject({ nodes: null, withheld: 2, absence: { code: 'RESTRICTED' } });
  });

  it('opens restricted documents on an elevated basis, after the ordinary one left them out', async () => {
    const { group, titles, sources } = await ask('sperret-dokument', {}, { accessBasis: 'FORHOYET_SAMTYKKE' });
    expect(titles).toEqual(['open', 'restricted']);
    expect(group).toMatchObject({ withheld: 0, absence: null });
    expect(sources).toMatchObject([{ opened: true }]);
    const bases = simulator.calls.map(({ headers }) => headers['nhn-access-basis']);
    expect(bases).toEqual(['SAMTYKKE', 'FORHOYET_SAMTYKKE']);
  });

  it('does not use an elevated basis where nothing is restricted', async () => {
    const { titles, sources } = await ask('fjordarm', {}, { accessBasis: 'FORHOYET_SAMTYKKE' });
    expect(titles).toHaveLength(4);
    expect(sources[0]).not.toHaveProperty('opened');
    expect(simulator.calls.map(({ headers }) => headers['nhn-access-basis'])).toEqual(['SAMTYKKE']);
  });

  it('is blocked for whom the patient has blocked, also in an emergency', async () => {
    const { group, errors } = await ask('blokkert-og-sperret', {}, { accessBasis: 'FORHOYET_AKUTT' });
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'BLOCKED', canElevate: false } }]);
  });

  it('is reserved for whoever has opted out of kjernejournal', async () => {
    const { errors } = await ask('reservert');
    expect(errors).toMatchObject([{ extensions: { code: 'RESERVED', absence: 'RESERVED' } }]);
  });

  it('keeps delayed, refused and unknown labels from citizens, without a count, and gives them to professionals', async () => {
    const caller = citizen(nationalIdOf(population, 'utsatt-innsyn'));
    const own = await ask('utsatt-innsyn', {}, { caller, purpose: null });
    expect(own.titles).toEqual(['plain', 'own-restriction']);
    expect(own.group).toMatchObject({ withheld: 0, absence: null, pageInfo: { hasNextPage: false } });
    expect(own.sources).toMatchObject([{ count: 2 }]);
    const professional = await ask('utsatt-innsyn');
    expect(professional.titles).toEqual(['plain', 'delayed', 'refused', 'for-youths', 'unknown-label']);
  });

  it('gives citizens nothing about another person', async () => {
    const caller = citizen(nationalIdOf(population, 'fjordarm'));
    const { group, errors } = await ask('sperret-dokument', {}, { caller, purpose: null });
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { absence: 'NO_ACCESS' } }]);
  });
});

describe('Patient.documents, when the source fails', () => {
  it.each([
    ['is down', { down: true }, 'SOURCE_UNAVAILABLE', true],
    ['answers 500', { status: 500 }, 'SOURCE_UNAVAILABLE', true],
    ['is overloaded (429)', { status: 429 }, 'SOURCE_UNAVAILABLE', true],
    ['answers with a web page', { garbage: 'html' }, 'SOURCE_INVALID', false],
    ['answers with JSON cut in half', { garbage: 'truncated' }, 'SOURCE_INVALID', false],
    ['answers with another patient’s data', { garbage: 'otherPatient' }, 'SOURCE_INVALID', false],
  ] as const)('is absent when the source %s', async (_title, fault, code, retryable) => {
    simulator.fault.current = fault;
    const { group, errors } = await ask('fjordarm');
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code, absence: code, retryable, source: 'JOURNALDOKUMENTER' } }]);
    expect(JSON.stringify(errors)).not.toContain('many-');
  });

  it('is absent when the source does not answer before the deadline', async () => {
    simulator.fault.current = { hang: true };
    const { group, errors } = await ask('fjordarm', {}, { deadline: Date.now() + 250 });
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_UNAVAILABLE', retryable: true } }]);
  });
});
