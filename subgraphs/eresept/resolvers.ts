import type { GraphQLResolverMap } from '@apollo/subgraph';
import { answered, type GroupHead, type RequestContext } from '../_shared/group.ts';
import { type Cursors, type PageArguments, pageOf } from '../_shared/paging.ts';
import { positionOf } from './adapter/mapping.ts';
import type { createLoaders, FoundMedication } from './loaders.ts';

export type Context = RequestContext & { loaders: ReturnType<typeof createLoaders> };
type MedicationGroup = GroupHead & FoundMedication & { patientId: string };

/** A part that failed may have held something, so that «nothing registered» is said only when every part answered. */
const headOf = (context: RequestContext, found: FoundMedication): GroupHead => {
  const { inUse, prescriptions, dispenses, list, partial, status, retrieved, dropped, isOpened } = found;
  const listOnly = inUse?.filter(({ prescriptionId }) => prescriptionId === null).length ?? 0;
  const count = (prescriptions?.length ?? 0) + listOnly + (dispenses?.length ?? 0) + (list ? 1 : 0);
  const mayHoldMore = count === 0 && partial.length > 0;
  return answered(context, 'ERESEPT', {
    count,
    status,
    retrieved,
    dropped,
    isOpened,
    ...(mayHoldMore ? { lack: null } : {}),
  });
};

export const createResolvers = (cursors: Cursors): GraphQLResolverMap<Context> => ({
  Patient: {
    __resolveReference: ({ id }: { id: string }) => ({ id }),
    medication: async ({ id }: { id: string }, _args: unknown, context: Context): Promise<MedicationGroup> => {
      const found = await context.loaders.medication.load(id);
      return { ...headOf(context, found), ...found, patientId: id };
    },
  },
  MedicationGroup: {
    prescriptions: ({ patientId, prescriptions }: MedicationGroup, page: PageArguments) =>
      prescriptions &&
      pageOf(prescriptions, page, {
        cursors,
        bound: `${patientId}/prescriptions`,
        keyOf: positionOf,
        usual: 50,
      }),
    dispenses: ({ patientId, dispenses }: MedicationGroup, page: PageArguments) =>
      dispenses &&
      pageOf(dispenses, page, { cursors, bound: `${patientId}/dispenses`, keyOf: ({ key }) => key, usual: 50 }),
  },
});
