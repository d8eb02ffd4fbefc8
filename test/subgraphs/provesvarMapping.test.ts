import { describe, expect, it } from 'vitest';
import { conclusionOf, mapReports } from '../../subgraphs/provesvar/adapter/mapping.ts';
import {
  NilarObservation,
  NilarPractitionerRole,
  NilarReport,
  type NilarResources,
  NilarServiceRequest,
} from '../../subgraphs/provesvar/adapter/nilar.ts';
import { isWithin } from '../../subgraphs/provesvar/filter.ts';

const nilar = 'http://nhn.no/fhir/nilar/StructureDefinition';
const area = (code: string) => ({
  coding: [{ system: 'http://ehelse.no/fhir/CodeSystem/no-kodeverk-8202', code }],
});
const subject = { identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: '14834841291' } };

const report = (change: object = {}): NilarReport =>
  NilarReport.parse({
    id: 'r',
    status: 'final',
    category: [area('LAB')],
    code: area('CLIN'),
    subject,
    effectiveDateTime: '2026-03-01T08:00:00+01:00',
    ...change,
  });
const observation = (id: string, change: { members?: string[]; report?: string } & Record<string, unknown> = {}) => {
  const { members = [], report: of = 'r', extension = [], ...rest } = change;
  return NilarObservation.parse({
    id,
    status: 'final',
    code: { text: id },
    subject,
    hasMember: members.map((member) => ({ reference: `Observation/${member}` })),
    extension: [
      {
        url: `${nilar}/nilar-diagnostic-report-ref`,
        valueReference: { reference: `https://pps.example/v2/DiagnosticReport/${of}/_history/2` },
      },
      ...(extension as object[]),
    ],
    ...rest,
  });
};
const map = (resources: Partial<NilarResources>, codes: string[] | null = null) =>
  mapReports(
    { reports: [report()], observations: [], specimens: [], serviceRequests: [], practitionerRoles: [], ...resources },
    codes,
    '2026-04-01T12:00:00Z',
  );
const first = (change: Record<string, unknown>) => map({ observations: [observation('o', change)] })[0]!.results[0]!;

