import { randomUUID, type UUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AccessCheck } from '../../sandbox/_shared/access.ts';
import type { Fault } from '../../sandbox/_shared/faults.ts';
import type { Simulator } from '../../sandbox/_shared/simulator.ts';
import type { Population, SyntheticPerson } from '../../sandbox/population/model.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { startProvesvar } from '../../sandbox/sources/provesvar.ts';
import type { Assertion } from '../../schema/assertion.ts';
import type { Caller } from '../../schema/caller.ts';
import type { Subgraph, SubgraphAnswer } from '../../schema/subgraph.ts';
import provesvar, { createProvesvar } from '../../subgraphs/provesvar/subgraph.ts';
import { askSubgraph, assertionFor, citizen, doctor, patientOf } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';
import { creatinine, crp, culture, imagingReport, labReport, numberOf, populationWith } from './provesvarPeople.ts';

const open: SyntheticPerson['privacy'] = {
  reservations: [],
  restrictions: [],
  blockedProfessionals: [],
  delayedUntil: null,
};
const people: Record<string, Partial<SyntheticPerson>> = {
  fjordarm: {
    labReports: [
      labReport('january', '2026-01-10T08:00:00+01:00', [creatinine('c1')], { status: 'cancelled' }),
      labReport('march', '2026-03-01T08:00:00+01:00', [creatinine('c2', 118), crp('p2')], {
        recorded: '2026-03-02T10:15:00+01:00',
      }),
      labReport('february', '2026-02-01T08:00:00+01:00', culture('u')),
    ],
    imagingReports: [imagingReport('mr', '2026-02-15T10:00:00+01:00')],
  },
  // Around midnight in Norway, written with three offsets.
  'vanlig-1': {
    labReports: [
      labReport('before', '2026-02-28T23:59:00+01:00', [creatinine('n1')]),
      labReport('first', '2026-02-28T23:00:00Z', [creatinine('n2')]),
      labReport('last', '2026-03-31T23:59:00+02:00', [creatinine('n3')]),
      labReport('after', '2026-03-31T22:00:00Z', [creatinine('n4')]),
    ],
  },
  // More than one page of reports and of observations.
  'vanlig-2': {
    labReports: Array.from({ length: 230 }, (_, i) =>
      labReport(`many-${i}`, new Date(Date.UTC(2025, 0, 1) + i * 3_600_000).toISOString(), [
        creatinine(`m-${i}-1`),
        crp(`m-${i}-2`),
        creatinine(`m-${i}-3`),
      ]),
    ),
  },
  'mange-kilder': { labReports: [labReport('other', '2026-01-01T08:00:00+01:00', [creatinine('o')])] },
  granskog: {
    labReports: [labReport('closed', '2026-01-01T08:00:00+01:00', [creatinine('g')])],
    privacy: { ...open, restrictions: [{ module: 'labReports' }] },
  },
  'blokkert-person': { labReports: [labReport('blocked', '2026-01-01T08:00:00+01:00', [creatinine('b')])] },
};
const blockedDoctor: Caller = { ...(doctor(null) as Extract<Caller, { kind: 'professional' }>), hprNumber: '9990007' };

let population: Population;
let issuer: Awaited<ReturnType<typeof createTestTokens>>;
let simulator: Simulator;
let subgraph: Subgraph;
/** Stands before the simulator's own check of the token; a test may hold calls back here. */
let gate: () => Promise<void> = async () => {};

const start = (url = simulator.url) =>
  createProvesvar(
    { KILDE_ENVIRONMENT: 'sandbox', KILDE_KEY: Buffer.alloc(32, 7).toString('base64'), PPS_URL: url },
    { tokens: issuer.tokens },
  );

