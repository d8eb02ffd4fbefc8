/**
 * A synthetic person's whole history, in the sandbox's own words. Simulators turn it into what their service would say;
 * no simulator invents content of its own. Dates are ISO 8601. Everybody here is invented.
 */
export type Concept = { system?: string; code?: string; display: string };

export type SyntheticPerson = {
  /** Stable handle for tests and documentation, e.g. `vanlig-1`. */
  key: string;
  /** Kept apart from Kilde's own id on purpose: the register's UUID. */
  registerId: string;
  nationalId: string;
  /** Earlier numbers (a D-number before a fnr), oldest last. */
  formerNationalIds: string[];
  givenName: string;
  familyName: string;
  birthDate: string;
  deathDate: string | null;
  sex: 'female' | 'male';
  municipality: { code: string; name: string };
  addressProtection: 'Unclassified' | 'Confidential' | 'StrictlyConfidential';
  address: { street: string; postalCode: string; city: string } | null;
  /** Keys of persons. */
  parents: { key: string; responsibility: 'Joint' | 'Mother' | 'Father' }[];
  guardian: string | null;
  representativeBy: string[];
  generalPractitioner: {
    hprNumber: string;
    herId: number;
    since: string;
  } | null;
  /** One line in English on why this person exists. */
  point: string;

  privacy: {
    /** Opted out of: names of sources, or all of them with '*'. */
    reservations: string[];
    restrictions: {
      module: 'criticalInformation' | 'medication' | 'labReports' | 'documents';
      from?: string;
      to?: string;
      expired?: boolean;
    }[];
    /** HPR numbers that the person has blocked. */
    blockedProfessionals: string[];
    /** Citizen sees results dated after this later. */
    delayedUntil: string | null;
  };

  criticalInformation: CriticalEntry[];
  documents: SyntheticDocument[];
  labReports: SyntheticLabReport[];
  imagingReports: SyntheticImagingReport[];
  medication: SyntheticMedication[];
  /** Responsible doctor's signed list (PLL), if there is one. */
  medicationList: {
    signedAt: string;
    responsible: { hprNumber: string; name: string };
  } | null;
  services: SyntheticService[];
  news2: SyntheticNews2[];
};

type Recorded = {
  id: string;
  recorded: string;
  author: { hprNumber: string; name: string };
  organisation: { number: string; name: string };
};

export type CriticalEntry = Recorded &
  (
    | {
        kind: 'allergy';
        substance: Concept;
        category: 'medication' | 'food' | 'environment';
        reaction: Concept;
        severity: 'mild' | 'moderate' | 'severe';
        verification: 'confirmed' | 'presumed';
      }
    /** Do-not-resuscitate and other limits of treatment; `statement` is the decision in words. */
    | {
        kind: 'treatmentLimitation';
        limitation: Concept;
        statement: string;
        decided: string;
      }
    | { kind: 'implant'; device: Concept; since: string }
    | {
        kind: 'anaesthesiaComplication' | 'criticalCondition' | 'ongoingTreatment' | 'infection' | 'changedRoutine';
        condition: Concept;
        since: string | null;
        note: string | null;
      }
  );

export type SyntheticDocument = Recorded & {
  title: string;
  category: Concept;
  type: Concept;
  /** Label of code system 9603: `N`, `NORS`, `NORU`, `NORN_*`. */
  securityLabel: string;
  contentType: 'application/pdf' | 'application/xml';
  /** Plain text from which the simulator makes the file. */
  text: string;
};

export type SyntheticLabReport = Recorded & {
  status: 'final' | 'preliminary' | 'amended' | 'cancelled';
  /** Subject area, code system 8202: CLIN, MBIO, … */
  area: Concept;
  collected: string;
  specimen: Concept;
  requester: { hprNumber: string; name: string };
  results: {
    id: string;
    analysis: Concept;
    value: { number: number; unit: string; comparator?: string } | { text: string };
    referenceRange: string | null;
    /** Code system 8244: 1 above, 2 below, 3 outside. */
    deviation: '1' | '2' | '3' | null;
    comment: string | null;
    /** Ids of results under this one (a culture and its resistance pattern). */
    members?: string[];
  }[];
};

export type SyntheticImagingReport = Recorded & {
  status: 'final' | 'preliminary' | 'amended';
  examination: Concept;
  performed: string;
  conclusion: string;
};

export type SyntheticMedication = {
  /** ReseptId, a UUID. */
  prescriptionId: string;
  /** Part of the patient's medication now, as opposed to an ended course. */
  inUse: boolean;
  fest: { id: string; name: string };
  atc: Concept;
  form: Concept;
  strength: string;
  dosage: string;
  use: 'fixed' | 'course' | 'asNeeded';
  reason: string;
  /** Prescription group: A, B, C, F. */
  group: 'A' | 'B' | 'C' | 'F';
  prescribed: string;
  expires: string;
  refills: number;
  prescriber: { hprNumber: string; name: string };
  /** Code system 7408: E dispensable, U expedited, T recalled. */
  status: Concept;
  locked: boolean;
  dispenses: { dispensed: string; packages: number; pharmacy: string }[];
};

export type SyntheticService = {
  id: string;
  /** IPLOS, code system 9151. */
  type: Concept;
  status: 'active' | 'on-hold' | 'finished';
  start: string;
  end: string | null;
  /** E.g. «6 timer per uke». */
  extent: string | null;
  unit: { number: string; name: string };
  contact: { name: string; role: string; phone: string } | null;
};

export type SyntheticNews2 = {
  id: string;
  measured: string;
  respiratoryRate: number;
  oxygenSaturation: number;
  /** SpO2 scale 1, or 2 for confirmed hypercapnic failure. */
  scale: 1 | 2;
  supplementalOxygen: boolean;
  systolicBloodPressure: number;
  heartRate: number;
  consciousness: 'A' | 'C' | 'V' | 'P' | 'U';
  temperature: number;
  /** As the measuring system reported it; may be wrong, which Kilde must show. */
  reportedScore: number;
  performer: { hprNumber: string; name: string };
  unit: { number: string; name: string };
};

export type SyntheticOrganisation = {
  number: string;
  name: string;
  parent: string | null;
  municipality: string;
  herId: number;
  parentHerId: number | null;
  ediAddress: string | null;
};

export type SyntheticPractitioner = {
  hprNumber: string;
  nationalId: string;
  name: { given: string; family: string };
  /** Code system 9060. */
  category: string;
  categoryName: string;
  organisation: string;
  herId: number | null;
  validFrom: string;
  revoked: boolean;
};

/** Everybody and everything that the sandbox knows. Lookups are by national id, former ones included. */
export type Population = {
  people: readonly SyntheticPerson[];
  organisations: readonly SyntheticOrganisation[];
  practitioners: readonly SyntheticPractitioner[];
  byNationalId(nationalId: string): SyntheticPerson | undefined;
  byKey(key: string): SyntheticPerson | undefined;
  byRegisterId(id: string): SyntheticPerson | undefined;
  /** Somebody else, always the same for one person: for the fault «another patient's data». */
  somebodyElse(person: SyntheticPerson): SyntheticPerson;
};
