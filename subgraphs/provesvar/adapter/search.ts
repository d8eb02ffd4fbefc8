import * as z from 'zod';
import type { AccessBasis } from '../../../schema/sources.ts';
import { FhirBundle, FhirOperationOutcome, type FhirResource } from '../../_shared/fhir.ts';
import type { Authentication, CallContext, Result, Source, SourceAnswer, SourceError } from '../../_shared/source.ts';
import { readOutcome } from './outcome.ts';

const Answer = z.discriminatedUnion('resourceType', [FhirBundle, FhirOperationOutcome]);
type Answer = z.infer<typeof Answer>;

const authentication: Authentication = { as: 'user', audience: 'nhn:pps', scope: 'nhn:pps/provesvar-read' };

/** Whose results, on which basis, on whose behalf. */
export type Question = { nationalId: string; basis: AccessBasis; context: CallContext };

/** Asked for in one call; the service may give fewer, as its own limit is not documented. */
const pageSize = { DiagnosticReport: 100, Observation: 500, PractitionerRole: 500 } as const;
export type Searched = keyof typeof pageSize;
/** Above this a total is taken for an error of the source, not for a very ill patient. */
const mostPages = 60;

const headersFor = ({ nationalId, basis, context: { assertion } }: Question): Record<string, string> => {
  const { caller, eventId } = assertion;
  const role = caller.kind === 'professional' ? caller.authorization : null; // citizens have none, nor has a case worker
  return {
    accept: 'application/fhir+json',
    'person-id': nationalId,
    'access-basis': basis,
    ...(role ? { 'requester-hpr-role': role } : {}),
    'x-correlation-id': eventId,
  };
};

/** An answer other than 2xx. A 400 is about our request, so it neither counts against the source nor is sent again. */
const refusalFor =
  (source: string, basis: AccessBasis) =>
  ({ status, text }: SourceAnswer): SourceError | null => {
    if (status < 400 || status > 499) return null;
    const outcome = FhirOperationOutcome.safeParse(parsed(text));
    const privacy = outcome.success ? readOutcome(source, outcome.data, basis) : null;
    if (privacy && privacy.kind !== 'invalid') return privacy;
    return status === 400 ? { kind: 'invalid', source, paths: ['request'] } : null;
  };
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** An outcome that is none: an error of the source. */
const unreadable: z.infer<typeof FhirOperationOutcome> = {
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code: 'structure' }],
};

/** What patients have decided comes inside a 200 as well, alone or as an entry of the searchset. */
const withheld = (source: string, answer: Answer, basis: AccessBasis): SourceError | null => {
  const outcomes =
    answer.resourceType === 'OperationOutcome'
      ? [answer]
      : answer.entry
          .filter(({ resource }) => resource.resourceType === 'OperationOutcome')
          .map(({ resource }) => FhirOperationOutcome.safeParse(resource).data ?? unreadable);
  if (outcomes.length === 0) return null;
  const error = outcomes.map((outcome) => readOutcome(source, outcome, basis)).find((it) => it !== null);
  if (error) return error;
  const noHits = outcomes.some(({ issue }) => issue.some(({ code }) => code === 'not-found'));
  const saysNothing = answer.resourceType === 'OperationOutcome' && !noHits;
  return saysNothing ? { kind: 'invalid', source, paths: ['issue'] } : null;
};

type Page = { total: number; hits: FhirResource[]; included: FhirResource[] };

const searchPage = async (
  source: Source,
  searched: Searched,
  parameters: readonly [string, string][],
  skip: number,
  question: Question,
): Promise<Result<Page>> => {
  const paging: [string, string][] = [
    ['_count', String(pageSize[searched])],
    ['_skip', String(skip)],
  ];
  const answer = await source.call(
    {
      method: 'POST', // the only way PPS can be searched; and what is in a URL ends up in logs
      path: `${searched}/_search`,
      headers: headersFor(question),
      body: new URLSearchParams([...parameters, ...paging]),
      authentication,
      shape: Answer,
      refusal: refusalFor(source.name, question.basis),
    },
    question.context,
  );
  if (!answer.ok) return answer;
  const { value } = answer.value;
  const error = withheld(source.name, value, question.basis);
  if (error) return { ok: false, error };
  if (value.resourceType === 'OperationOutcome') return { ok: true, value: { total: 0, hits: [], included: [] } };
  const resources = value.entry.map(({ resource }) => resource);
  const hits = resources.filter(({ resourceType }) => resourceType === searched);
  if (value.total === undefined && value.link.some(({ relation }) => relation === 'next'))
    return { ok: false, error: { kind: 'invalid', source: source.name, paths: ['total'] } };
  const included = resources.filter(({ resourceType }) => resourceType !== searched);
  return { ok: true, value: { total: value.total ?? hits.length, hits, included } };
};

/**
 * All hits of one search and what they include. The first page tells the exact total, so that the others are asked for
 * at the same time instead of one after the other through `link next`: two calls deep, whatever the number of hits.
 */
export const searchAll = async (
  source: Source,
  searched: Searched,
  parameters: readonly [string, string][],
  question: Question,
): Promise<Result<FhirResource[]>> => {
  const incomplete: Result<never> = { ok: false, error: { kind: 'invalid', source: source.name, paths: ['total'] } };
  const first = await searchPage(source, searched, parameters, 0, question);
  if (!first.ok) return first;
  const { total, hits } = first.value;
  const pages = [first.value];
  if (hits.length < total) {
    const count = Math.ceil(total / hits.length); // infinite when a total comes with no hit at all
    if (count > mostPages) return incomplete;
    const rest = await Promise.all(
      Array.from({ length: count - 1 }, (_, page) =>
        searchPage(source, searched, parameters, (page + 1) * hits.length, question),
      ),
    );
    for (const page of rest) {
      if (!page.ok) return page;
      pages.push(page.value);
    }
  }
  const found = new Map(pages.flatMap((page) => page.hits).map((hit) => [hit.id, hit]));
  if (found.size < total) return incomplete; // never a part passed off as the whole
  return { ok: true, value: [...found.values(), ...pages.flatMap(({ included }) => included)] };
};