beforeAll(async () => {
  population = populationWith(people);
  issuer = await createTestTokens();
  const checkAccess: AccessCheck = async (request, requirements) => {
    await gate();
    return issuer.checkAccess(request, requirements);
  };
  simulator = await startProvesvar({ population, checkAccess });
});
beforeEach(async () => {
  simulator.fault.current = {};
  simulator.calls.length = 0;
  subgraph = await start(); // with a circuit that no test before has broken
});
afterEach(async () => {
  gate = async () => {};
  await subgraph?.close();
});
afterAll(async () => {
  await simulator?.close();
  await issuer?.close();
});

const entities = (fields: string) => `
  query ($id: ID!, $first: Int, $after: String, $from: Date, $to: Date, $codes: [String!]) {
    _entities(representations: [{ __typename: "Patient", id: $id }]) { ... on Patient { id ${fields} } }
  }`;
const lab = entities(`labReports(first: $first, after: $after, from: $from, to: $to, codes: $codes) {
  status absence { code } provenance { source retrieved }
  nodes {
    id status effective missingResults
    results { code { text } hasMember { code { text } hasMember { code { text } } } }
  }
  pageInfo { hasNextPage endCursor }
}`);

type Node = {
  id: string;
  status: string;
  effective: string;
  missingResults: number;
  results: { code: { text: string } }[];
};
type Group = {
  status: string;
  absence: { code: string } | null;
  nodes: Node[];
  pageInfo: { hasNextPage: boolean; endCursor: string };
};

/** One person's id at Kilde stays the same within a run, as cursors are bound to it. */
const ids = new Map<string, UUID>();
const ask = async (
  key: string,
  query: string,
  variables: Record<string, unknown> = {},
  change: Partial<Assertion> = {},
): Promise<SubgraphAnswer> => {
  const nin = key.match(/^\d+$/) ? key : numberOf(population, key);
  const id = ids.get(key) ?? randomUUID();
  ids.set(key, id);
  const assertion = assertionFor(patientOf(nin, id), { categories: ['laboratory', 'imaging'], ...change });
  return askSubgraph(subgraph, query, { id, ...variables }, assertion);
};
const groupOf = ({ data, errors }: SubgraphAnswer, field = 'labReports'): Group => {
  expect(errors).toBeUndefined();
  return (data as { _entities: Record<string, Group>[] })._entities[0]![field]!;
};
const askLab = async (key: string, variables: Record<string, unknown> = {}, change: Partial<Assertion> = {}) =>
  groupOf(await ask(key, lab, variables, change));
const days = ({ nodes }: Group) => nodes.map(({ effective }) => effective.slice(0, 10));
const searched = () => simulator.calls.map(({ url }) => url.replace(/^\/v2\/|\/_search$/g, '')).sort();
const failure = async (key: string, change: Partial<Assertion> = {}, variables: Record<string, unknown> = {}) => {
  const { data, errors } = await ask(key, lab, variables, change);
  expect((data as { _entities: { labReports: null }[] })._entities[0]!.labReports).toBeNull();
  expect(errors).toHaveLength(1);
  return errors![0]!;
};

