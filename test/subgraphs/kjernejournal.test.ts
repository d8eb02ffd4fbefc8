import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Simulator } from '../../sandbox/_shared/simulator.ts';
import { startJournaldokumenter } from '../../sandbox/sources/journaldokumenter.ts';
import { startKjernejournal } from '../../sandbox/sources/kjernejournal.ts';
import type { Assertion } from '../../schema/assertion.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import { createKjernejournal } from '../../subgraphs/kjernejournal/subgraph.ts';
import { askSubgraph, assertionFor, citizen, doctor, patientOf } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';
import { kjernejournalPopulation, nationalIdOf } from './kjernejournalPeople.ts';

const population = kjernejournalPopulation();
let access: Awaited<ReturnType<typeof createTestTokens>>;
let simulator: Simulator;
let documents: Simulator;
let subgraph: Subgraph;

const env = (headers = 'nhn') => ({
  KILDE_ENVIRONMENT: 'sandbox',
  KILDE_KEY: randomBytes(32).toString('base64'),
  KRITISK_INFORMASJON_URL: simulator.url,
  KRITISK_INFORMASJON_HEADERS: headers,
  PJD_URL: documents.url,
});

beforeAll(async () => {
  access = await createTestTokens();
  const parts = { population, checkAccess: access.checkAccess };
  simulator = await startKjernejournal(parts);
  documents = await startJournaldokumenter(parts);
});
beforeEach(() => {
  simulator.fault.current = {};
  simulator.calls.length = 0;
  subgraph = createKjernejournal(env(), access);
});
afterEach(() => subgraph.close());
afterAll(async () => {
  await Promise.all([simulator.close(), documents.close(), access.close()]);
});

const group = `
  criticalInformation {
    status absence { code canElevate requires retryable source text } provenance { source retrieved }
    treatmentLimitations { id limitation { text coding { code display } } statement decided provenance { ...origin } }
    allergies {
      id category criticality code { text coding { system code } } verificationStatus { coding { code } }
      reactions { severity manifestation { coding { system code } } } provenance { ...origin }
    }
    implants { id device { text } since provenance { ...origin } }
    conditions { id kind { coding { code } } code { text } since note provenance { ...origin } }
  }`;
const query = `
  query ($of: [_Any!]!) { _entities(representations: $of) { ... on Patient { ${group} } } }
  fragment origin on Provenance {
    source recorded retrieved author { name identifier { value } } organisation { name identifier { value } }
  }`;

type Group = {
  status: string;
  absence: Record<string, unknown> | null;
  treatmentLimitations: Record<string, unknown>[] | null;
  allergies: Record<string, unknown>[] | null;
  implants: Record<string, unknown>[] | null;
  conditions: Record<string, unknown>[] | null;
};

/** Asks about one of the population as the gateway does, with the category permitted unless `change` says otherwise. */
const ask = async (key: string, change: Partial<Assertion> = {}, asked = subgraph) => {
  const patient = patientOf(nationalIdOf(population, key));
  const assertion = assertionFor(patient, { categories: ['criticalInformation'], ...change });
  const of = [{ __typename: 'Patient', id: patient.id }];
  const answer = await askSubgraph(asked, query, { of }, assertion);
  const [entity] = (answer.data?.['_entities'] ?? []) as ({ criticalInformation: Group | null } | null)[];
  return { ...answer, group: entity?.criticalInformation ?? null };
};