describe('PPS mapping: report', () => {
  it.each(['registered', 'preliminary', 'amended', 'appended', 'cancelled', 'unknown'])(
    'keeps the status %s as it is',
    (status) => {
      expect(map({ reports: [report({ status })] })[0]!.status).toBe(status);
    },
  );
  it.each([
    ['LAB', 'CLIN', 'laboratory'],
    ['PAT', 'PAT', 'laboratory'],
    ['BLD', 'RAD', 'imaging'],
    ['BLD', 'NUK', 'imaging'],
    ['', 'RAD', 'imaging'],
    ['?', '?', 'laboratory'],
  ])('of main field %s and field %s is %s', (category, code, kind) => {
    expect(map({ reports: [report({ category: [area(category)], code: area(code) })] })[0]!.kind).toBe(kind);
  });
  it('reads the main field whichever way the code system is written', () => {
    const category = [{ coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.8202', code: 'BLD' }] }];
    expect(map({ reports: [report({ category, code: undefined })] })[0]!.kind).toBe('imaging');
  });
  it('has the first publication and comments from extensions', () => {
    const extension = [
      { url: `${nilar}/nilar-report-date`, valueDateTime: '2026-03-02T10:15:00+01:00' },
      { url: `${nilar}/nilar-comment`, valueAnnotation: { text: 'Hemolyse' } },
      { url: `${nilar}/nilar-comment`, valueCodeableConcept: { coding: [{ code: '1', display: 'Dokument fjernet' }] } },
    ];
    expect(map({ reports: [report({ extension })] })[0]).toMatchObject({
      firstPublished: '2026-03-02T10:15:00+01:00',
      comment: 'Hemolyse\nDokument fjernet',
    });
  });
  it('leaves a professional’s national id behind, and keeps the name', () => {
    const role = NilarPractitionerRole.parse({
      id: 'p',
      practitioner: {
        identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: '08707925079' },
        display: 'ANE DEMOLEGE (08707925079)',
      },
      organization: { identifier: { value: '08707925079' }, display: 'Legekontoret' },
    });
    const request = NilarServiceRequest.parse({ id: 's', subject, requester: { reference: 'PractitionerRole/p' } });
    const reports = [report({ basedOn: [{ reference: 'ServiceRequest/s' }] })];
    const [mapped] = map({ reports, serviceRequests: [request], practitionerRoles: [role] });
    expect(mapped!.requester).toEqual({
      practitioner: { identifier: null, name: 'ANE DEMOLEGE (***********)', role: null },
      organization: { identifier: null, name: 'Legekontoret' },
    });
  });
  it('sorts by instant, not by text', () => {
    const reports = [
      report({ id: 'earlier', effectiveDateTime: '2026-03-01T08:30:00+02:00' }),
      report({ id: 'later', effectiveDateTime: '2026-03-01T07:00:00Z' }),
      report({ id: 'issued', effectiveDateTime: undefined, issued: '2026-03-02T07:00:00Z' }),
    ];
    expect(map({ reports }).map(({ id }) => id)).toEqual(['issued', 'later', 'earlier']);
  });
});

describe('PPS mapping: result', () => {
  it.each([
    [
      { valueQuantity: { value: 0.1, comparator: '<', unit: 'mg/L', code: 'mg/L' } },
      { valueQuantity: { value: 0.1, comparator: '<', unit: 'mg/L', code: 'mg/L' } },
    ],
    [{ valueCodeableConcept: { text: 'Vekst' } }, { valueCodeableConcept: { text: 'Vekst', coding: [] } }],
    [{ valueDateTime: '2026-03' }, { valueDateTime: '2026-03' }],
    [{ valueString: 'Se tekst' }, { valueString: 'Se tekst' }],
    [
      { valueRange: { low: { value: 1 } } },
      { valueRange: { low: { value: 1, comparator: null, unit: null, code: null }, high: null } },
    ],
  ])('keeps the value %j', (value, mapped) => {
    const none = {
      valueQuantity: null,
      valueCodeableConcept: null,
      valueDateTime: null,
      valueString: null,
      valueRange: null,
    };
    expect(first(value)).toMatchObject({ ...none, ...mapped });
  });
  it.each([true, false])('is accredited: %s', (valueBoolean) => {
    expect(first({ extension: [{ url: `${nilar}/nilar-accredited`, valueBoolean }] }).accredited).toBe(valueBoolean);
    expect(first({}).accredited).toBeNull();
  });
  it('has the reference range in the laboratory’s words, or from its limits', () => {
    const limits = { low: { value: 45 }, high: { value: 90, unit: 'umol/L' } };
    expect(first({ referenceRange: [{ text: '45 - 90', ...limits }] }).referenceRange).toBe('45 - 90');
    expect(first({ referenceRange: [limits, { text: 'barn: 20 - 40' }] }).referenceRange).toBe(
      '45–90 umol/L; barn: 20 - 40',
    );
    expect(first({}).referenceRange).toBeNull();
  });
});

describe('PPS mapping: hierarchy', () => {
  it('puts results under their parent in the parent’s order', () => {
    const observations = [
      observation('c1'),
      observation('top', { members: ['c2', 'c1'] }),
      observation('c2'),
      observation('alone'),
    ];
    const [mapped] = map({ observations });
    expect(mapped!.results.map(({ id, hasMember }) => [id, hasMember.map((it) => it.id)])).toEqual([
      ['top', ['c2', 'c1']],
      ['alone', []],
    ]);
  });
  it('keeps a report’s results apart from another’s, and leaves out those of no report given', () => {
    const observations = [observation('a'), observation('b', { report: 'r2' }), observation('c', { report: 'r3' })];
    const reports = [report(), report({ id: 'r2', effectiveDateTime: '2026-01-01' })];
    expect(map({ reports, observations }).map(({ results }) => results.map(({ id }) => id))).toEqual([['a'], ['b']]);
  });
  it('counts the results that are named and not there', () => {
    const reports = [report({ result: [{ reference: 'Observation/a' }, { reference: 'Observation/lost' }] })];
    const observations = [observation('a', { members: ['gone', 'gone'] })];
    expect(map({ reports, observations })[0]!.missingResults).toBe(2);
  });
  it('loses nothing to members that go in a circle', () => {
    const observations = [observation('a', { members: ['b'] }), observation('b', { members: ['a'] })];
    const [mapped] = map({ observations });
    expect(mapped!.results).toMatchObject([{ id: 'a', hasMember: [{ id: 'b', hasMember: [] }] }]);
  });
  it('finds codes in the tags of the top, in any spelling of NLK and in no other code system', () => {
    const tagged = (system: string) =>
      map({ observations: [observation('o', { meta: { tag: [{ system, code: 'NPU04998' }] } })] }, ['NPU04998']);
    expect(tagged('http://helsedir.no/fhir/CodeSystem/no-kodeverk-7280-nlk')).toHaveLength(1);
    expect(tagged('urn:oid:2.16.578.1.12.4.1.1.7280')).toHaveLength(1);
    expect(tagged('http://loinc.org')).toHaveLength(0);
  });
});

describe('PPS mapping: imaging', () => {
  it('joins the texts of all examinations into the conclusion', () => {
    const observations = [
      observation('a', { valueCodeableConcept: { text: 'Ingen brudd.' }, members: ['b'] }),
      observation('b', { valueString: 'Tillegg.' }),
      observation('c', { valueQuantity: { value: 1 } }),
    ];
    expect(conclusionOf(map({ observations })[0]!)).toBe('Ingen brudd.\n\nTillegg.');
    expect(conclusionOf(map({})[0]!)).toBeNull();
  });
});

describe('isWithin', () => {
  const march = { from: '2026-03-01', to: '2026-03-31' };
  it.each([
    ['2026-02-28T23:00:00Z', true],
    ['2026-02-28T22:59:59Z', false],
    ['2026-03-31T21:59:59Z', true],
    ['2026-03-31T22:00:00Z', false],
    ['2026-03', true],
    ['2026', true],
    ['2026-04', false],
    ['2026-03-31', true],
    ['some day in March', true],
    ['2026-99-99T99:00', true],
    [null, true],
  ])('%s in March 2026: %s', (moment, within) => {
    expect(isWithin(moment, march)).toBe(within);
  });
});
