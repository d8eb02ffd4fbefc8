import DataLoader from 'dataloader';
import type { AssertedPatient } from '../../schema/assertion.ts';
import { admits, parseNationalId } from '../../schema/nationalId.ts';
import type { SourceCache } from '../_shared/cache/cache.ts';
import type { Common } from '../_shared/environment.ts';
import { type Found, given, ownOnly, type RequestContext } from '../_shared/group.ts';
import type { Source } from '../_shared/source.ts';
import { searchReports } from './adapter/client.ts';
import { mapReports, type Report } from './adapter/mapping.ts';
import { type NilarResources, subjectOf } from './adapter/nilar.ts';
import { type Filter, isWithin } from './filter.ts';

/** Whose reports, a patient of the assertion's, and which. */
export type Question = { patient: AssertedPatient; filter: Filter };
type FoundReports = Found<Report> & { isOpened: boolean };
export type Parts = { source: Source; cache: SourceCache; environment: Common['environment'] };

/** Everything that names a subject is checked, down to the specimens. */
const ownResources = (source: string, all: NilarResources, nins: readonly string[]) => {
  const own = <T extends NilarResources['reports' | 'observations' | 'specimens' | 'serviceRequests'][number]>(
    records: readonly T[],
  ) => given(ownOnly(source, records, subjectOf, nins));
  const reports = own(all.reports);
  const observations = own(all.observations);
  const specimens = own(all.specimens);
  const serviceRequests = own(all.serviceRequests);
  const resources: NilarResources = {
    reports: reports.own,
    observations: observations.own,
    specimens: specimens.own,
    serviceRequests: serviceRequests.own,
    practitionerRoles: all.practitionerRoles,
  };
  return {
    resources,
    dropped: reports.dropped + observations.dropped + specimens.dropped + serviceRequests.dropped,
  };
};

/**
 * Made anew for each request: what a loader remembers is what this caller may see. Laboratory and imaging come from the
 * same answer, which PPS cannot be asked to split: asking for both with the same dates costs no more than asking for one.
 */
export const createLoaders = ({ source, cache, environment }: Parts, context: RequestContext) => {
  const load = async ({ patient, filter }: Question): Promise<FoundReports> => {
    const { nins } = patient;
    const nationalId = parseNationalId(nins[0]);
    if (!nationalId || !admits(environment, nationalId))
      throw new Error('national id of another environment than this');
    const question = { source: source.name, name: 'reports', parameters: filter, patient };
    const answer = given(await cache.ask(question, context, (call) => searchReports(source, nins[0], filter, call)));
    const { status, asOf: retrieved } = answer;
    const { content, isOpened } = answer.value;
    const { resources, dropped } = ownResources(source.name, content, nins);
    const records = mapReports(resources, filter.codes, retrieved).filter(({ effective, issued }) =>
      isWithin(effective ?? issued, filter),
    );
    return { records, status, retrieved, dropped, isOpened };
  };
  return {
    reports: new DataLoader<Question, FoundReports, string>(
      (questions) => Promise.all(questions.map((question) => load(question).catch((error: Error) => error))),
      { cacheKeyFn: ({ patient, filter }) => JSON.stringify([patient.id, filter]) },
    ),
  };
};
export type Loaders = ReturnType<typeof createLoaders>;