describe('Patient.criticalInformation', () => {
  it('gives every kind of critical information in its list, with its provenance', async () => {
    const { group, errors, sources } = await ask('fjordarm');
    expect(errors).toBeUndefined();
    expect(group?.status).toBe('FRESH');
    expect(group?.absence).toBeNull();
    expect(group?.treatmentLimitations).toEqual([
      {
        id: 'fjordarm-limitation',
        limitation: {
          text: 'HLR minus',
          coding: [{ code: '8', display: 'Avgrensning av livsforlengende behandling' }],
        },
        statement: 'Alvorlig hjertesvikt. Pasienten er enig.',
        decided: '2026-02-10',
        provenance: {
          source: 'KJERNEJOURNAL',
          recorded: '2026-02-11T09:20:00+01:00',
          retrieved: expect.any(String),
          author: { name: 'Varsom Bre', identifier: { value: '9990007' } },
          organisation: { name: 'Sørfjord sykehus HF', identifier: { value: '310006017' } },
        },
      },
    ]);
    expect(group?.allergies).toMatchObject([
      {
        id: 'fjordarm-penicillin',
        category: ['medication'],
        criticality: 'high',
        code: { text: 'Fenoksymetylpenicillin', coding: [{ system: 'http://www.whocc.no/atc', code: 'J01CE02' }] },
        verificationStatus: { coding: [{ code: 'confirmed' }] },
        reactions: [
          {
            severity: 'severe',
            manifestation: [{ coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.7497', code: '1' }] }],
          },
        ],
      },
      { id: 'fjordarm-nuts', verificationStatus: { coding: [{ code: 'presumed' }, { code: 'unconfirmed' }] } },
    ]);
    expect(group?.implants).toMatchObject([
      { id: 'fjordarm-pacemaker', device: { text: 'Pacemaker' }, since: '2019-05' },
    ]);
    expect(group?.conditions).toMatchObject([
      { id: 'fjordarm-intubation', kind: { coding: [{ code: '3' }] }, since: '2018', note: 'Videolaryngoskop' },
      { id: 'fjordarm-addison', kind: { coding: [{ code: '5' }] }, since: '2015-03-01' },
      { id: 'fjordarm-mrsa', kind: { coding: [{ code: '10' }] }, since: null },
      { id: 'fjordarm-dialysis', kind: { coding: [{ code: '6' }] }, since: '2024-01' },
      { id: 'fjordarm-arm', kind: { coding: [{ code: '9' }] }, note: 'Lymfeødem' },
    ]);
    const records = [group?.treatmentLimitations, group?.allergies, group?.implants, group?.conditions].flat();
    for (const record of records)
      expect(record?.['provenance']).toMatchObject({ recorded: '2026-02-11T09:20:00+01:00' });
    expect(sources).toEqual([
      { source: 'KJERNEJOURNAL', status: 'FRESH', asOf: expect.any(String), count: 9, absence: null },
    ]);
  });

  it('asks each resource type once, with the patient in a header and never in the address', async () => {
    const patient = nationalIdOf(population, 'fjordarm');
    await ask('fjordarm', { eventId: '4a9c2a3c-3a58-4a8f-a2a5-2a3c9e6c7a01' });
    const types = simulator.calls.map(({ url }) => url.split('/').at(-1)).toSorted();
    expect(types).toEqual(['AllergyIntolerance', 'Condition', 'Consent', 'DeviceUseStatement', 'Flag', 'Procedure']);
    for (const { url, headers } of simulator.calls) {
      expect(url).not.toContain(patient);
      expect(headers).toMatchObject({
        'nhn-patient-nin': patient,
        'nhn-user-role': '%7B%22system%22%3A%22urn%3Aoid%3A2.16.578.1.12.4.1.1.9060%22%2C%22code%22%3A%22LE%22%7D',
        'nhn-access-basis': 'SAMTYKKE',
        'nhn-source-system': 'Kilde 0.1',
        'nhn-event-id': '4a9c2a3c-3a58-4a8f-a2a5-2a3c9e6c7a01',
      });
    }
  });

  it('speaks the older generation of headers when configured so', async () => {
    const older = createKjernejournal(env('hit'), access);
    const { group } = await ask('fjordarm', {}, older);
    await older.close();
    expect(group?.allergies).toHaveLength(2);
    const [call] = simulator.calls;
    expect(call?.headers).toMatchObject({ 'hit-patient-pid': nationalIdOf(population, 'fjordarm') });
    expect(Object.keys(call?.headers ?? {}).filter((name) => name.startsWith('nhn-'))).toEqual([]);
  });

  it('finds a person whose source knows another of their numbers', async () => {
    const person = population.byKey('flyttet-mellom')!;
    const patient = {
      ...patientOf(person.formerNationalIds[0]!),
      nins: [person.formerNationalIds[0]!, person.nationalId],
    };
    const assertion = assertionFor(
      { ...patient, nins: [patient.nins[0]!, person.nationalId] },
      {
        categories: ['criticalInformation'],
      },
    );
    const { data } = await askSubgraph(subgraph, query, { of: [{ __typename: 'Patient', id: patient.id }] }, assertion);
    expect(data).toMatchObject({ _entities: [{ criticalInformation: { allergies: [{}, {}] } }] });
  });

  it('says that nothing is registered when the source answered and holds nothing', async () => {
    const { group, sources } = await ask('vanlig-3');
    expect(group).toMatchObject({
      status: 'FRESH',
      absence: { code: 'NONE_REGISTERED', source: 'KJERNEJOURNAL' },
      treatmentLimitations: [],
      allergies: [],
      implants: [],
      conditions: [],
    });
    expect(sources).toMatchObject([{ count: 0, absence: 'NONE_REGISTERED' }]);
  });

  it('gives citizens their own, without a role and although it is restricted against professionals', async () => {
    const caller = citizen(nationalIdOf(population, 'granskog'));
    const { group } = await ask('granskog', { caller, purpose: null });
    expect(group?.allergies).toHaveLength(2);
    expect(simulator.calls[0]?.headers['nhn-user-role']).toBeUndefined();
  });

  it('does not ask about a patient or category that the assertion does not permit', async () => {
    const { group, errors } = await ask('fjordarm', { categories: ['documents'] });
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    expect(simulator.calls).toEqual([]);
  });
});

describe('Patient.criticalInformation, when the patient has said no', () => {
  it('is restricted, and names the basis that opens it: consent after consent, emergency after emergency', async () => {
    const consent = await ask('granskog');
    expect(consent.group).toBeNull();
    expect(consent.errors).toMatchObject([
      { extensions: { code: 'RESTRICTED', absence: 'RESTRICTED', canElevate: true, requires: 'FORHOYET_SAMTYKKE' } },
    ]);
    const emergency = await ask('granskog', { purpose: 'ETREAT', accessBasis: 'AKUTT' });
    expect(emergency.errors).toMatchObject([{ extensions: { requires: 'FORHOYET_AKUTT', canElevate: true } }]);
  });

  it('opens what is restricted on an elevated basis, after the ordinary one was refused', async () => {
    const { group, errors, sources } = await ask('granskog', { accessBasis: 'FORHOYET_AKUTT' });
    expect(errors).toBeUndefined();
    expect(group?.treatmentLimitations).toHaveLength(1);
    expect(sources).toMatchObject([{ source: 'KJERNEJOURNAL', opened: true }]);
    const basesOf = Map.groupBy(simulator.calls, ({ url }) => url);
    for (const calls of basesOf.values())
      expect(calls.map(({ headers }) => headers['nhn-access-basis'])).toEqual(['AKUTT', 'FORHOYET_AKUTT']);
  });

  it('does not use an elevated basis where nothing is restricted', async () => {
    const { group, errors, sources } = await ask('fjordarm', { accessBasis: 'FORHOYET_AKUTT' });
    expect(errors).toBeUndefined();
    expect(group?.allergies).toHaveLength(2);
    expect(sources[0]).not.toHaveProperty('opened');
    const bases = new Set(simulator.calls.map(({ headers }) => headers['nhn-access-basis']));
    expect([...bases]).toEqual(['AKUTT']);
  });

  it('disregards a restriction that has expired', async () => {
    expect((await ask('sperring-utløpt')).group?.allergies).toHaveLength(2);
  });

  it.each(['SAMTYKKE', 'FORHOYET_AKUTT'] as const)(
    'is blocked on basis %s, and nothing opens it',
    async (accessBasis) => {
      const { group, errors } = await ask('blokkert-og-sperret', { accessBasis });
      expect(group).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code: 'BLOCKED', absence: 'BLOCKED', canElevate: false } }]);
      expect(errors?.[0]?.extensions.requires).toBeUndefined();
    },
  );

  it('is reserved for whoever has opted out of kjernejournal', async () => {
    const { group, errors } = await ask('reservert');
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'RESERVED', absence: 'RESERVED', canElevate: false } }]);
  });

  it('is denied to a professional without an authorization to state, and to one whom HPR does not know by it', async () => {
    const unauthorized = { ...doctor(null), authorization: null } as Assertion['caller'];
    const other = { ...doctor(null), authorization: 'SP' } as Assertion['caller'];
    for (const caller of [unauthorized, other]) {
      const { group, errors } = await ask('fjordarm', { caller });
      expect(group).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_UNAVAILABLE', absence: 'NO_ACCESS' } }]);
    }
  });
});