describe('Patient.labReports', () => {
  it('gives a report as PPS holds it, joined with its results, specimen and people', async () => {
    const query = entities(`labReports(from: "2026-03-01") {
      status absence { code } provenance { source }
      nodes {
        id status effective issued firstPublished missingResults comment
        category { text coding { system code } }
        code { text coding { code } }
        performer { practitioner { identifier { system value } name } organization { identifier { system value } name } }
        requester { practitioner { identifier { value } name } organization { name } }
        specimen { type { text coding { code } } collected }
        results {
          status effective valueString valueDateTime valueCodeableConcept { text } valueRange { low { value } }
          category { coding { code } } code { text coding { system code display } }
          valueQuantity { value unit code comparator } interpretation { text coding { code } } referenceRange
          hasMember { id } provenance { source recorded }
        }
        provenance { source recorded organisation { name } author { name } }
      }
    }`);
    const { nodes, ...head } = groupOf(await ask('fjordarm', query)) as Group & Record<string, unknown>;
    expect(head).toEqual({ status: 'FRESH', absence: null, provenance: { source: 'PROVESVAR' } });
    expect(nodes).toHaveLength(1);
    expect(nodes[0]).toMatchObject({
      status: 'final',
      effective: '2026-03-01T08:00:00+01:00',
      issued: '2026-03-02T10:15:00+01:00',
      firstPublished: '2026-03-02T10:15:00+01:00',
      missingResults: 0,
      comment: null,
      category: [
        {
          text: 'Laboratoriemedisin',
          coding: [{ system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-8202', code: 'LAB' }],
        },
      ],
      code: { text: 'Medisinsk biokjemi', coding: [{ code: 'CLIN' }] },
      performer: [
        {
          practitioner: {
            identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.4', value: '9990007' },
            name: 'Varsom Bre',
          },
          organization: {
            identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', value: '310006017' },
            name: 'Sørfjord sykehus HF',
          },
        },
      ],
      requester: { practitioner: { identifier: { value: '9990005' }, name: 'Klok Ørret' }, organization: null },
      specimen: [{ type: { text: 'Plasma', coding: [{ code: 'P' }] }, collected: '2026-03-01T08:00:00+01:00' }],
      provenance: {
        source: 'PROVESVAR',
        recorded: '2026-03-02T10:15:00+01:00',
        organisation: { name: 'Sørfjord sykehus HF' },
        author: { name: 'Varsom Bre' },
      },
    });
    const [first, second] = nodes[0]!.results;
    expect(first).toEqual({
      status: 'final',
      effective: '2026-03-01T08:00:00+01:00',
      category: [{ coding: [{ code: 'CLIN' }] }],
      code: {
        text: 'P-Kreatinin',
        coding: [
          {
            system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-7280-nlk',
            code: 'NPU04998',
            display: 'P-Kreatinin',
          },
        ],
      },
      valueQuantity: { value: 118, unit: 'umol/L', code: 'umol/L', comparator: null },
      valueString: null,
      valueDateTime: null,
      valueCodeableConcept: null,
      valueRange: null,
      interpretation: [{ text: 'Over øvre referansegrense', coding: [{ code: '1' }] }],
      referenceRange: '45 - 90',
      hasMember: [],
      provenance: { source: 'PROVESVAR', recorded: '2026-03-02T10:15:00+01:00' },
    });
    expect(second).toMatchObject({ code: { text: 'P-CRP' }, interpretation: [] });
  });

  it('gives newest first, whatever the status', async () => {
    const group = await askLab('fjordarm');
    expect(days(group)).toEqual(['2026-03-01', '2026-02-01', '2026-01-10']);
    expect(group.nodes.map(({ status }) => status)).toEqual(['final', 'final', 'cancelled']);
  });

  it('gives results that belong under another only there', async () => {
    const group = await askLab('fjordarm', { from: '2026-02-01', to: '2026-02-01' });
    expect(group.nodes[0]!.results).toEqual([
      {
        code: { text: 'U-Dyrkning' },
        hasMember: [{ code: { text: 'Mikrobe' }, hasMember: [{ code: { text: 'Ampicillin' } }] }],
      },
    ]);
  });

  it('takes from and to as whole Norwegian days, both included', async () => {
    const group = await askLab('vanlig-1', { from: '2026-03-01', to: '2026-03-31' });
    expect(group.nodes.map(({ effective }) => effective)).toEqual([
      '2026-03-31T23:59:00+02:00',
      '2026-02-28T23:00:00Z',
    ]);
    expect((await askLab('vanlig-1', { to: '2026-02-28' })).nodes).toHaveLength(1);
    expect((await askLab('vanlig-1', { from: '2026-04-01' })).nodes).toHaveLength(1);
  });

  it('keeps only results with one of the codes, and only reports with such a result', async () => {
    const group = await askLab('fjordarm', { codes: ['NPU19748', 'NPU01685'] });
    expect(group.nodes.map(({ results }) => results.map(({ code }) => code.text))).toEqual([['P-CRP']]);
    expect(group.nodes[0]!.missingResults).toBe(0);
    expect(searched()).toEqual(['DiagnosticReport', 'Observation', 'PractitionerRole']);
  });

  it('finds a hierarchy by a code at its bottom, and gives all of it, with one search more', async () => {
    const group = await askLab('fjordarm', { codes: ['NPU99001'] });
    expect(group.nodes).toHaveLength(1);
    expect(group.nodes[0]).toMatchObject({
      missingResults: 0,
      results: [
        {
          code: { text: 'U-Dyrkning' },
          hasMember: [{ code: { text: 'Mikrobe' }, hasMember: [{ code: { text: 'Ampicillin' } }] }],
        },
      ],
    });
    expect(searched()).toEqual(['DiagnosticReport', 'Observation', 'Observation', 'PractitionerRole']);
  });

  it('says «none registered» when PPS has no hits, also for somebody that it does not know', async () => {
    expect(await askLab('vanlig-3')).toMatchObject({
      status: 'FRESH',
      absence: { code: 'NONE_REGISTERED' },
      nodes: [],
    });
    expect(await askLab('02915631153', { codes: ['NPU01685'] }, { accessBasis: 'FORHOYET_SAMTYKKE' })).toMatchObject({
      absence: { code: 'NONE_REGISTERED' },
    });
  });

  it('reports to the gateway how PPS took part', async () => {
    const { sources } = await ask('fjordarm', lab);
    expect(sources).toMatchObject([{ source: 'PROVESVAR', status: 'FRESH', count: 3, absence: null }]);
    expect(sources[0]).not.toHaveProperty('dropped');
  });
});

describe('Patient.labReports: pages', () => {
  it('fetches all pages of PPS and gives them in pages of the caller’s own', async () => {
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const group: Group = await askLab('vanlig-2', { first: 100, after });
      for (const node of group.nodes) {
        expect(node.results).toHaveLength(3);
        seen.push(node.effective);
      }
      after = group.pageInfo.hasNextPage ? group.pageInfo.endCursor : null;
    } while (after);
    expect(seen).toHaveLength(230);
    expect(seen).toEqual([...seen].sort().reverse());
  });
  it('asks for what is after the first page all at once', async () => {
    let calls = 0;
    let release = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    gate = async () => {
      calls += 1;
      if (calls === 6) release();
      if (calls > 3) await all; // one after the other, the fourth would wait here for ever
    };
    expect((await askLab('vanlig-2')).nodes).toHaveLength(20);
    // 230 reports by 100, 690 observations by 500, 460 roles by 500.
    expect(searched()).toEqual([
      ...Array(3).fill('DiagnosticReport'),
      ...Array(2).fill('Observation'),
      'PractitionerRole',
    ]);
  });
  it('gives a cursor that is good for this patient and these filters only', async () => {
    const { pageInfo } = await askLab('fjordarm', { first: 1 });
    const after = pageInfo.endCursor;
    expect(days(await askLab('fjordarm', { first: 1, after }))).toEqual(['2026-02-01']);
    simulator.calls.length = 0;
    for (const [key, variables] of [
      ['vanlig-1', { after }],
      ['fjordarm', { after, from: '2026-01-01' }],
      ['fjordarm', { after: `${after.slice(0, -2)}AA` }],
    ] as const)
      expect((await failure(key, {}, variables)).extensions.code).toBe('BAD_REQUEST');
    expect(simulator.calls).toEqual([]);
  });
});

describe('Patient.labReports: arguments', () => {
  it.each([
    [{ from: '2026-02-30' }],
    [{ from: '2026-02' }],
    [{ to: '01.02.2026' }],
    [{ to: 20260201 }],
    [{ from: '2026-02-02', to: '2026-02-01' }],
    [{ codes: [] }],
    [{ codes: ['14834841291'] }],
    [{ codes: ['NPU04998', 'NPU0499'] }],
    [{ codes: Array(51).fill('NPU04998') }],
    [{ first: 0 }],
    [{ first: 101 }],
  ] as Record<string, unknown>[][])('refuses %j without asking PPS or repeating the value', async (variables) => {
    const { message, extensions } = await failure('fjordarm', {}, variables);
    expect(extensions.code).toBe('BAD_REQUEST');
    for (const value of Object.values(variables!).flat().map(String))
      if (value.length > 3) expect(message).not.toContain(value);
    expect(simulator.calls).toEqual([]);
  });
});

describe('Patient.imagingReports', () => {
  const imaging = `imagingReports { absence { code } nodes {
    status performed conclusion missingResults examination { text coding { system code } }
    performer { organization { name } } results { valueCodeableConcept { text } } provenance { source }
  } }`;
  it('gives examination, text and status; laboratory reports are elsewhere', async () => {
    const group = groupOf(await ask('fjordarm', entities(imaging)), 'imagingReports');
    expect(group.nodes).toEqual([
      {
        status: 'preliminary',
        performed: '2026-02-15T10:00:00+01:00',
        conclusion: 'Ingen prolaps.',
        missingResults: 0,
        examination: {
          text: 'MR lumbalcolumna',
          coding: [{ system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-7270-ncrp', code: 'SNA0GG' }],
        },
        performer: [{ organization: { name: 'Sørfjord sykehus HF' } }],
        results: [{ valueCodeableConcept: { text: 'Ingen prolaps.' } }],
        provenance: { source: 'PROVESVAR' },
      },
    ]);
  });
  it('costs no call more beside labReports', async () => {
    const { data } = await ask('fjordarm', entities(`${imaging} labReports { nodes { id } }`));
    const [patient] = (data as { _entities: Record<string, { nodes: unknown[] }>[] })._entities;
    expect([patient!['imagingReports']!.nodes.length, patient!['labReports']!.nodes.length]).toEqual([1, 3]);
    expect(searched()).toEqual(['DiagnosticReport', 'Observation', 'PractitionerRole']);
  });
});

describe('provesvar: what PPS is asked', () => {
  it('searches reports, observations and performers at the same time', async () => {
    let waiting = 0;
    let release = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    gate = async () => {
      waiting += 1;
      if (waiting === 3) release();
      await all; // one after the other, the first would wait here for ever
    };
    expect((await askLab('fjordarm')).nodes).toHaveLength(3);
  });
  it('sends person, basis, role and event id in headers, and no person in the URL or the form', async () => {
    const eventId = randomUUID();
    await askLab('fjordarm', { from: '2026-01-01', to: '2026-01-31' }, { eventId });
    expect(simulator.calls).toHaveLength(3);
    for (const { method, url, headers, body } of simulator.calls) {
      expect(method).toBe('POST');
      expect(url).toMatch(/^\/v2\/[A-Za-z]+\/_search$/);
      expect(body).not.toContain('14834841291');
      expect(headers).toMatchObject({
        'person-id': '14834841291',
        'access-basis': 'SAMTYKKE',
        'requester-hpr-role': 'LE',
        'x-correlation-id': eventId,
      });
    }
  });
  it('widens the dates that it asks for, and bounds observations only from below', async () => {
    await askLab('fjordarm', { from: '2026-02-01', to: '2026-02-28' });
    const dates = Object.fromEntries(
      simulator.calls.map(({ url, body }) => [url.split('/')[2], new URLSearchParams(body).getAll('date')]),
    );
    expect(dates).toEqual({
      DiagnosticReport: ['gt2026-01-30', 'lt2026-03-02'],
      Observation: ['gt2026-01-30'],
      PractitionerRole: [],
    });
  });
  it('sends no role for a professional without authorization, whom PPS then refuses', async () => {
    const caller: Caller = { ...(doctor(null) as Extract<Caller, { kind: 'professional' }>), authorization: null };
    const { extensions } = await failure('fjordarm', { caller });
    expect(extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE', absence: 'NO_ACCESS', retryable: false });
    expect(simulator.calls.some(({ headers }) => 'requester-hpr-role' in headers)).toBe(false);
  });
  it('asks nothing about a patient or a category outside the assertion', async () => {
    const { extensions } = await failure('fjordarm', { categories: ['imaging'] });
    expect(extensions.code).toBe('NOT_FOUND');
    const stranger = assertionFor(patientOf(numberOf(population, 'vanlig-1')), { categories: ['laboratory'] });
    const { errors } = await askSubgraph(subgraph, lab, { id: randomUUID() }, stranger);
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
    expect(simulator.calls).toEqual([]);
  });
});

describe('provesvar: what the patient has decided', () => {
  it.each([
    ['SAMTYKKE', 'FORHOYET_SAMTYKKE'],
    ['UNNTAK', 'FORHOYET_SAMTYKKE'],
    ['AKUTT', 'FORHOYET_AKUTT'],
  ] as const)('a restriction met with %s can be opened with %s', async (accessBasis, requires) => {
    const { extensions } = await failure('granskog', { accessBasis });
    expect(extensions).toMatchObject({ code: 'RESTRICTED', absence: 'RESTRICTED', canElevate: true, requires });
  });
  it.each(['FORHOYET_SAMTYKKE', 'FORHOYET_AKUTT'] as const)(
    '%s opens it, tried after the ordinary one',
    async (basis) => {
      expect((await askLab('granskog', {}, { accessBasis: basis })).nodes).toHaveLength(1);
      const bases = simulator.calls.map(({ headers }) => headers['access-basis']);
      const ordinary = basis.replace('FORHOYET_', '');
      expect(bases).toEqual([...Array(3).fill(ordinary), ...Array(3).fill(basis)]);
    },
  );
  it('an elevated basis is not used where nothing is restricted', async () => {
    expect((await askLab('fjordarm', {}, { accessBasis: 'FORHOYET_AKUTT' })).nodes).toHaveLength(3);
    expect(new Set(simulator.calls.map(({ headers }) => headers['access-basis']))).toEqual(new Set(['AKUTT']));
  });
  it('a block against this professional is final, elevated or not', async () => {
    for (const accessBasis of ['SAMTYKKE', 'FORHOYET_AKUTT'] as const) {
      const { extensions } = await failure('blokkert-person', { caller: blockedDoctor, accessBasis });
      expect(extensions).toMatchObject({ code: 'BLOCKED', absence: 'BLOCKED', canElevate: false });
    }
    expect((await askLab('blokkert-person')).nodes).toHaveLength(1); // another doctor
  });
  it('a reservation is told as such', async () => {
    const { extensions } = await failure('reservert-alt');
    expect(extensions).toMatchObject({ code: 'RESERVED', absence: 'RESERVED', canElevate: false });
  });
  it('a citizen reads their own without a role, and nobody else’s', async () => {
    const caller = citizen(numberOf(population, 'granskog'));
    expect((await askLab('granskog', {}, { caller })).nodes).toHaveLength(1);
    expect(simulator.calls.every(({ headers }) => !('requester-hpr-role' in headers))).toBe(true);
    expect((await failure('fjordarm', { caller })).extensions.absence).toBe('NO_ACCESS');
  });
});

describe('provesvar: when PPS fails', () => {
  it.each([
    ['is down', { down: true }, 'SOURCE_UNAVAILABLE', true],
    ['answers 500', { status: 500 }, 'SOURCE_UNAVAILABLE', true],
    ['answers 504, the privacy check timed out', { status: 504 }, 'SOURCE_UNAVAILABLE', true],
    ['answers 429 with an empty body', { status: 429 }, 'SOURCE_UNAVAILABLE', true],
    ['answers 404', { status: 404 }, 'SOURCE_UNAVAILABLE', true],
    ['answers 400', { status: 400 }, 'SOURCE_INVALID', false],
    ['answers HTML', { garbage: 'html' }, 'SOURCE_INVALID', false],
    ['answers JSON cut in half', { garbage: 'truncated' }, 'SOURCE_INVALID', false],
    ['answers with another patient’s data', { garbage: 'otherPatient' }, 'SOURCE_INVALID', false],
  ] as [string, Fault, string, boolean][])('%s: an error, not an empty list', async (_what, fault, code, retryable) => {
    simulator.fault.current = fault;
    const { message, extensions } = await failure('fjordarm');
    expect(extensions).toMatchObject({ code, absence: code, source: 'PROVESVAR', retryable });
    expect(message).not.toMatch(/\d{11}/);
  });
  it('never answers: an error when the deadline has passed', async () => {
    simulator.fault.current = { hang: true };
    const { extensions } = await failure('fjordarm', { deadline: Date.now() + 200 });
    expect(extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryable: true });
  });
  it('has a 400 neither sent again nor counted against PPS', async () => {
    simulator.fault.current = { status: 400 };
    for (let i = 0; i < 6; i += 1) await failure('fjordarm');
    expect(simulator.calls).toHaveLength(18);
    simulator.fault.current = {};
    expect((await askLab('fjordarm')).nodes).toHaveLength(3);
  });
  it('tells health from the address alone', async () => {
    expect(await subgraph.health()).toEqual([{ source: 'PROVESVAR', up: true }]);
    const lost = await start('http://127.0.0.1:9/v2');
    expect(await lost.health()).toEqual([{ source: 'PROVESVAR', up: false }]);
    await lost.close();
  });
});

describe('provesvar: module', () => {
  it('names the variables that are missing and shows no value', async () => {
    const env = { KILDE_ENVIRONMENT: 'sandbox', KILDE_KEY: Buffer.alloc(32, 7).toString('base64') };
    await expect(createProvesvar({ ...env, PPS_URL: 'ftp://x' }, { tokens: issuer.tokens })).rejects.toThrow(
      /^PPS_URL: /,
    );
    await expect(provesvar.create({})).rejects.toThrow(/HELSEID_ISSUER/);
  });
});

describe('provesvar: the sandbox’s own people', () => {
  it('gives everybody’s reports whole, unless they have decided otherwise', async () => {
    const everybody = createPopulation();
    const own = await startProvesvar({ population: everybody, checkAccess: issuer.checkAccess });
    const other = await start(own.url);
    try {
      const query = entities(
        'labReports(first: 100) { nodes { missingResults } } imagingReports { nodes { missingResults } }',
      );
      for (const { nationalId, privacy, labReports, imagingReports } of everybody.people) {
        const patient = patientOf(nationalId);
        const assertion = assertionFor(patient, { categories: ['laboratory', 'imaging'] });
        const { data, errors } = await askSubgraph(other, query, { id: patient.id }, assertion);
        const isClosed =
          privacy.reservations.some((it) => it === '*' || it === 'provesvar') ||
          privacy.restrictions.some((it) => it.module === 'labReports' && !it.expired);
        expect(errors?.length ?? 0).toBe(isClosed ? 2 : 0);
        if (isClosed) continue;
        const [given] = (data as { _entities: Record<string, { nodes: object[] }>[] })._entities;
        const whole = (count: number) => Array(count).fill({ missingResults: 0 });
        expect(given!['labReports']!.nodes).toEqual(whole(labReports.length));
        expect(given!['imagingReports']!.nodes).toEqual(whole(imagingReports.length));
      }
      expect(everybody.people.some(({ labReports }) => labReports.length > 0)).toBe(true);
    } finally {
      await other.close();
      await own.close();
    }
  });
});
