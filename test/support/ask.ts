import { randomUUID } from 'node:crypto';
import { parse } from 'graphql';
import type { AssertedPatient, Assertion } from '../../schema/assertion.ts';
import { accessBasisFor, type Caller } from '../../schema/caller.ts';
import type { Subgraph, SubgraphAnswer } from '../../schema/subgraph.ts';

/** The casualty clinic's doctor of the synthetic population. */
export const doctor = (patient: string | null): Caller => ({
  kind: 'professional',
  role: 'doctor',
  nin: '08707925079',
  name: 'Stille Elg',
  hprNumber: '9990004',
  authorization: 'LE',
  organisation: { legalEntity: '310000019', pointOfCare: '310003018' },
  attest: {
    patient,
    purpose: 'TREAT',
    purposeDetail: null,
    healthcareService: 'KA02',
    decisionRef: 'vedtak-1',
    authorization: 'LE',
  },
  clientId: 'test',
  clientName: 'Test EPJ',
});

export const citizen = (nin: string): Caller => ({
  kind: 'citizen',
  role: 'citizen',
  nin,
  name: 'Test Innbygger',
  clientId: 'test',
  clientName: 'Test portal',
});

export const patientOf = (nin: string, id = randomUUID()): AssertedPatient => ({
  id,
  nins: [nin],
  name: { given: 'STILLE', family: 'FJORDARM' },
  birthDate: '1948-03-14',
});

export const assertionFor = (patient: AssertedPatient | null, change: Partial<Assertion> = {}): Assertion => ({
  traceId: randomUUID().replaceAll('-', ''),
  eventId: randomUUID(),
  caller: doctor(patient?.nins[0] ?? null),
  patients: patient ? [patient] : [],
  categories: [],
  purpose: 'TREAT',
  accessBasis: accessBasisFor('TREAT'),
  deadline: Date.now() + 5_000,
  ...change,
});

/** Asks a subgraph as the gateway does: parsed operation, assertion, deadline. */
export const askSubgraph = (
  subgraph: Subgraph,
  query: string,
  variables: Record<string, unknown>,
  assertion: Assertion,
): Promise<SubgraphAnswer> =>
  subgraph.execute({
    document: parse(query),
    text: query,
    variables,
    assertion,
    subjectToken: null,
    signal: AbortSignal.timeout(Math.max(1, assertion.deadline - Date.now())),
  });
