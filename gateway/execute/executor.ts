import type { FormattedExecutionResult, GraphQLSchema } from 'graphql';
import { getVariableValues } from 'graphql';
import type { Assertion } from '../../schema/assertion.ts';
import { accessBasisFor } from '../../schema/caller.ts';
import type { Category } from '../../schema/categories.ts';
import type { SourceReport } from '../../schema/sources.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import type { AccessLog } from '../audit/accessLog.ts';
import { refuseElevation } from '../operation/elevation.ts';
import { requestError } from '../operation/errors.ts';
import { patientOf } from '../operation/patient.ts';
import type { FetchStep, Step } from '../plan/planner.ts';
import type { PlannedOperation, Plans } from '../plan/plans.ts';
import { isPermitted } from '../plan/prune.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';
import type { Decision, Policy } from '../policy/decide.ts';
import { type Identified, type Identity, identify } from '../policy/identity.ts';
import type { PersonFacts } from '../policy/person.ts';
import { readSettings } from '../policy/settings.ts';
import { createCalls } from './calls.ts';
import { type Path, type PathError, type Refusal, summarise } from './outcome.ts';
import type { createRoot } from './root.ts';
import { runPlan } from './run.ts';
import type { Scope } from './scope.ts';
import { type Shaped, shape } from './shape.ts';

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

/** What a request is about and what its caller may see of it: decided once, and the same for every part of the answer. */
export type Begun = {
  scope: Scope;
  variables: Record<string, unknown>;
  /** Whether it is about a person at all, known or not. */
  isAboutPerson: boolean;
  person: PersonFacts | null;
  /** The person, when the caller may know of them. */
  patient: PersonFacts | null;
  decision: Decision;
  /** Categories that the patient has restricted and the caller's elevated basis opens. */
  opened: ReadonlySet<Category>;
  /** What the register did to say who it is. */
  reports: readonly SourceReport[];
  /** When the request began. */
  at: Date;
};

export type Planned = { steps: Step | null; categories: ReadonlySet<Category> };

const grantsOf = (decision: Decision) => (category: Category) => decision.categories.get(category)?.effect === 'permit';

/** Nobody's rule gives it, or it has no class of which a rule could speak. */
const noAccess: Refusal = { absence: 'NO_ACCESS', requires: null };

/** Why a decision does not give a field; `null` when it does. Of several classes the first that is refused says it. */
const refusalIn = (facts: SchemaFacts, decision: Decision, coordinate: string): Refusal | null => {
  if (isPermitted(facts, grantsOf(decision), coordinate)) return null;
  const isGiven = grantsOf(decision);
  const refused = facts
    .classesOf(coordinate)
    .flat(2)
    .find((category) => !isGiven(category));
  return (refused !== undefined && decision.categories.get(refused)) || noAccess;
};

