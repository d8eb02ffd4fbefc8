import { answered, type RequestContext } from '../_shared/group.ts';
import { type Cursors, type PageArguments, pageOf, pageSize } from '../_shared/paging.ts';
import { conclusionOf, type Report } from './adapter/mapping.ts';
import { readFilter } from './filter.ts';
import type { Loaders } from './loaders.ts';

export type Context = RequestContext & { loaders: Loaders; cursors: Cursors };
type Patient = { id: string };
type ReportArguments = PageArguments & { from?: unknown; to?: unknown; codes?: readonly string[] | null };

/** One group of the patient's reports: filtered first, then paged. */
const reportGroup =
  (kind: Report['kind']) =>
  async ({ id }: Patient, { first, after, ...wanted }: ReportArguments, context: Context) => {
    const filter = readFilter(wanted);
    const bound = JSON.stringify([id, kind, filter]);
    pageSize(first, 20, 100); // arguments are checked before anything is asked
    if (after) context.cursors.open(after, bound);
    const patient = context.assertion.patients.find((it) => it.id === id)!; // mayRead has seen to it
    const { records, status, retrieved, dropped, isOpened } = await context.loaders.reports.load({ patient, filter });
    const reports = records.filter((report) => report.kind === kind);
    return {
      ...answered(context, 'PROVESVAR', { count: reports.length, status, retrieved, dropped, isOpened }),
      ...pageOf(
        reports,
        { first: first ?? null, after: after ?? null },
        {
          cursors: context.cursors,
          bound,
          keyOf: (report) => report.id,
        },
      ),
    };
  };

export const resolvers = {
  Patient: {
    __resolveReference: ({ id }: Patient) => ({ id }),
    labReports: reportGroup('laboratory'),
    imagingReports: reportGroup('imaging'),
  },
  ImagingReport: {
    examination: ({ results, code }: Report) => results[0]?.code ?? code,
    performed: ({ effective }: Report) => effective,
    conclusion: conclusionOf,
  },
};
