import type { FormattedExecutionResult, GraphQLSchema } from 'graphql';
import { getVariableValues } from 'graphql';
import type { Assertion } from '../../schema/assertion.ts';
import { accessBasisFor } from '../../schema/caller.ts';
import type { Category } from '../../schema/categories.ts';
import type { Subgraph, SubgraphAnswer } from '../../schema/subgraph.ts';
import type { AccessLog } from '../audit/accessLog.ts';
import { log } from '../log.ts';
import { requestError } from '../operation/errors.ts';
import { patientOf } from '../operation/patient.ts';
import type { FetchStep } from '../plan/planner.ts';
import type { PlannedOperation, Plans } from '../plan/plans.ts';
import { isPermitted } from '../plan/prune.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';
import type { Decision, Policy } from '../policy/decide.ts';
import { type Identified, identify } from '../policy/identity.ts';
import type { PersonFacts } from '../policy/person.ts';
import { readSettings } from '../policy/settings.ts';
import { summarise } from './outcome.ts';
import type { createRoot } from './root.ts';
import { runPlan } from './run.ts';
import type { Scope } from './scope.ts';
import { shape } from './shape.ts';

/** Everything that belongs to one version of the schema. Made when it is loaded, thrown away as a whole. */
export type Generation = {
  schema: GraphQLSchema;
  facts: SchemaFacts;
  plans: Plans;
  root: ReturnType<typeof createRoot>;
  /** The subgraph that knows who people are. */
  registers: Subgraph;
  /** The subgraph that knows what people have restricted. */
  privacy: Subgraph;
};

export type Operation = PlannedOperation & { operationName: string | undefined; variables: Record<string, unknown> };

export type ExecutorOptions = {
  environment: 'sandbox' | 'production';
  subgraphs: ReadonlyMap<string, Subgraph>;
  policy: Policy;
  accessLog: AccessLog;
  now?: () => Date;
};

/** How long before the deadline subgraphs must be done, so that their own words about what is missing still arrive. */
const shapingMs = 150;

const unknownPerson = {
  message: 'No such patient, or not yours to see',
  path: ['patient'],
  extensions: { code: 'NOT_FOUND', retryable: false },
};

/** The steps of a request in their order: patient, decision, plan, execution, audit, release (design, section 2). */
export const createExecutor = ({
  environment,
  subgraphs,
  policy,
  accessLog,
  now = () => new Date(),
}: ExecutorOptions) => {
  const coerce = (schema: GraphQLSchema, { operation, variables }: Operation) => {
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
    if (!coerced) throw requestError('BAD_REQUEST', 'The variables do not fit the operation');
    return coerced;
  };

  return async (generation: Generation, asked: Operation, scope: Scope): Promise<FormattedExecutionResult> => {
    const { schema, facts, plans, root, registers, privacy } = generation;
    const variables = coerce(schema, asked);

    // 3 policy: who is it about, and what may this caller see of them
    const key = patientOf(schema, asked.document, asked.operation, variables, environment);
    const { person: found, sources: registerReports }: Identified = key
      ? await identify(registers, key, scope)
      : { person: null, sources: [] };
    const person = found && { ...found, settings: await readSettings(privacy, found.nins, scope) };
    const at = now();
    const today = at.toISOString().slice(0, 10);
    const decision = person
      ? policy.decide(scope.caller, person, facts, today)
      : policy.decideAtMost(scope.caller, facts);
    const patient = decision.mayKnow ? person : null;
    const grants = (category: Category) => decision.categories.get(category)?.effect === 'permit';
    const isGiven = (coordinate: string) => isPermitted(facts, grants, coordinate);

    // 4 plan: only what is permitted
    const { plan, categories } = plans.planFor(asked, grants);
    const steps = await plan(variables);

    // 5 execute
    const assertion = assertionFor(scope, patient, decision);
    const call = (step: FetchStep, stepVariables: Record<string, unknown>) =>
      step.subgraph === 'kilde'
        ? root(step, stepVariables, { caller: scope.caller, patientId: patient?.id ?? null, decision })
        : callSubgraph(subgraphs.get(step.subgraph), step, stepVariables, assertion, scope);
    const collected = await runPlan(steps, variables, call, facts.sourceOf);
    const shaped = shape(collected, {
      schema,
      facts,
      document: asked.document,
      operationName: asked.operationName,
      variables,
      isGiven,
    });
    const sources = summarise([...(patient ? registerReports : []), ...shaped.sources]);

    // 6 audit: durable before anything is released, refusals too
    if (key) await accessLog.write({ scope, person, decision, categories, sources, at });

    const errors = key && !patient ? [unknownPerson, ...shaped.errors] : shaped.errors;
    return {
      data: shaped.data,
      ...(errors.length > 0
        ? { errors: errors.map((error) => ({ ...error, extensions: { ...error.extensions, traceId: scope.traceId } })) }
        : {}),
      extensions: { kilde: { traceId: scope.traceId, sources: key && !patient ? [] : sources } },
    };
  };
};

const assertionFor = (scope: Scope, patient: PersonFacts | null, decision: Decision): Assertion => {
  const purpose = scope.caller.kind === 'professional' ? (scope.caller.attest?.purpose ?? null) : null;
  return {
    traceId: scope.traceId,
    eventId: scope.eventId,
    caller: scope.caller,
    patients: patient ? [{ id: patient.id, nins: patient.nins, name: patient.name, birthDate: patient.birthDate }] : [],
    categories: [...decision.categories.values()]
      .filter(({ effect }) => effect === 'permit')
      .map(({ category }) => category),
    purpose,
    accessBasis: accessBasisFor(purpose),
    deadline: scope.deadline - shapingMs,
  };
};

const failure = (timedOut: boolean): SubgraphAnswer => ({
  data: null,
  errors: [
    {
      message: timedOut ? 'The source did not answer in time' : 'The source is not available',
      extensions: { code: 'SOURCE_UNAVAILABLE', absence: 'SOURCE_UNAVAILABLE', retryable: true, canElevate: false },
    },
  ],
  sources: [],
});

/** Asks a subgraph and waits no longer than the deadline, whatever it does. Its failure is an answer like any other. */
const callSubgraph = async (
  subgraph: Subgraph | undefined,
  { subgraph: name, document, text }: FetchStep,
  variables: Record<string, unknown>,
  assertion: Assertion,
  scope: Scope,
): Promise<SubgraphAnswer> => {
  const toSources = AbortSignal.any([scope.signal, AbortSignal.timeout(Math.max(1, assertion.deadline - Date.now()))]);
  const late = new Promise<'late'>((resolve) => {
    const left = setTimeout(() => resolve('late'), Math.max(1, scope.deadline - Date.now()));
    left.unref();
    scope.signal.addEventListener('abort', () => resolve('late'), { once: true });
  });
  try {
    if (!subgraph) throw new Error(`the plan names ${name}, which does not run`);
    const answer = await Promise.race([
      subgraph.execute({ document, text, variables, assertion, subjectToken: scope.token, signal: toSources }),
      late,
    ]);
    return answer === 'late' ? failure(true) : answer;
  } catch (error) {
    log.error({ subgraph: name, traceId: scope.traceId, error: (error as Error).name }, 'subgraph failed');
    return failure(false);
  }
};
