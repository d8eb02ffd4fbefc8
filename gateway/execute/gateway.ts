import { ApolloGateway } from '@apollo/gateway';
import type {
  GatewayExecutionResult,
  GatewayGraphQLRequestContext,
  GatewayInterface,
} from '@apollo/server-gateway-interface';
import { type DocumentNode, GraphQLError, type GraphQLSchema, getOperationAST } from 'graphql';
import type { Subgraph } from '../../schema/subgraph.ts';
import { log } from '../log.ts';
import { createCostCheck } from '../operation/cost.ts';
import { requestError } from '../operation/errors.ts';
import { limits } from '../operation/limits.ts';
import { hashOf, type TrustedDocuments } from '../operation/trusted.ts';
import { acceptSupergraph } from '../plan/accept.ts';
import { choosePlanner } from '../plan/maker.ts';
import { createPlannerWith, type Planner } from '../plan/planner.ts';
import { createPlanningProcess } from '../plan/planningProcess.ts';
import { createPlans } from '../plan/plans.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';
import { warmUp } from '../plan/warmUp.ts';
import { withDefer, withoutDefer } from '../stream/defer.ts';
import { startStream } from '../stream/deliver.ts';
import { documentHashOf } from '../stream/split.ts';
import { createExecutor, createSteps, type ExecutorOptions, type Generation, type Operation } from './executor.ts';
import { createRoot } from './root.ts';
import type { Scope } from './scope.ts';

process.env['APOLLO_TELEMETRY_DISABLED'] = '1'; // the package reports to its maker unless told not to; read when it is constructed

export type KildeGateway = GatewayInterface & {
  /** The schema in force; `null` before the first load. */
  schema(): GraphQLSchema | null;
  facts(): SchemaFacts;
  /**
   * Has a new supergraph take over: checked, and its plans made, before it takes traffic. Requests that have begun finish
   * on the schema that they began with.
   *
   * @returns `false` when it is the one in force
   * @throws Error with what is wrong with it; the one in force stays
   */
  update(annotatedSdl: string): Promise<boolean>;
};

export type GatewayOptions = ExecutorOptions & {
  /** With `@policy` and `@source` in it. */
  annotatedSdl: string;
  /** Kilde's own part. */
  root: DocumentNode;
  trusted: TrustedDocuments;
  /** How long planning may take for a document that nobody has vouched for. */
  planningMs: number;
};

/** Known operations are bounded by whoever published them: the budget here only ends what would never end. */
const knownPlanningMs = 10_000;

type InForce = Generation & {
  /** Of the annotated supergraph: a change in who may see a field is a change. */
  hash: string;
  supergraphSdl: string;
  planner: Planner;
  checkCost: ReturnType<typeof createCostCheck>;
  /** Known operations that this schema cannot answer. */
  unanswerable: ReadonlySet<string>;
};

/**
 * `ApolloGateway` for the schema's life cycle, our own executor behind its `load()`. The package plans and fetches nothing:
 * its data sources refuse to be used.
 */
