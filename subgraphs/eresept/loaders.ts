import DataLoader from 'dataloader';
import type { AssertedPatient } from '../../schema/assertion.ts';
import { notFound, toGraphQLError } from '../_shared/errors.ts';
import { ownOnly } from '../_shared/group.ts';
import { droppedRecords } from '../_shared/metrics.ts';
import type { CallContext, Result, Source } from '../_shared/source.ts';
import { getMedication } from './adapter/client.ts';
import { openDocument } from './adapter/document.ts';
import { type MappedMedication, mapMedication } from './adapter/mapping.ts';

export type FoundMedication = MappedMedication & {
  lockedPrescriptions: boolean | null;
  retrieved: string;
  dropped: number;
};

/** Locked with either of them counts; kjernejournal's flag says nothing when kjernejournal itself did not answer. */
const anyLocked = (locked: { kjernejournal: boolean | null; prescriptions: boolean | null }): boolean | null =>
  locked.kjernejournal || locked.prescriptions;

const readMedication = async (
  source: Source,
  patient: AssertedPatient,
  context: CallContext,
): Promise<Result<FoundMedication>> => {
  const answer = await getMedication(source, patient, context);
  if (!answer.ok) return answer;
  const { bundle, codes, locked, retrieved } = answer.value;
  const document = openDocument(bundle);
  const records = [
    ...document.all('MedicationStatement'),
    ...document.all('MedicationDispense'),
    ...document.all('Basic').filter(({ code }) => code.coding.some((it) => it.code === 'M25.1')),
  ];
  const asked: readonly string[] = patient.nins;
  // Without a subject that is ours the document may be anybody's, an empty one too.
  if (!document.subject.some((nin) => asked.includes(nin))) {
    droppedRecords.inc({ source: source.name }, records.length);
    return { ok: false, error: { kind: 'invalid', source: source.name, paths: ['Composition.subject'] } };
  }
  const checked = ownOnly(
    source.name,
    records,
    (record) => document.subjectOf(record).find((nin) => asked.includes(nin)) ?? null,
    asked,
  );
  if (!checked.ok) return checked;
  const { own, dropped } = checked.value;
  const mapped = mapMedication(document, codes, retrieved, (record) => own.includes(record));
  return { ok: true, value: { ...mapped, lockedPrescriptions: anyLocked(locked), retrieved, dropped } };
};

/** Made anew for each request: what a loader remembers is what this caller may see. One call feeds all fields. */
export const createLoaders = (source: Source, context: CallContext) => ({
  medication: new DataLoader<string, FoundMedication>((patientIds) =>
    Promise.all(
      patientIds.map(async (id) => {
        const patient = context.assertion.patients.find((it) => it.id === id);
        if (!patient) return notFound();
        const found = await readMedication(source, patient, context);
        return found.ok ? found.value : toGraphQLError(found.error);
      }),
    ),
  ),
});