/** The steps of a request in their order: patient, decision, plan, execution, audit, release (design, section 2). */
export const createSteps = ({ environment, subgraphs, policy, accessLog, now = () => new Date() }: ExecutorOptions) => {
  const openCalls = createCalls(subgraphs);

  const coerce = (schema: GraphQLSchema, { operation, variables }: Operation) => {
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 });
    if (!coerced) throw requestError('BAD_REQUEST', 'The variables do not fit the operation');
    return coerced;
  };

  /** What cannot be read is not decided on, and the look-up that failed is logged as such. */
  const settingsOf = async (privacy: Subgraph, person: Identity, scope: Scope, at: Date) => {
    try {
      return await readSettings(privacy, person.nins, scope);
    } catch (error) {
      const decision: Decision = { mayKnow: false, rule: 'settings-unavailable', categories: new Map() };
      const about = { ...person, settings: [] };
      await accessLog.write({ scope, person: about, decision, categories: new Set(), sources: [], at, failed: true });
      throw error;
    }
  };

  /** Who may not have what they ask for beyond the ordinary gets nothing at all, and the patient learns that they asked. */
  const checkElevation = async (scope: Scope, person: Identity | null, at: Date) => {
    const refused = refuseElevation(scope.caller, scope.elevation ?? null);
    if (!refused) return;
    const { rule, text } = refused;
    const decision: Decision = { mayKnow: false, rule, categories: new Map() };
    const about = person && { ...person, settings: [] };
    await accessLog.write({ scope, person: about, decision, categories: new Set(), sources: [], at });
    throw requestError('FORBIDDEN', text, 403);
  };

  const decide = (facts: SchemaFacts, person: PersonFacts, { caller, elevation }: Scope, today: string) => {
    const ordinary = policy.decide(caller, person, facts, today);
    if (!elevation?.accessBasis) return { decision: ordinary, opened: new Set<Category>() };
    const decision = policy.decide(caller, person, facts, today, elevation.accessBasis);
    const given = [...decision.categories.values()].filter(({ effect }) => effect === 'permit');
    const isRestricted = (category: Category) => ordinary.categories.get(category)?.effect === 'restricted';
    return { decision, opened: new Set(given.map(({ category }) => category).filter(isRestricted)) };
  };

  return {
    /** 3 policy: who is it about, and what may this caller see of them. */
    async begin({ schema, facts, registers, privacy }: Generation, asked: Operation, scope: Scope): Promise<Begun> {
      const variables = coerce(schema, asked);
      const key = patientOf(schema, asked.document, asked.operation, variables, environment);
      const at = now();
      const { person: found, sources }: Identified = key
        ? await identify(registers, key, scope)
        : { person: null, sources: [] };
      if (key || scope.elevation) await checkElevation(scope, found, at);
      const today = at.toISOString().slice(0, 10);
      const unset = found && { ...found, settings: [] };
      // What somebody has restricted makes nobody know of them, so who may not is told as fast as of an unknown person.
      const mayKnow = unset !== null && policy.decide(scope.caller, unset, facts, today).mayKnow;
      const person = mayKnow ? { ...unset, settings: await settingsOf(privacy, unset, scope, at) } : unset;
      const { decision, opened } = person
        ? decide(facts, person, scope, today)
        : { decision: policy.decideAtMost(scope.caller, facts), opened: new Set<Category>() };
      const patient = decision.mayKnow ? person : null;
      const reports = patient ? sources : [];
      return { scope, variables, isAboutPerson: key !== null, person, patient, decision, opened, reports, at };
    },

    /** 4 plan: only what is permitted. */
    async plan({ plans }: Generation, asked: Operation, { decision, variables }: Begun): Promise<Planned> {
      const { plan, categories } = plans.planFor(asked, grantsOf(decision));
      return { steps: await plan(variables), categories };
    },

    /** 5 execute. */
    async run(
      { schema, facts, root }: Generation,
      { document, operationName }: Operation,
      { scope, variables, patient, decision }: Begun,
      { steps }: Planned,
    ): Promise<Shaped> {
      const calls = openCalls(scope, assertionFor(scope, patient, decision));
      const call = (step: FetchStep, stepVariables: Record<string, unknown>) =>
        step.subgraph === 'kilde'
          ? root(step, stepVariables, { caller: scope.caller, patientId: patient?.id ?? null, decision })
          : calls.call(step, stepVariables);
      const collected = await runPlan(steps, variables, call, facts.sourceOf).finally(calls.close);
      const refusalOf = (coordinate: string) => refusalIn(facts, decision, coordinate);
      return shape(collected, { schema, facts, document, operationName, variables, refusalOf });
    },

    /** 6 audit: durable before anything is released, refusals too. */
    async record(
      { scope, isAboutPerson, person, decision, opened, at }: Begun,
      categories: ReadonlySet<Category>,
      sources: readonly SourceReport[],
    ): Promise<void> {
      if (isAboutPerson) await accessLog.write({ scope, person, decision, opened, categories, sources, at });
    },
  };
};

/** What is said of a person whom nobody knows, and of one whom the caller may not know of. */
export const unknownPerson = (path: Path): PathError => ({
  path,
  message: 'No such patient, or not yours to see',
  extensions: { code: 'NOT_FOUND', retryable: false },
});

/** Errors as they leave: each with the id under which the request can be found. */
export const released = (errors: readonly PathError[], { traceId }: Scope) =>
  errors.map((error) => ({ ...error, extensions: { ...error.extensions, traceId } }));

/** Runs the steps for an operation that is answered whole. */
export const createExecutor = (options: ExecutorOptions) => {
  const { begin, plan, run, record } = createSteps(options);
  return async (generation: Generation, asked: Operation, scope: Scope): Promise<FormattedExecutionResult> => {
    const begun = await begin(generation, asked, scope);
    const planned = await plan(generation, asked, begun);
    const shaped = await run(generation, asked, begun, planned);
    const sources = summarise([...begun.reports, ...shaped.sources]);
    await record(begun, planned.categories, sources);
    const isUnknown = begun.isAboutPerson && !begun.patient;
    const errors = isUnknown ? [unknownPerson(['patient']), ...shaped.errors] : shaped.errors;
    return {
      data: shaped.data,
      ...(errors.length > 0 ? { errors: released(errors, scope) } : {}),
      extensions: { kilde: { traceId: scope.traceId, sources: isUnknown ? [] : sources } },
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
    accessBasis: scope.elevation?.accessBasis ?? accessBasisFor(purpose),
    deadline: scope.deadline - shapingMs,
  };
};
