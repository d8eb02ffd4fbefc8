import DataLoader from 'dataloader';
import type { AssertedPatient } from '../../schema/assertion.ts';
import type { SourceCache } from '../_shared/cache/cache.ts';
import type { Freshness } from '../_shared/cache/freshness.ts';
import type { Opened } from '../_shared/elevation.ts';
import { notFound, toGraphQLError } from '../_shared/errors.ts';
import { ownOnly } from '../_shared/group.ts';
import { droppedRecords } from '../_shared/metrics.ts';
import type { CallContext, Result, Source } from '../_shared/source.ts';
import { getMedication, type Medication } from './adapter/client.ts';
import { openDocument } from './adapter/document.ts';
import { type MappedMedication, mapMedication } from './adapter/mapping.ts';
import { answeredCode } from './adapter/refusals.ts';

export type FoundMedication = MappedMedication & {
  lockedPrescriptions: boolean | null;
  status: Freshness['status'];
  retrieved: string;
  dropped: number;
  isOpened: boolean;
};

/** Locked with either of them counts; kjernejournal's flag says nothing when kjernejournal itself did not answer. */
const anyLocked = (locked: { kjernejournal: boolean | null; prescriptions: boolean | null }): boolean | null =>
  locked.kjernejournal || locked.prescriptions;

/** What failed inside SFM is asked for again, and not taken from an answer that was partial. */
const isWhole = ({ content: { codes } }: Opened<Medication>): boolean =>
  codes.kjernejournal === answeredCode && codes.medicationList === answeredCode;

export type Parts = { source: Source; cache: SourceCache };

const readMedication = async (
  { source, cache }: Parts,
  patient: AssertedPatient,
  context: CallContext,
): Promise<Result<FoundMedication>> => {
  const question = { source: source.name, name: 'medication', patient };
  const answer = await cache.ask(question, context, (call) => getMedication(source, patient, call), { isWhole });
  if (!answer.ok) return answer;
  const { status } = answer.value;
  const { content, isOpened } = answer.value.value;
  const { bundle, codes, locked, retrieved } = content;
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
  return {
    ok: true,
    value: { ...mapped, lockedPrescriptions: anyLocked(locked), status, retrieved, dropped, isOpened },
  };
};

/** Made anew for each request: what a loader remembers is what this caller may see. One call feeds all fields. */
export const createLoaders = (parts: Parts, context: CallContext) => ({
  medication: new DataLoader<string, FoundMedication>((patientIds) =>
    Promise.all(
      patientIds.map(async (id) => {
        const patient = context.assertion.patients.find((it) => it.id === id);
        if (!patient) return notFound();
        const found = await readMedication(parts, patient, context);
        return found.ok ? found.value : toGraphQLError(found.error);
      }),
    ),
  ),
});
