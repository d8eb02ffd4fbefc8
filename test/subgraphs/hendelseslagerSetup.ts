import { randomUUID } from 'node:crypto';
import type { AssertedPatient, Assertion } from '../../schema/assertion.ts';
import type { Caller } from '../../schema/caller.ts';
import { identifierSystem } from '../../schema/nationalId.ts';
import type { RouteAnswer, Subgraph } from '../../schema/subgraph.ts';
import hendelseslager from '../../subgraphs/hendelseslager/subgraph.ts';
import { askSubgraph, assertionFor } from '../support/ask.ts';

export const testdal = '310000019';
export const nordvik = '310004014';
export const gpOffice = '310005010';
export const fjordarm = '14834841291';
export const granskog = '02915631153';

export const environment = (url: string): Record<string, string> => ({
  KILDE_ENVIRONMENT: 'sandbox',
  KILDE_KEY: Buffer.alloc(32, 7).toString('base64'),
  DATABASE_URL: url,
  HENDELSESLAGER_MUNICIPALITIES: `${testdal},${nordvik}`,
  HENDELSESLAGER_AGREEMENTS: `${gpOffice}:${testdal}`,
});

export const systemOf = (legalEntity: string): Caller => ({
  kind: 'system',
  role: 'system',
  organisation: { legalEntity, pointOfCare: null },
  clientId: 'fagsystem-1',
  clientName: 'Fagsystem',
});

/** `POST /events` (or `GET …/status` with `id`) as the gateway hands it to the subgraph. */
export const callRoute = (
  subgraph: Subgraph,
  request: {
    body?: unknown;
    type?: string;
    id?: string;
    caller?: Caller;
    signal?: AbortSignal;
  },
): Promise<RouteAnswer> => {
  const [ingest, status] = hendelseslager.routes;
  const { body = '', type = 'application/cloudevents+json', id, caller = systemOf(testdal) } = request;
  return subgraph.handle({
    route: id === undefined ? ingest! : status!,
    params: id === undefined ? {} : { id },
    query: {},
    headers: { 'content-type': type },
    body: Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    caller,
    traceId: '0'.repeat(32),
    signal: request.signal ?? AbortSignal.timeout(10_000),
  });
};

export const subject = (nationalId: string) => ({
  identifier: { system: identifierSystem(nationalId), value: nationalId },
});

type Json = Record<string, unknown>;
/** A FHIR message like the reference's, about a service at home. */
export const serviceMessage = (
  nationalId: string,
  { episode = {}, bundle = {} }: { episode?: Json; bundle?: Json } = {},
): Json => ({
  resourceType: 'Bundle',
  type: 'message',
  identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${randomUUID()}` },
  timestamp: '2026-03-05T09:30:00+01:00',
  entry: [
    {
      fullUrl: 'urn:uuid:77777777-7777-4777-8777-777777777777',
      resource: {
        resourceType: 'MessageHeader',
        eventCoding: { system: 'urn:demo:hendelsestype', code: 'tjeneste-startet' },
        source: { name: 'DemoEPJ', endpoint: 'urn:oid:2.16.578.1.12.4.1.2.8999901' },
      },
    },
    {
      fullUrl: 'urn:uuid:88888888-8888-4888-8888-888888888888',
      resource: {
        resourceType: 'EpisodeOfCare',
        id: 'tjeneste-1',
        status: 'active',
        type: [{ coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9151', code: '15' }] }],
        patient: subject(nationalId),
        managingOrganization: {
          identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', value: '319988777' },
          display: 'Eksempelvik hjemmetjeneste sone nord',
        },
        period: { start: '2026-03-05' },
        ...episode,
      },
    },
  ],
  ...bundle,
});

/** A domain event about somebody; `change` goes over its attributes. */
export const cloudEvent = (nationalId: string, change: Json = {}): Json => ({
  specversion: '1.0',
  id: randomUUID(),
  source: 'urn:test',
  type: 'no.test.legemiddel.utdelt.v1',
  time: '2026-03-05T08:00:00+01:00',
  datacontenttype: 'application/fhir+json',
  data: {
    resourceType: 'MedicationAdministration',
    status: 'completed',
    subject: subject(nationalId),
    effectiveDateTime: '2026-03-05T08:00:00+01:00',
  },
  ...change,
});

export const asking = (
  subgraph: Subgraph,
  patient: AssertedPatient,
  fields: string,
  change: Partial<Assertion> = {},
  variables: Json = {},
) =>
  askSubgraph(
    subgraph,
    `query ($representations: [_Any!]!, $after: String) { _entities(representations: $representations) { ... on Patient { ${fields} } } }`,
    { representations: [{ __typename: 'Patient', id: patient.id }], ...variables },
    assertionFor(patient, { categories: ['municipalServices', 'measurements', 'events'], ...change }),
  );

// biome-ignore lint/suspicious/noExplicitAny: an answer of the query just written, read by path
export const patientIn = (answer: { data?: Json | null }): any => (answer.data as any)?._entities?.[0];