export const createKildeGateway = ({
  annotatedSdl: first,
  root,
  trusted,
  planningMs,
  ...options
}: GatewayOptions): KildeGateway => {
  const steps = createSteps(options);
  const execute = createExecutor(options);
  /** A request knows its schema from when it was validated; a schema that has been replaced is served until none is left. */
  const generations = new WeakMap<GraphQLSchema, InForce>();
  let inForce: InForce | null = null;
  let next: InForce | null = null;
  let takeOver: ((supergraphSdl: string) => void) | null = null;

  const subgraphFor = (facts: SchemaFacts, field: string): Subgraph => {
    const subgraph = options.subgraphs.get(facts.subgraphOfQuery(field) ?? '');
    if (!subgraph) throw new Error(`a supergraph without Query.${field} was accepted`);
    return subgraph;
  };

  const prepare = async (annotatedSdl: string): Promise<InForce> => {
    const accepted = acceptSupergraph(annotatedSdl, { mounted: new Set(options.subgraphs.keys()), root });
    const { facts } = accepted;
    const schema = withDefer(accepted.schema);
    const hash = hashOf(annotatedSdl);
    const name = choosePlanner();
    const planning = createPlanningProcess(accepted.supergraphSdl, name);
    try {
      await planning.ready;
      const planner = createPlannerWith(accepted.supergraphSdl, { name, make: planning.make, close: planning.close });
      const budgetFor = (it: string) => (trusted.texts.has(documentHashOf(it)) ? knownPlanningMs : planningMs);
      const plans = createPlans({ schema, facts, planner, budgetFor });
      const grants = [...options.policy.usualGrants(facts.categories), ...(inForce?.plans.seen() ?? [])];
      const unanswerable = new Set(await warmUp({ plans, schema }, trusted.texts, grants));
      const answered = inForce?.unanswerable;
      const lost = [...unanswerable].filter((it) => answered && !answered.has(it));
      if (lost.length > 0) throw new Error(`known operations could no longer be answered: ${lost.join(', ')}`);
      if (unanswerable.size > 0)
        log.warn({ operations: [...unanswerable] }, 'known operations that do not fit the schema');
      return {
        hash,
        // The package goes by the text, which is the same when only `@policy` has changed.
        supergraphSdl: `${accepted.supergraphSdl}\n# ${hash}\n`,
        schema,
        facts,
        planner,
        plans,
        root: createRoot(root),
        registers: subgraphFor(facts, 'identify'),
        privacy: subgraphFor(facts, 'privacySettings'),
        checkCost: createCostCheck(schema, limits),
        unanswerable,
      };
    } catch (error) {
      planning.close();
      throw error;
    }
  };

  const apollo = new ApolloGateway({
    supergraphSdl: {
      initialize: async ({ update }) => {
        takeOver = update;
        next = await prepare(first);
        return { supergraphSdl: next.supergraphSdl };
      },
    },
    buildService: () => ({
      process: () => Promise.reject(new Error('Subgraphs are called by our own executor only')),
    }),
  });
  apollo.onSchemaLoadOrUpdate(() => {
    if (!next) throw new Error('a schema was loaded that nobody has prepared');
    inForce?.planner.close();
    inForce = next;
    next = null;
    generations.set(inForce.schema, inForce);
  });

  const executor = async (context: GatewayGraphQLRequestContext): Promise<GatewayExecutionResult> => {
    const generation = generations.get(context.schema);
    if (!generation) throw new Error('no such schema is loaded');
    const { document, operation, operationName, queryHash, request } = context;
    // With a gateway the server leaves these two to it.
    if (!operation)
      throw requestError('BAD_REQUEST', 'The document must hold one operation, or operationName must pick one');
    if (operation.operation !== 'query') throw requestError('BAD_REQUEST', 'The schema offers queries only');
    generation.checkCost(document, operation, request.variables ?? {});
    const whole = withoutDefer(document);
    const asked: Operation = {
      document: whole,
      operation: getOperationAST(whole, operationName) ?? operation,
      operationName: operationName ?? undefined,
      hash: queryHash,
      variables: request.variables ?? {},
    };
    const scope = context.context as Scope;
    const result =
      whole !== document && scope.takeRest
        ? await startStream(steps, generation, asked, { document, operation }, scope, scope.takeRest)
        : await execute(generation, asked, scope);
    // The server formats instances of its own error class only, and drops the path of anything else.
    const errors = result.errors?.map(
      ({ message, path, extensions }) =>
        new GraphQLError(message, { path: path ?? null, extensions: extensions ?? null }),
    );
    return { ...result, ...(errors ? { errors } : {}) } as GatewayExecutionResult;
  };

  const current = (): InForce => {
    if (!inForce) throw new Error('no schema is loaded');
    return inForce;
  };
  const update = async (annotatedSdl: string): Promise<boolean> => {
    if (!takeOver) throw new Error('no schema is loaded');
    if (hashOf(annotatedSdl) === current().hash) return false;
    const prepared = await prepare(annotatedSdl);
    try {
      next = prepared;
      takeOver(prepared.supergraphSdl);
    } catch (error) {
      prepared.planner.close();
      throw error;
    }
    return true;
  };
  let updating: Promise<unknown> = Promise.resolve();
  return {
    // Ours and not the package's own copy: plans and what else was made beforehand belong to it.
    onSchemaLoadOrUpdate: (callback) =>
      apollo.onSchemaLoadOrUpdate(({ coreSupergraphSdl }) =>
        callback({ apiSchema: current().schema, coreSupergraphSdl }),
      ),
    load: async (loadOptions) => {
      await apollo.load(loadOptions);
      return { schema: current().schema, executor };
    },
    stop: async () => {
      await apollo.stop();
      inForce?.planner.close();
    },
    schema: () => inForce?.schema ?? null,
    facts: () => current().facts,
    update: (annotatedSdl) => {
      const mine = updating.then(() => update(annotatedSdl)); // one after the other: each is compared with the one before
      updating = mine.catch(() => {});
      return mine;
    },
  };
};
