import { register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { noCache } from '../../subgraphs/_shared/cache/cache.ts';
import type { CallContext, Source } from '../../subgraphs/_shared/source.ts';
import { createLoaders } from '../../subgraphs/eresept/loaders.ts';
import { assertionFor, patientOf } from '../support/ask.ts';

const fjordarm = '14834841291';
const granskog = '02915631153';
const patient = patientOf(fjordarm);
const context: CallContext = {
  assertion: assertionFor(patient),
  subjectToken: null,
  signal: AbortSignal.timeout(5_000),
};

const coded = (code: string) => ({ valueCodeableConcept: { coding: [{ code }] } });
const statement = (subject: Record<string, unknown>, name: string) => ({
  resourceType: 'MedicationStatement',
  identifier: [{ type: { text: 'ReseptId' }, value: name }],
  status: 'active',
  medicationCodeableConcept: { text: name },
  subject,
});
const person = (value: string) => ({
  resourceType: 'Patient',
  identifier: [{ system: 'urn:oid:2.16.578.1.12.4.1.4.1', value }],
});
const document = (about: string, statements: Record<string, unknown>[]) => ({
  resourceType: 'Bundle',
  type: 'document',
  entry: [
    {
      fullUrl: 'c',
      resource: {
        resourceType: 'Composition',
        subject: { reference: about },
        section: [
          {
            code: { coding: [{ code: 'sectionMedication' }] },
            entry: statements.map((_, i) => ({ reference: `s${i}` })),
          },
        ],
      },
    },
    { fullUrl: 'fjordarm', resource: person(fjordarm) },
    { fullUrl: 'granskog', resource: person(granskog) },
    ...statements.map((resource, i) => ({ fullUrl: `s${i}`, resource })),
  ],
});
const own = statement({ reference: 'fjordarm' }, 'own');
const foreign = statement({ reference: 'granskog' }, 'foreign');

/** What SFM says, given to the adapter at the seam of all sources. */
const load = (parameter: Record<string, unknown>[]) => {
  const source: Source = {
    name: 'ERESEPT',
    call: async ({ shape }) => ({
      ok: true,
      value: { value: shape.parse({ resourceType: 'Parameters', parameter }), headers: {} },
    }),
    reachable: async () => true,
    close: async () => {},
  };
  return createLoaders({ source, cache: noCache }, context).medication.load(patient.id);
};
const answer = (resource: unknown, codes: Record<string, string> = { RFM96Feilkode: '0' }) => [
  ...(resource ? [{ name: 'medication', resource }] : []),
  ...Object.entries(codes).map(([name, code]) => ({ name, ...coded(code) })),
];
const counted = async () => {
  const { values } = await register.getSingleMetric('kilde_source_dropped_records_total')!.get();
  return values.find(({ labels }) => labels['source'] === 'ERESEPT')?.value ?? 0;
};

describe('what SFM says of somebody else', () => {
  it('is dropped and counted where it is mixed in with the patient’s own', async () => {
    const before = await counted();
    const found = await load(answer(document('fjordarm', [own, foreign])));
    expect(found.inUse?.map(({ prescriptionId }) => prescriptionId)).toEqual(['own']);
    expect(found.prescriptions).toHaveLength(1);
    expect(found.dropped).toBe(1);
    expect((await counted()) - before).toBe(1);
  });

  it('makes the answer invalid when there is nothing else, or when the document is about them', async () => {
    for (const resource of [document('fjordarm', [foreign]), document('granskog', [own]), document('granskog', [])])
      await expect(load(answer(resource))).rejects.toMatchObject({ extensions: { code: 'SOURCE_INVALID' } });
  });
});

describe('an answer of SFM', () => {
  it('without a word on Reseptformidleren is invalid: silence is not success', async () => {
    await expect(load(answer(document('fjordarm', [own]), {}))).rejects.toMatchObject({
      extensions: { code: 'SOURCE_INVALID' },
    });
  });

  it('without a document is invalid, never empty', async () => {
    await expect(load(answer(null))).rejects.toMatchObject({ extensions: { code: 'SOURCE_INVALID' } });
  });

  it('that says nothing of kjernejournal and the list states both as missing', async () => {
    const { partial, lockedPrescriptions } = await load(answer(document('fjordarm', [own])));
    expect(partial.map(({ part, code }) => [part, code.coding])).toEqual([
      ['KJERNEJOURNAL', []],
      ['MEDICATION_LIST', []],
      ['DISPENSES', []],
    ]);
    expect(lockedPrescriptions).toBeNull();
  });

  it('has locked prescriptions when either kjernejournal or Reseptformidleren says so', async () => {
    const flags = (kj: boolean, rf: boolean) =>
      load([
        ...answer(document('fjordarm', [own])),
        { name: 'KJHarLaste', valueBoolean: kj },
        { name: 'RFHarLaste', valueBoolean: rf },
      ]);
    expect((await flags(false, false)).lockedPrescriptions).toBe(false);
    expect((await flags(true, false)).lockedPrescriptions).toBe(true);
    expect((await flags(false, true)).lockedPrescriptions).toBe(true);
  });
});
