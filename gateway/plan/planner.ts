import { buildASTSchema, type DocumentNode, parse, print } from 'graphql';
import { conditionVariables } from '../execute/selection.ts';
import { planning } from '../metrics.ts';
import { readApolloPlan } from './apollo.ts';
import { choosePlanner, createMaker, type PlannerName, type RawPlan } from './maker.ts';
import { readNativePlan } from './native.ts';
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

/** The plan of an operation for what its `@skip` and `@include` come to. Made once, however many ask for it at once. */
export type Plan = (variables: Record<string, unknown>) => Promise<Step | null>;

export type Planner = {
  name: PlannerName;
  /**
   * Plans are made when they are first asked for and kept.
   *
   * @param budgetMs how long it may take; only a planner in a process of its own can be held to it
   * @throws GraphQLError BAD_REQUEST for a name that is kept for calls to subgraphs; LIMIT_EXCEEDED for what takes too
   * long; Error for what cannot be planned
   */
  plan(document: DocumentNode, operationName: string | undefined, budgetMs?: number): Plan;
  close(): void;
};

/** Has a plan made of the one operation in a text, here or in another process. */
export type MakePlan = (text: string, budgetMs: number) => RawPlan | Promise<RawPlan>;

/** Plans kept of one operation. With more conditions than five, some are made anew. */
const maxPlans = 32;

/** How long a planner may take for an operation that nobody has seen before. */
export const planningMs = 200;

/**
 * A planner for a supergraph without security features.
 *
 * @param make makes the plans; `close` lets go of what it needs for that
 */
export const createPlannerWith = (
  supergraphSdl: string,
  { name, make, close }: { name: PlannerName; make: MakePlan; close(): void },
): Planner => {
  const types = readTypes(buildASTSchema(parse(supergraphSdl, { noLocation: true }), { assumeValidSDL: true }));
  const read = ({ planner, node }: RawPlan, clientPath: ClientPath): Step =>
    planner === 'native' ? readNativePlan(node, types, clientPath) : readApolloPlan(node, types, clientPath);

  return {
    name,
    close,
    plan: (document, operationName, budgetMs = planningMs) => {
      const conditions = conditionVariables(document);
      const plans = new Map<string, Promise<Step | null>>();
      const planFor = async (variables: Record<string, unknown>): Promise<Step | null> => {
        const { parts, names, clientPath } = prepare(document, operationName, types.needed, variables);
        if (parts.length === 0) return null;
        const steps: Step[] = [];
        for (const part of parts) steps.push(read(await timed(make, print(part), budgetMs), clientPath));
        if (names.size > 0) steps.push({ kind: 'restore', names });
        return steps.length > 1 ? { kind: 'sequence', steps } : (steps[0] ?? null);
      };
      return (variables) => {
        const values = conditions.map((it) => Number(variables[it] === true)).join('');
        const known = plans.get(values);
        if (known) return known;
        const made = planFor(variables);
        if (plans.size < maxPlans) plans.set(values, made);
        made.catch(() => plans.delete(values)); // what failed may be asked for again
        return made;
      };
    },
  };
};

const timed: (...given: [make: MakePlan, ...Parameters<MakePlan>]) => Promise<RawPlan> = async (make, ...given) => {
  const end = planning.startTimer();
  try {
    const made = await make(...given);
    end({ outcome: 'made' });
    return made;
  } catch (error) {
    end({ outcome: 'failed' });
    throw error;
  }
};

/**
 * A planner in this process, for tests and tools: nothing bounds how long it takes.
 *
 * @param wanted else the environment decides
 * @throws Error when the planner named has no binary here, or the supergraph has a shape that it plans wrongly
 */
export const createPlanner = (supergraphSdl: string, wanted = choosePlanner()): Planner =>
  createPlannerWith(supergraphSdl, {
    name: wanted,
    make: createMaker(supergraphSdl, wanted),
    close: () => {},
  });
