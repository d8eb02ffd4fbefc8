import * as z from 'zod';
import type { AssertedPatient } from '../../../schema/assertion.ts';
import { identifierSystem } from '../../../schema/nationalId.ts';
import type { AccessBasis } from '../../../schema/sources.ts';
import { askOrdinaryFirst, type Opened } from '../../_shared/elevation.ts';
import { FhirCodeableConcept, FhirIdentifier, FhirReference } from '../../_shared/fhir.ts';
import type { Authentication, CallContext, Result, Source } from '../../_shared/source.ts';
import { callHeaders } from './headers.ts';
import { refusalOn } from './refusals.ts';

export type FhirDocumentReference = z.infer<typeof FhirDocumentReference>;
const FhirDocumentReference = z.object({
  resourceType: z.literal('DocumentReference'),
  id: z.string(),
  contained: z.array(z.looseObject({ resourceType: z.string(), id: z.string().optional() })).default([]),
  masterIdentifier: FhirIdentifier.optional(),
  status: z.string(),
  category: z.array(FhirCodeableConcept).default([]),
  type: FhirCodeableConcept.optional(),
  subject: FhirReference.optional(),
  date: z.string().optional(),
  author: z.array(FhirReference).default([]),
  securityLabel: z.array(FhirCodeableConcept).default([]),
  content: z
    .array(
      z.object({
        attachment: z.object({
          contentType: z.string().optional(),
          creation: z.string().optional(),
          title: z.string().optional(),
          size: z.number().int().optional(),
        }),
      }),
    )
    .default([]),
});
const Searchset = z.object({
  resourceType: z.literal('Bundle'),
  link: z.array(z.object({ relation: z.string() })).default([]),
  entry: z.array(z.object({ resource: FhirDocumentReference })).default([]),
});

/**
 * One of the two list scopes, never both in one token: this one is within kjernejournalforskriften and takes an access basis.
 * Inferred: the audience, which the reference does not name.
 */
const authentication: Authentication = {
  as: 'user',
  audience: 'nhn:phr/mhd',
  scope: 'nhn:phr/mhd/read-documentreferences/kjernejournalforskriften',
};

/** Documents asked for at a time. Cursors name pages of this size, so a change makes old cursors start over. */
const pageSize = 100;

export type DocumentPage = {
  documents: FhirDocumentReference[];
  hasNext: boolean;
  /** Documents that the patient's restriction hides, of all that the search would find; `null` when the service does not say. */
  withheld: number | null;
};

/**
 * One page of the patient's current documents, newest first. The next page is asked for by its number, not by the address in
 * `link`: a token goes nowhere but to the configured service.
 *
 * @param page from 1
 */
export const searchDocuments = (
  source: Source,
  sourceSystem: string,
  patient: AssertedPatient,
  page: number,
  context: CallContext,
): Promise<Result<Opened<DocumentPage>>> => {
  const { assertion } = context;
  const [nationalId] = patient.nins;
  const body = new URLSearchParams({
    'patient.identifier': `${identifierSystem(nationalId)}|${nationalId}`,
    status: 'current',
    _count: String(pageSize),
    _page: String(page),
    _sort: '-date',
  });
  const ask = async (basis: AccessBasis): Promise<Result<DocumentPage>> => {
    const answer = await source.call(
      {
        method: 'POST',
        path: 'R4/fhir/DocumentReference/_search',
        headers: {
          accept: 'application/fhir+json; fhirVersion=4.0',
          ...callHeaders('nhn', { assertion, basis, sourceSystem }),
        },
        body,
        authentication,
        shape: Searchset,
        refusal: refusalOn(source.name, basis),
      },
      context,
    );
    if (!answer.ok) return answer;
    const { value, headers } = answer.value;
    const withheld = Number.parseInt(headers['nhn-securitylabel-nors-count'] ?? '', 10);
    return {
      ok: true,
      value: {
        documents: value.entry.map(({ resource }) => resource),
        hasNext: value.link.some(({ relation }) => relation === 'next'),
        withheld: Number.isNaN(withheld) ? null : withheld,
      },
    };
  };
  return askOrdinaryFirst(assertion.accessBasis, ask, ({ withheld }) => withheld !== null && withheld > 0);
};
