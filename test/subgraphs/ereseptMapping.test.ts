import { describe, expect, it } from 'vitest';
import { openDocument } from '../../subgraphs/eresept/adapter/document.ts';
import { mapMedication } from '../../subgraphs/eresept/adapter/mapping.ts';
import { MedicationAnswer } from '../../subgraphs/eresept/adapter/shapes.ts';

type Resource = { resourceType: string; [member: string]: unknown };

const fjordarm = '14834841291';
const granskog = '02915631153';
const patient = (value: string): Resource => ({
  resourceType: 'Patient',
  identifier: [{ system: 'urn:oid:2.16.578.1.12.4.1.4.1', value }],
});
const statement = (status: string, more: Record<string, unknown> = {}): Resource => ({
  resourceType: 'MedicationStatement',
  identifier: [{ type: { text: 'ReseptId' }, value: `resept-${status}` }],
  status,
  medicationCodeableConcept: { text: status },
  subject: { display: 'STILLE FJORDARM' },
  ...more,
});
type Section = { code: string; entry?: string[]; emptyReason?: string };
const composition = (sections: Section[], subject?: string): Resource => ({
  resourceType: 'Composition',
  ...(subject ? { subject: { reference: subject } } : {}),
  section: sections.map(({ code, entry, emptyReason }) => ({
    code: { coding: [{ code }] },
    ...(entry ? { entry: entry.map((reference) => ({ reference })) } : {}),
    ...(emptyReason ? { emptyReason: { coding: [{ code: emptyReason }] } } : {}),
  })),
});
const ok = { valueCodeableConcept: { coding: [{ code: '0' }] } };
const answerWith = (resources: Record<string, Resource>) => ({
  resourceType: 'Parameters',
  parameter: [
    {
      name: 'medication',
      resource: {
        resourceType: 'Bundle',
        type: 'document',
        entry: Object.entries(resources).map(([fullUrl, resource]) => ({ fullUrl, resource })),
      },
    },
    ...['KJFeilkode', 'RFM96Feilkode', 'RFM912Feilkode'].map((name) => ({ name, ...ok })),
  ],
});
const open = (resources: Record<string, Resource>) =>
  openDocument(MedicationAnswer.parse(answerWith(resources)).bundle!);
const map = (resources: Record<string, Resource>) =>
  mapMedication(
    open(resources),
    { kjernejournal: '0', prescriptions: '0', medicationList: '0' },
    '2026-03-05T08:00:00+01:00',
    () => true,
  );
const nothingElse: Section[] = [
  { code: 'sectionDispense', emptyReason: 'nilknown' },
  { code: 'sectionPLLinfo', emptyReason: 'nilknown' },
];

describe('what is in use', () => {
  it('is all that has not ended: a state that is unclear is shown, not hidden', () => {
    const states = [
      'active',
      'intended',
      'on-hold',
      'unknown',
      'completed',
      'stopped',
      'entered-in-error',
      'not-taken',
    ];
    const { inUse, prescriptions } = map({
      'urn:uuid:c': composition([{ code: 'sectionMedication', entry: states }, ...nothingElse]),
      ...Object.fromEntries(states.map((it) => [it, statement(it)])),
    });
    expect(inUse?.map(({ status }) => status)).toEqual(['active', 'intended', 'on-hold', 'unknown']);
    expect(prescriptions).toHaveLength(8);
  });

  it('excludes a renewed prescription, which keeps a pointer to its successor', () => {
    const { inUse, prescriptions } = map({
      c: composition([{ code: 'sectionMedication', entry: ['new'] }, ...nothingElse]),
      new: statement('active'),
      old: statement('completed', { partOf: [{ reference: 'new' }] }),
    });
    expect(inUse?.map(({ prescriptionId }) => prescriptionId)).toEqual(['resept-active']);
    expect(prescriptions?.find((it) => it.prescriptionId === 'resept-completed')?.replacedBy).toBe('resept-active');
  });

  it('has medicine without an electronic prescription, which is no prescription', () => {
    const { inUse, prescriptions } = map({
      c: composition([{ code: 'sectionMedication', entry: ['s'] }, ...nothingElse]),
      s: statement('active', { identifier: [{ type: { text: 'PLL' }, value: 'entry-1' }] }),
    });
    expect(inUse).toMatchObject([{ prescriptionId: null, onMedicationList: true, medication: { name: 'active' } }]);
    expect(prescriptions).toEqual([]);
  });
});

describe('a section', () => {
  it('that is unavailable or not there is null and stated, not empty', () => {
    const mapped = map({ c: composition([{ code: 'sectionMedication', emptyReason: 'unavailable' }]) });
    expect(mapped).toMatchObject({ inUse: null, prescriptions: null, dispenses: null, list: null });
    expect(mapped.partial.map(({ part, code }) => [part, code.coding[0]?.code])).toEqual([
      ['PRESCRIPTIONS', 'unavailable'],
      ['DISPENSES', undefined],
      ['MEDICATION_LIST', undefined],
    ]);
  });

  it('that is known to be empty is empty', () => {
    const mapped = map({
      c: composition([{ code: 'sectionMedication', emptyReason: 'nilknown' }, ...nothingElse]),
    });
    expect(mapped).toEqual({ inUse: [], prescriptions: [], dispenses: [], list: null, partial: [] });
  });
});

describe('whom a document is about', () => {
  it('is the patient that the composition points to, or the only one in it', () => {
    const two = { a: patient(fjordarm), b: patient(granskog) };
    expect(open({ c: composition([], 'b'), ...two }).subject).toEqual([granskog]);
    expect(open({ c: composition([]), a: patient(fjordarm) }).subject).toEqual([fjordarm]);
    expect(open({ c: composition([]), ...two }).subject).toEqual([]);
    expect(open({ c: composition([]) }).subject).toEqual([]);
  });

  it('holds for a resource that only names its subject, unless there are two people in it', () => {
    const [only] = [open({ c: composition([], 'a'), a: patient(fjordarm) })];
    expect(only!.subjectOf({ subject: { display: 'STILLE FJORDARM' } })).toEqual([fjordarm]);
    expect(only!.subjectOf({ subject: { reference: 'nobody' } })).toEqual([]);
    const mixed = open({ c: composition([], 'a'), a: patient(fjordarm), b: patient(granskog) });
    expect(mixed.subjectOf({ subject: { reference: 'b' } })).toEqual([granskog]);
    expect(mixed.subjectOf({ subject: { display: 'STILLE FJORDARM' } })).toEqual([]);
  });
});

describe('the shape of an answer', () => {
  it('breaks when a known resource does, with the place and not the content', () => {
    const read = MedicationAnswer.safeParse(answerWith({ s: statement('active', { status: 5, dosage: 'HEMMELIG' }) }));
    expect(read.success).toBe(false);
    const paths = read.error!.issues.map(({ path }) => path.join('.'));
    expect(paths).toContain('medication.entry.0.resource.MedicationStatement.status');
    expect(JSON.stringify(read.error!.issues)).not.toContain('HEMMELIG');
  });

  it('leaves out resources that nothing is known of', () => {
    const read = MedicationAnswer.parse(answerWith({ x: { resourceType: 'Provenance', subject: 7 } }));
    expect(read.bundle?.entry).toEqual([]);
  });
});
