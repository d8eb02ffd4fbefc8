import DataLoader from 'dataloader';
import { admits, parseNationalId } from '../../schema/nationalId.ts';
import type { Common } from '../_shared/environment.ts';
import { type Found, given, ownOnly, type RequestContext } from '../_shared/group.ts';
import type { Source } from '../_shared/source.ts';
import { searchReports } from './adapter/client.ts';
import { mapReports, type Report } from './adapter/mapping.ts';
import { type NilarResources, subjectOf } from './adapter/nilar.ts';
import { type Filter, isWithin } from './filter.ts';

/** Whose reports: a patient of the assertion, by all the numbers that the person has had. */
export type Question = { patientId: string; nins: readonly [string, ...string[]]; filter: Filter };

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
export const createLoaders = (source: Source, environment: Common['environment'], context: RequestContext) => {
  const load = async ({ nins, filter }: Question): Promise<Found<Report>> => {
    const nationalId = parseNationalId(nins[0]);
    if (!nationalId || !admits(environment, nationalId))
      throw new Error('national id of another environment than this');
    const all = given(await searchReports(source, nins[0], filter, context));
    const retrieved = new Date().toISOString();
    const { resources, dropped } = ownResources(source.name, all, nins);
    const records = mapReports(resources, filter.codes, retrieved).filter(({ effective, issued }) =>
      isWithin(effective ?? issued, filter),
    );
    return { records, retrieved, dropped };
  };
  return {
    reports: new DataLoader<Question, Found<Report>, string>(
      (questions) => Promise.all(questions.map((question) => load(question).catch((error: Error) => error))),
      { cacheKeyFn: ({ patientId, filter }) => JSON.stringify([patientId, filter]) },
    ),
  };
};
export type Loaders = ReturnType<typeof createLoaders>;
