import { type ApolloNode, createApolloPlanner } from './apollo.ts';
import { createNativePlanner, loadNativePlanner, type NativeNode } from './native.ts';

export type PlannerName = 'native' | 'apollo';

/** What a planner said, as it said it: plain data, which may come from another process. */
export type RawPlan = { planner: 'native'; node: NativeNode } | { planner: 'apollo'; node: ApolloNode };

/** Plans the one operation in a text that is valid and asks for something. Throws when it cannot. */
export type Maker = (text: string) => RawPlan;

/** `KILDE_PLANNER` decides; without it the native planner where its binary loads, and Apollo's elsewhere. */
export const choosePlanner = (wanted = process.env['KILDE_PLANNER']): PlannerName => {
  if (wanted === 'apollo' || wanted === 'native') return wanted;
  if (wanted) throw new Error('KILDE_PLANNER: must be native or apollo');
  return loadNativePlanner() ? 'native' : 'apollo';
};

const createApollo = (supergraphSdl: string): Maker => {
  const plan = createApolloPlanner(supergraphSdl);
  return (text) => ({ planner: 'apollo', node: plan(text) });
};

/**
 * The native planner, and Apollo's for an operation that it gives up on: it says so (e.g. for some `@requires` of two
 * fields below an entity), and that is no reason to refuse a client. Where Apollo's would be wrong, it stays an error.
 */
const createBoth = (supergraphSdl: string): Maker => {
  const native = createNativePlanner(supergraphSdl);
  let apollo: Maker | null = null; // costs some 100 ms, and most graphs never need it
  return (text) => {
    try {
      return { planner: 'native', node: native(text) };
    } catch (error) {
      // Anything else it says is about the graph: what no subgraph gives, Apollo's planner would leave out in silence.
      if (!(error as Error).message.includes('failed to build fetch graph')) throw error;
      try {
        apollo ??= createApollo(supergraphSdl);
        return apollo(text);
      } catch {
        throw error;
      }
    }
  };
};

/** @throws Error when the planner named has no binary here, or the supergraph has a shape that it plans wrongly */
export const createMaker = (supergraphSdl: string, planner: PlannerName): Maker =>
  ({ native: createBoth, apollo: createApollo })[planner](supergraphSdl);