describe('Patient.criticalInformation, when the source fails', () => {
  it.each([
    ['is down', { down: true }, 'SOURCE_UNAVAILABLE', true],
    ['answers 500', { status: 500 }, 'SOURCE_UNAVAILABLE', true],
    ['is overloaded (429)', { status: 429 }, 'SOURCE_UNAVAILABLE', true],
    ['says that it is gone (410), which is not «nothing registered»', { status: 410 }, 'SOURCE_UNAVAILABLE', true],
    ['answers with a web page', { garbage: 'html' }, 'SOURCE_INVALID', false],
    ['answers with JSON cut in half', { garbage: 'truncated' }, 'SOURCE_INVALID', false],
    ['answers with another patient’s data', { garbage: 'otherPatient' }, 'SOURCE_INVALID', false],
  ] as const)('is absent when the source %s', async (_title, fault, code, retryable) => {
    simulator.fault.current = fault;
    const { group, errors } = await ask('fjordarm');
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code, absence: code, retryable, source: 'KJERNEJOURNAL' } }]);
    expect(JSON.stringify(errors)).not.toContain('mange-kilder');
  });

  it('is absent when the source does not answer before the deadline', async () => {
    simulator.fault.current = { hang: true };
    const { group, errors } = await ask('fjordarm', { deadline: Date.now() + 250 });
    expect(group).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_UNAVAILABLE', retryable: true } }]);
  });
});
