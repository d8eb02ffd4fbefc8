import { ApolloGateway } from '@apollo/gateway';
import type {
  GatewayExecutionResult,
  GatewayGraphQLRequestContext,
  GatewayInterface,
} from '@apollo/server-gateway-interface';
import { GraphQLError, type GraphQLSchema, getOperationAST, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { withoutSecurity } from '../../schema/compose.ts';
import { createCostCheck } from '../operation/cost.ts';
import { requestError } from '../operation/errors.ts';
import { limits } from '../operation/limits.ts';
import { createPlanner } from '../plan/planner.ts';
import { readFacts, type SchemaFacts } from '../plan/supergraph.ts';
import { withDefer, withoutDefer } from '../stream/defer.ts';
import { startStream } from '../stream/deliver.ts';
import { createExecutor, createSteps, type ExecutorOptions, type Generation, type Operation } from './executor.ts';
import { createRoot } from './root.ts';
import type { Scope } from './scope.ts';

process.env['APOLLO_TELEMETRY_DISABLED'] = '1'; // the package reports to its maker unless told not to; read when it is constructed

export type KildeGateway = GatewayInterface & {
  /** The schema in force; `null` before the first load. */
  schema(): GraphQLSchema | null;
  facts(): SchemaFacts;
};

export type GatewayOptions = ExecutorOptions & {
  /** With `@policy` and `@source` in it. */
  annotatedSdl: string;
  /** SDL of Kilde's own part. */
  rootSdl: string;
  /** Plans kept per schema. */
  maxPlans?: number;
};

/**
 * `ApolloGateway` for the schema's life cycle, our own executor behind its `load()`. The package plans and fetches nothing:
 * its data sources refuse to be used.
 */
export const createKildeGateway = ({
  annotatedSdl,
  rootSdl,
  maxPlans = 1_000,
  ...options
}: GatewayOptions): KildeGateway => {
  const apollo = new ApolloGateway({
    supergraphSdl: withoutSecurity(annotatedSdl),
    buildService: () => ({
      process: () => Promise.reject(new Error('Subgraphs are called by our own executor only')),
    }),
  });
  const steps = createSteps(options);
  const execute = createExecutor(options);
  const facts = readFacts(annotatedSdl);
  let generation: (Generation & { checkCost: ReturnType<typeof createCostCheck> }) | null = null;
  apollo.onSchemaLoadOrUpdate(({ apiSchema, coreSupergraphSdl }) => {
    const schema = withDefer(apiSchema);
    generation = {
      schema,
      checkCost: createCostCheck(schema, limits),
      facts,
      planner: createPlanner(coreSupergraphSdl),
      plans: new LRUCache({ max: maxPlans }),
      root: createRoot(parse(rootSdl)),
    };
  });

  const executor = async (context: GatewayGraphQLRequestContext): Promise<GatewayExecutionResult> => {
    if (!generation) throw new Error('no schema is loaded');
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

  return {
    onSchemaLoadOrUpdate: (callback) =>
      apollo.onSchemaLoadOrUpdate((loaded) =>
        callback({ ...loaded, apiSchema: generation?.schema ?? withDefer(loaded.apiSchema) }),
      ),
    load: async (loadOptions) => {
      const { schema } = await apollo.load(loadOptions);
      return { schema: generation?.schema ?? schema, executor };
    },
    stop: () => apollo.stop(),
    schema: () => generation?.schema ?? null,
    facts: () => facts,
  };
};
