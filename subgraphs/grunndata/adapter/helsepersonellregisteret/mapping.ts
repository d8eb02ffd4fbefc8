import type { CodeableConcept, Period } from '../../../_shared/fhir.ts';
import type { HumanName } from '../persontjenesten/mapping.ts';
import { dateOf, norwegianCode } from '../soap.ts';
import type { HprPerson } from './client.ts';

export type Authorization = {
  category: CodeableConcept;
  approval: CodeableConcept | null;
  specialties: CodeableConcept[];
  requisitionRights: CodeableConcept[];
  period: Period | null;
  active: boolean;
};
export type Professional = { hprNumber: string; name: HumanName | null; authorizations: Authorization[] };

type Periode = { Fra: string | null; Til: string | null } | null;
type InTime = { Gyldig: Periode; Suspensjonsperioder: { Periode: Periode }[] };

const covers = (period: Periode, now: string) =>
  period !== null && (period.Fra ?? '') <= now && (!period.Til || period.Til > now);
const inForce = ({ Gyldig, Suspensjonsperioder }: InTime, now: string) =>
  covers(Gyldig, now) && !Suspensjonsperioder.some(({ Periode: suspension }) => covers(suspension, now));

const code = (it: { OID: string | null; Verdi: string | null; Beskrivelse: string | null }) =>
  norwegianCode(it.OID, it.Verdi, it.Beskrivelse);

/** HPR -> this graph. Former authorisations are kept and say that they are not in force at `now` (ISO 8601). */
export const mapProfessional = (person: HprPerson, now: string): Professional => {
  const given = [person.Fornavn, person.Mellomnavn].filter((it) => it !== null);
  const text = [...given, person.Etternavn].filter(Boolean).join(' ');
  return {
    hprNumber: person.HPRNummer,
    name: text ? { text, given, family: person.Etternavn } : null,
    authorizations: person.Godkjenninger.map((it) => ({
      category: code(it.Helsepersonellkategori),
      approval: it.Autorisasjon && code(it.Autorisasjon),
      specialties: it.Spesialiteter.filter((one) => inForce(one, now)).map(({ Type }) => code(Type)),
      requisitionRights: it.Rekvisisjonsretter.filter((one) => inForce(one, now)).map(({ Type }) => code(Type)),
      period: it.Gyldig && { start: dateOf(it.Gyldig.Fra), end: dateOf(it.Gyldig.Til) },
      active: inForce(it, now),
    })),
  };
};
