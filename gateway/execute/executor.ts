import type { DocumentNode, FormattedExecutionResult, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { getVariableValues } from 'graphql';
import type { LRUCache } from 'lru-cache';
import type { Assertion } from '../../schema/assertion.ts';
import { accessBasisFor } from '../../schema/caller.ts';
import type { Category } from '../../schema/categories.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import type { AccessLog } from '../audit/accessLog.ts';
import { requestError } from '../operation/errors.ts';
import { patientOf } from '../operation/patient.ts';
import type { FetchStep, Plan, Planner } from '../plan/planner.ts';
import { isPermitted, prune } from '../plan/prune.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';
import { type Decision, decide, decideAtMost } from '../policy/decide.ts';
import { type Identified, identify } from '../policy/identity.ts';
import type { PersonFacts } from '../policy/person.ts';
import { createCalls } from './calls.ts';
import { summarise } from './outcome.ts';
import type { createRoot } from './root.ts';
import { runPlan } from './run.ts';
import type { Scope } from './scope.ts';
import { shape } from './shape.ts';

/** Everything that belongs to one version of the schema. Made when it is loaded, thrown away as a whole. */
export type Generation = {
  schema: GraphQLSchema;
  facts: SchemaFacts;
  planner: Planner;
  plans: LRUCache<string, { plan: Plan; categories: ReadonlySet<Category> }>;
  root: ReturnType<typeof createRoot>;
};

export type Operation = {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  operationName: string | undefined;
  /** SHA-256 of the document; the key of what is cached for it. */
  hash: string;
  variables: Record<string, unknown>;
};

export type ExecutorOptions = {
  environment: 'sandbox' | 'production';
  subgraphs: ReadonlyMap<string, Subgraph>;
  /** The subgraph that knows who people are. */
  registers: Subgraph;
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
  registers,
  accessLog,
  now = () => new Date(),
}: ExecutorOptions) => {
  const openCalls = createCalls(subgraphs);

  const coerce = (schema: GraphQLSchema, { operation, variables }: Operation) => {
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
    if (!coerced) throw requestError('BAD_REQUEST', 'The variables do not fit the operation');
    return coerced;
  };

  const planFor = (
    { plans, planner, schema, facts }: Generation,
    { document, operation, operationName, hash }: Operation,
    isGiven: (coordinate: string) => boolean,
    decision: Decision,
  ) => {
    const vector = facts.categories
      .map((it) => (decision.categories.get(it)?.effect === 'permit' ? '1' : '0'))
      .join('');
    const key = `${hash}/${operationName ?? ''}/${vector}`;
    const known = plans.get(key);
    if (known) return known;
    const categories = new Set<Category>(); // what the operation is about, given or not: the access log says both
    const note = (coordinate: string) => {
      for (const category of facts.classesOf(coordinate).flat(2)) categories.add(category);
      return isGiven(coordinate);
    };
    const plan = planner.plan(prune(document, operation, schema, note), operationName);
    const made = { plan, categories };
    plans.set(key, made);
    return made;
  };

  return async (generation: Generation, asked: Operation, scope: Scope): Promise<FormattedExecutionResult> => {
    const { schema, facts, root } = generation;
    const variables = coerce(schema, asked);

    // 3 policy: who is it about, and what may this caller see of them
    const key = patientOf(schema, asked.document, asked.operation, variables, environment);
    const { person, sources: registerReports }: Identified = key
      ? await identify(registers, key, scope)
      : { person: null, sources: [] };
    const at = now();
    const today = at.toISOString().slice(0, 10);
    const decision = person
      ? decide(scope.caller, person, facts.categories, today)
      : decideAtMost(scope.caller, facts.categories);
    const patient = decision.mayKnow ? person : null;
    const isGiven = (coordinate: string) => isPermitted(facts, decision, coordinate);

    // 4 plan: only what is permitted
    const { plan, categories } = planFor(generation, asked, isGiven, decision);
    const steps = plan(variables);

    // 5 execute
    const calls = openCalls(scope, assertionFor(scope, patient, decision));
    const call = (step: FetchStep, stepVariables: Record<string, unknown>) =>
      step.subgraph === 'kilde'
        ? root(step, stepVariables, { caller: scope.caller, patientId: patient?.id ?? null, decision })
        : calls.call(step, stepVariables);
    const collected = await runPlan(steps, variables, call, facts.sourceOf).finally(calls.close);
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
