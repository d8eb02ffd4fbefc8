import type { AssertedPatient } from '../../../schema/assertion.ts';
import { identifierSystem } from '../../../schema/nationalId.ts';
import type { AccessBasis } from '../../../schema/sources.ts';
import { askOrdinaryFirst, type Opened } from '../../_shared/elevation.ts';
import { FhirOperationOutcome } from '../../_shared/fhir.ts';
import type { CallContext, Result, Source, SourceAnswer, SourceError } from '../../_shared/source.ts';
import { answeredCode, privacyRefusal } from './refusals.ts';
import { MedicationAnswer, type SfmBundle } from './shapes.ts';

type Consent = 'HPAKUTT' | 'HPMOTTATTSAMTYKKE' | 'HPUNNTAK';
const consents: Record<AccessBasis, { kjernejournal: Consent; restricted: Consent | null }> = {
  UNNTAK: { kjernejournal: 'HPUNNTAK', restricted: null },
  SAMTYKKE: { kjernejournal: 'HPMOTTATTSAMTYKKE', restricted: null },
  AKUTT: { kjernejournal: 'HPAKUTT', restricted: null },
  FORHOYET_SAMTYKKE: { kjernejournal: 'HPMOTTATTSAMTYKKE', restricted: 'HPMOTTATTSAMTYKKE' },
  FORHOYET_AKUTT: { kjernejournal: 'HPAKUTT', restricted: 'HPAKUTT' },
};

/** Value type of the consent parameters. Inferred: the reference knows their values, not how they are typed (5.2). */
const consent = (name: string, value: Consent) => ({ name, valueCode: value });

/**
 * `SamtykkeLasteResepter` is never sent: no access basis covers locked prescriptions, which take a consent of their own
 * (reference 14.3). SFM says that they exist, and so does `MedicationGroup.lockedPrescriptions`.
 */
const question = ({ nins: [nin], name }: AssertedPatient, basis: AccessBasis) => {
  const { kjernejournal, restricted } = consents[basis];
  return {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'patient',
        resource: {
          resourceType: 'Patient',
          identifier: [{ system: identifierSystem(nin), value: nin }],
          ...(name ? { name: [{ family: name.family, given: [name.given] }] } : {}),
        },
      },
      consent('SamtykkeKjernejournal', kjernejournal),
      ...(restricted ? [consent('SamtykkeSperretLegemidler', restricted)] : []),
    ],
  };
};

/** A refusal of the whole call comes as an OperationOutcome with a code of SFM's in the details. */
const refusalIn = (source: Source, basis: AccessBasis, { status, text }: SourceAnswer): SourceError | null => {
  if (status < 400) return null;
  try {
    const outcome = FhirOperationOutcome.safeParse(JSON.parse(text));
    const codes = outcome.data?.issue.flatMap(({ details }) => details?.coding ?? []) ?? [];
    for (const { code } of codes) {
      const refusal = privacyRefusal(source.name, code ?? null, basis);
      if (refusal) return refusal;
    }
  } catch {
    // not the service's own words; the status code says enough
  }
  return null;
};

/** An answer whose prescriptions were had. What else failed inside SFM is in `codes`. */
export type Medication = Omit<MedicationAnswer, 'bundle' | 'retrieved'> & { bundle: SfmBundle; retrieved: string };

const getOnBasis = async (
  source: Source,
  patient: AssertedPatient,
  accessBasis: AccessBasis,
  context: CallContext,
): Promise<Result<Medication>> => {
  const answer = await source.call(
    {
      method: 'POST',
      path: 'Patient/$getMedication',
      headers: { 'content-type': 'application/fhir+json', accept: 'application/fhir+json' },
      body: JSON.stringify(question(patient, accessBasis)),
      authentication: { as: 'user', audience: 'e-helse:sfm.api', scope: 'e-helse:sfm.api/sfm.api2' },
      shape: MedicationAnswer,
      refusal: (it) => refusalIn(source, accessBasis, it),
    },
    context,
  );
  if (!answer.ok) return answer;
  const { bundle, codes, retrieved, locked } = answer.value.value;
  const fail = (error: SourceError): Result<never> => ({ ok: false, error });
  const refusal = privacyRefusal(source.name, codes.prescriptions, accessBasis);
  if (refusal) return fail(refusal);
  // Silence is no answer either: only an explicit code 0 says that Reseptformidleren was reached.
  if (codes.prescriptions === null) return fail({ kind: 'invalid', source: source.name, paths: ['RFM96Feilkode'] });
  if (codes.prescriptions !== answeredCode) return fail({ kind: 'unavailable', source: source.name, status: null });
  if (!bundle) return fail({ kind: 'invalid', source: source.name, paths: ['medication'] });
  return { ok: true, value: { bundle, codes, locked, retrieved: retrieved ?? new Date().toISOString() } };
};

/**
 * Everything SFM knows of one patient's medication, in one call: kjernejournal, Reseptformidleren's prescriptions and the
 * signed list. Kjernejournal or the list may have failed in it; without the prescriptions there is no answer. What the patient
 * has restricted takes a second call, on an elevated basis.
 *
 * @returns restricted, blocked or reserved when the patient has so decided; unavailable when Reseptformidleren failed
 * @see http://nhn.no/sfm/fhir/OperationDefinition/SFM-getMedication
 */
export const getMedication = (
  source: Source,
  patient: AssertedPatient,
  context: CallContext,
): Promise<Result<Opened<Medication>>> =>
  askOrdinaryFirst(context.assertion.accessBasis, (basis) => getOnBasis(source, patient, basis, context));
