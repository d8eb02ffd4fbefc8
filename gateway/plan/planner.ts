import { buildASTSchema, type DocumentNode, parse } from 'graphql';
import { conditionVariables } from '../execute/selection.ts';
import { createApolloPlanner } from './apollo.ts';
import { createNativePlanner, loadNativePlanner } from './native.ts';
import { prepare } from './prepare.ts';
import { readTypes, type Types } from './types.ts';

/** Where in the data: the name of a member, `@` for every item of a list, or the types of which an object must be one. */
export type PathSegment = string | ReadonlySet<string>;
export type PlanPath = readonly PathSegment[];

/** A part of what a subgraph must be told of an entity. */
export type Requirement =
  | { kind: 'field'; from: string; to: string; selections: readonly Requirement[] | null }
  | { kind: 'fragment'; types: ReadonlySet<string>; selections: readonly Requirement[] };

/** A change to one member of the objects at `path`, in what a fetch sends or what it brought. */
export type Rewrite =
  | { kind: 'set'; path: PlanPath; key: string; value: string }
  | { kind: 'rename'; path: PlanPath; key: string; to: string };

/** One `_entities` field of a fetch: the entities it is about, how they are named to the subgraph, what to do with the answer. */
export type EntityPart = {
  /** Response key of the `_entities` field. */
  key: string;
  /** The variable that takes the representations. */
  variable: string;
  paths: readonly PlanPath[];
  requires: readonly Requirement[];
  /** On representations before they are sent. */
  before: readonly Rewrite[];
  /** On each entity that came. */
  after: readonly Rewrite[];
};

/** One call to one subgraph. */
export type FetchStep = {
  kind: 'fetch';
  subgraph: string;
  document: DocumentNode;
  /** The same as text, for subgraphs over HTTP. */
  text: string;
  variables: readonly string[];
  /** The objects that a fetch of root fields adds to: the whole answer, or a `Query` somewhere inside it. */
  path: PlanPath;
  /** What a fetch of root fields does with its answer. */
  after: readonly Rewrite[];
  /** Entities that earlier steps have found, for a fetch that is about them; else `null`. */
  entities: readonly EntityPart[] | null;
  types: Types;
  /** A path in the data as the client knows it: cut where it leaves what was asked for, and with the client's names. */
  clientPath: ClientPath;
};
export type ClientPath = (path: readonly (string | number)[]) => readonly (string | number)[];

/** What to do, in what order: a planner's plan in the form that `execute/` runs. */
export type Step =
  | FetchStep
  | { kind: 'sequence' | 'parallel'; steps: readonly Step[] }
  /** Gives members the names that the client gave them: name in the data -> response key. */
  | { kind: 'restore'; names: ReadonlyMap<string, string> };

/** Plans the one operation of a document that is valid and asks for something. Throws when it cannot. */
export type PlanOne = (document: DocumentNode, clientPath: ClientPath) => Step;

/** The plan of an operation for what its `@skip` and `@include` come to. */
export type Plan = (variables: Record<string, unknown>) => Step | null;

export type PlannerName = 'native' | 'apollo';
export type Planner = {
  name: PlannerName;
  /**
   * Synchronous: well under a millisecond natively for the operations of this graph, some milliseconds with Apollo's.
   * Plans are made when they are first asked for and kept.
   *
   * @throws GraphQLError BAD_REQUEST for a name that is kept for calls to subgraphs, Error for what cannot be planned
   */
  plan(document: DocumentNode, operationName: string | undefined): Plan;
};

/**
 * The native planner, and Apollo's for an operation that it gives up on: it says so (e.g. for some `@requires` of two
 * fields below an entity), and that is no reason to refuse a client. Where Apollo's would be wrong, it stays an error.
 */
const createBoth = (supergraphSdl: string, types: Types): PlanOne => {
  const native = createNativePlanner(supergraphSdl, types);
  let apollo: PlanOne | null = null; // costs some 100 ms, and most graphs never need it
  return (document, clientPath) => {
    try {
      return native(document, clientPath);
    } catch (error) {
      // Anything else it says is about the graph: what no subgraph gives, Apollo's planner would leave out in silence.
      if (!(error as Error).message.includes('failed to build fetch graph')) throw error;
      try {
        apollo ??= createApolloPlanner(supergraphSdl, types);
        return apollo(document, clientPath);
      } catch {
        throw error;
      }
    }
  };
};

/** Plans kept of one operation. With more conditions than five, some are made anew. */
const maxPlans = 32;

/** `KILDE_PLANNER` decides; without it the native planner where its binary loads, and Apollo's elsewhere. */
const choose = (wanted = process.env['KILDE_PLANNER']): PlannerName => {
  if (wanted === 'apollo' || wanted === 'native') return wanted;
  if (wanted) throw new Error('KILDE_PLANNER: must be native or apollo');
  return loadNativePlanner() ? 'native' : 'apollo';
};

/**
 * A planner for a supergraph without security features.
 *
 * @param wanted for tests; else the environment decides
 * @throws Error when the planner named has no binary here, or the supergraph has a shape that it plans wrongly
 */
export const createPlanner = (supergraphSdl: string, wanted?: PlannerName): Planner => {
  const types = readTypes(buildASTSchema(parse(supergraphSdl, { noLocation: true }), { assumeValidSDL: true }));
  const name = choose(wanted);
  const planOne = { native: createBoth, apollo: createApolloPlanner }[name](supergraphSdl, types);
  return {
    name,
    plan: (document, operationName) => {
      const conditions = conditionVariables(document);
      const plans = new Map<string, Step | null>();
      return (variables) => {
        const values = conditions.map((it) => Number(variables[it] === true)).join('');
        const known = plans.get(values);
        if (known !== undefined) return known;
        const { parts, names, clientPath } = prepare(document, operationName, types.needed, variables);
        const steps = parts.map((part) => planOne(part, clientPath));
        if (names.size > 0 && steps.length > 0) steps.push({ kind: 'restore', names });
        const plan: Step | null = steps.length > 1 ? { kind: 'sequence', steps } : (steps[0] ?? null);
        if (plans.size < maxPlans) plans.set(values, plan);
        return plan;
      };
    },
  };
};
