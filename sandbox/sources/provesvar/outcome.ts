type Outcome = { resourceType: 'OperationOutcome'; issue: Record<string, unknown>[] };
export type PrivacyCode = 'Specific' | 'General' | 'Reservation';

/** An error of PPS, in its own format. `diagnostics` never repeats what was sent. */
export const operationOutcome = (code: string, diagnostics: string, severity = 'error'): Outcome => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity, code, diagnostics }],
});

const reasons: Record<PrivacyCode, string> = {
  Specific: 'Access is blocked by the patient',
  General: 'Access is restricted by the patient',
  Reservation: 'The patient has made a reservation',
};

/** What the patient has decided; severity and issue code are inferred (reference 4.4). */
export const privacyOutcome = (code: PrivacyCode): Outcome => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity: 'information',
      code: 'suppressed',
      details: { coding: [{ system: 'http://nhn.no/fhir/nilar/CodeSystem/pvk-outcome-cs', code }] },
      diagnostics: reasons[code],
    },
  ],
});

export const noHits = (): Outcome => operationOutcome('not-found', 'No hits', 'information');

/** A searchset that holds nothing but its explanation: HTTP 200, inferred (reference 1.4). */
export const outcomeSearchset = (outcome: Outcome) => ({
  resourceType: 'Bundle',
  type: 'searchset',
  total: 0,
  link: [],
  entry: [{ search: { mode: 'outcome' }, resource: outcome }],
});
