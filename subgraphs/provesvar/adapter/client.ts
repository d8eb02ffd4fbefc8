import * as z from 'zod';
import { askOrdinaryFirst, type Opened } from '../../_shared/elevation.ts';
import type { FhirResource } from '../../_shared/fhir.ts';
import { readBy } from '../../_shared/readBy.ts';
import type { CallContext, Result, Source } from '../../_shared/source.ts';
import { type Filter, widened } from '../filter.ts';
import {
  NilarObservation,
  NilarPractitionerRole,
  NilarReport,
  type NilarResources,
  NilarServiceRequest,
  NilarSpecimen,
  nlkSystem,
} from './nilar.ts';
import { type Question, searchAll } from './search.ts';

const Resources = {
  DiagnosticReport: z.array(NilarReport),
  Observation: z.array(NilarObservation),
  Specimen: z.array(NilarSpecimen),
  ServiceRequest: z.array(NilarServiceRequest),
  PractitionerRole: z.array(NilarPractitionerRole),
} as const;

/** The resources by kind, each read by its profile. Kinds that nobody asked for are left alone. */
const readResources = (source: string, resources: readonly FhirResource[]): Result<NilarResources> => {
  const paths: string[] = [];
  const byKind = Map.groupBy(resources, ({ resourceType }) => resourceType);
  const read = <T>(kind: keyof typeof Resources, shape: z.ZodType<T[]>): T[] => {
    const unique = new Map(byKind.get(kind)?.map((resource) => [resource.id, resource]));
    const found = readBy(shape, [...unique.values()]);
    if (found.ok) return found.value;
    paths.push(...found.paths.map((path) => path.replace(/^\d+/, kind)));
    return [];
  };
  const value: NilarResources = {
    reports: read('DiagnosticReport', Resources.DiagnosticReport),
    observations: read('Observation', Resources.Observation),
    specimens: read('Specimen', Resources.Specimen),
    serviceRequests: read('ServiceRequest', Resources.ServiceRequest),
    practitionerRoles: read('PractitionerRole', Resources.PractitionerRole),
  };
  return paths.length === 0
    ? { ok: true, value }
    : { ok: false, error: { kind: 'invalid', source, paths: [...new Set(paths)].slice(0, 5) } };
};

const searchWithBasis = async (source: Source, filter: Filter, question: Question): Promise<Result<NilarResources>> => {
  const { after, before } = widened(filter);
  const from: [string, string][] = after ? [['date', `gt${after}`]] : [];
  const to: [string, string][] = before ? [['date', `lt${before}`]] : [];
  // Comma for «or» is FHIR's own; that PPS follows it is inferred [I].
  const tag: [string, string][] = filter.codes
    ? [['_tag', filter.codes.map((code) => `${nlkSystem}|${code}`).join(',')]]
    : [];
  const answers = await Promise.all([
    searchAll(
      source,
      'DiagnosticReport',
      [
        ...from,
        ...to,
        ['_include', 'DiagnosticReport:specimen'],
        ['_include', 'DiagnosticReport:based-on'],
        ['_include:iterate', 'ServiceRequest:requester'],
      ],
      question,
    ),
    // A report is dated by its oldest observation, so its other observations may be later than `to`, never before `from`.
    searchAll(source, 'Observation', [...from, ...tag], question),
    // The performers have no _include. Asked for without ids, so as not to wait for the reports [I].
    searchAll(source, 'PractitionerRole', [], question),
  ]);
  const resources: FhirResource[] = [];
  for (const answer of answers) {
    if (!answer.ok) return answer;
    resources.push(...answer.value);
  }
  const read = readResources(source.name, resources);
  if (!read.ok || !filter.codes) return read;
  // A tag finds only the top of a hierarchy. What is under it takes one call more, however deep it goes.
  if (!read.value.observations.some(({ hasMember }) => hasMember.length > 0)) return read;
  const whole = await searchAll(source, 'Observation', from, question);
  return whole.ok ? readResources(source.name, [...resources, ...whole.value]) : whole;
};

/**
 * Reports of one patient with everything that belongs to them, all pages, as PPS holds them: still to be checked for
 * other people's records, joined and filtered.
 *
 * Reports, observations and performers are searched at the same time and joined here by `nilar-diagnostic-report-ref`,
 * since a report cannot include its observations: an ordinary answer is one call deep, and at most three in all (further
 * pages; hierarchies when codes are asked for). An elevated basis is used only where the ordinary one is not enough.
 *
 * @param nationalId the number in use; that PPS finds results filed under a former one is inferred [I]
 * @returns all of it or an error, never a part
 */
export const searchReports = async (
  source: Source,
  nationalId: string,
  filter: Filter,
  context: CallContext,
): Promise<Result<Opened<NilarResources>>> =>
  askOrdinaryFirst(context.assertion.accessBasis, (basis) =>
    searchWithBasis(source, filter, { nationalId, basis, context }),
  );
