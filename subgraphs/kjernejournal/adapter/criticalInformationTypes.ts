/**
 * What of FHIR holds which critical information. The reference (2.3) names AllergyIntolerance and Condition and says that the rest
 * follow the pattern; types, statuses and numbers of the rest are those of the profiles KjConsent, KjDeviceUseStatement,
 * KjProcedure and KjFlag, as published for kjernejournal. Inferred, all of it here: that each is read at `/<resource type>`, and
 * the system under which the numbers of {@link kindsOfCriticalInformation} travel.
 */
export const criticalInformationTypes = {
  Consent: { holds: 'treatment limitations', withdrawn: ['inactive', 'entered-in-error'] },
  AllergyIntolerance: { holds: 'allergies', withdrawn: ['refuted', 'entered-in-error'] },
  DeviceUseStatement: { holds: 'mechanical implants', withdrawn: ['completed', 'entered-in-error'] },
  Condition: {
    holds: 'transplants, serious conditions, anaesthesia complications, infections',
    withdrawn: ['refuted', 'entered-in-error'],
  },
  Procedure: { holds: 'ongoing treatment', withdrawn: ['completed', 'entered-in-error'] },
  Flag: { holds: 'changed routines', withdrawn: ['inactive', 'entered-in-error'] },
} as const satisfies Record<string, { holds: string; withdrawn: readonly string[] }>;

export type CriticalInformationType = keyof typeof criticalInformationTypes;

export const kindSystem = 'http://nhn.no/kj/fhir/CodeSystem/TypeOfCriticalInformation';

/** Numbers of kinds, as they stand in `category`. */
export const kindsOfCriticalInformation = {
  intubationProblem: { code: '3', display: 'Intubasjonsproblem' },
  otherProblemWithAnaesthesia: { code: '4', display: 'Annet problem ved anestesi' },
  criticalMedicalCondition: { code: '5', display: 'Kritisk medisinsk tilstand' },
  ongoingTreatment: { code: '6', display: 'Pågående behandling' },
  implant: { code: '7', display: 'Implantat' },
  limitedLifeProlongingTreatment: { code: '8', display: 'Avgrensning av livsforlengende behandling' },
  changedRoutine: { code: '9', display: 'Annen prosedyreendring' },
  infection: { code: '10', display: 'Smitte' },
  treatmentClarification: { code: '11', display: 'HLR-minus og behandlingsavklaringer' },
} as const;
