import type { SourceName, SourceReport } from '../../schema/sources.ts';
import type { SubgraphAnswer, SubgraphError } from '../../schema/subgraph.ts';
import type { EntityPart, FetchStep, Rewrite, Step } from '../plan/planner.ts';
import { type Brought, broughtBy } from './brought.ts';
import { type Absences, type Entity, entitiesAt, isOneOf, represent } from './entities.ts';
import { copy, type JsonObject, mergeInto } from './merge.ts';
import type { Path, PathError } from './outcome.ts';
import { restoreNames, rewriteIn, rewritePath } from './rewrite.ts';

/** Calls one subgraph; resolves also when the subgraph is down, slow or broken. */
export type CallSubgraph = (step: FetchStep, variables: Record<string, unknown>) => Promise<SubgraphAnswer>;

export type Collected = { data: JsonObject; errors: PathError[]; sources: SourceReport[] };

/** One representation, and the entities that look so to the subgraph: it is asked once and the answer given to all. */
type Asked = { representation: JsonObject; entities: Entity[] };
/** What is asked about the entities of one part, and entities that cannot be asked about. */
type Question = { asked: Asked[]; unasked: Entity[] };

const invalid: SubgraphError = {
  message: 'The source gave an answer that cannot be used',
  extensions: { code: 'SOURCE_INVALID', absence: 'SOURCE_UNAVAILABLE', retryable: false, canElevate: false },
};

/** Runs a plan: each fetch when what it needs is there, independent ones at once. Never rejects for a subgraph's failure. */
export const runPlan = async (
  plan: Step | null,
  variables: Record<string, unknown>,
  call: CallSubgraph,
  sourceOf: (coordinate: string) => SourceName | null,
): Promise<Collected> => {
  const collected: Collected = { data: Object.create(null), errors: [], sources: [] };
  const absences: Absences = new WeakMap();

  const run = async (step: Step): Promise<void> => {
    switch (step.kind) {
      case 'sequence':
        for (const it of step.steps) await run(it);
        return;
      case 'parallel':
        await Promise.all(step.steps.map(run));
        return;
      case 'fetch':
        return step.entities ? fetchEntities(step, step.entities) : fetchRoot(step);
      case 'restore':
        restoreNames(collected.data, step.names);
    }
  };

  const pick = (step: FetchStep) =>
    Object.fromEntries(step.variables.filter((name) => name in variables).map((name) => [name, variables[name]]));

  const fetchRoot = async (step: FetchStep) => {
    const targets = entitiesAt(collected.data, step.path);
    if (targets.length === 0) return;
    const { data, errors = [], sources } = await call(step, pick(step));
    collected.sources.push(...sources);
    const brought = () => broughtBy(step, null);
    if (data) for (const { object } of targets) give(object, data as JsonObject, step, step.after);
    else if (errors.length === 0) note(step, invalid, targets, [], step.after, brought());
    for (const error of errors) note(step, error, targets, error.path ?? [], step.after, brought());
  };

  const fetchEntities = async (step: FetchStep, parts: readonly EntityPart[]) => {
    const questions = parts.map((part) => ({ part, ...question(collected.data, part, absences) }));
    for (const { part, unasked } of questions) if (unasked.length > 0) markAbsent(step, part, unasked);
    if (questions.every(({ asked }) => asked.length === 0)) return;
    const given = pick(step);
    for (const { part, asked } of questions) given[part.variable] = asked.map(({ representation }) => representation);
    const { data, errors = [], sources } = await call(step, given);
    collected.sources.push(...sources);
    for (const { part, asked } of questions) {
      const found = data?.[part.key] as (JsonObject | null)[] | null | undefined;
      const isWhole = Array.isArray(found) && found.length === asked.length;
      const without: Entity[] = [];
      for (const [i, { entities }] of asked.entries()) {
        const values = isWhole ? found[i] : null;
        if (values) for (const { object } of entities) give(object, values, step, part.after);
        else without.push(...entities);
      }
      if (without.length > 0) markAbsent(step, part, without);
      if (without.length === 0 && errors.length === 0) continue;
      const everyone = asked.flatMap(({ entities }) => entities);
      const brought = broughtBy(step, part.key);
      if (!isWhole && errors.length === 0) note(step, invalid, everyone, [], part.after, brought);
      for (const error of errors) {
        const [root, index, ...rest] = error.path ?? [];
        if (root !== part.key && parts.some(({ key }) => key === root)) continue; // another part's
        const one = root === part.key && typeof index === 'number' ? asked[index] : undefined;
        note(step, error, one?.entities ?? everyone, one ? rest : [], part.after, brought);
      }
    }
  };

  const markAbsent = (step: FetchStep, part: EntityPart, entities: readonly Entity[]) => {
    const brought = broughtBy(step, part.key);
    for (const { object } of entities) {
      const keys = brought.filter((it) => isOn(object, it)).map(({ key }) => String(rewritePath([key], part.after)[0]));
      absences.set(object, new Set([...(absences.get(object) ?? []), ...keys]));
    }
  };

  const give = (object: JsonObject, values: JsonObject, { types }: FetchStep, after: readonly Rewrite[]) => {
    const came = after.length > 0 ? (copy(values) as JsonObject) : values;
    rewriteIn(came, after);
    mergeInto(object, came, types.interfaces);
  };

  /** An error belongs to the field where it arose; without a place of its own, to everything the fetch should have brought. */
  const note = (
    step: FetchStep,
    { message, extensions }: SubgraphError,
    targets: readonly Entity[],
    below: Path,
    after: readonly Rewrite[],
    brought: readonly Brought[],
  ) => {
    for (const { object, path: at } of targets) {
      const here = brought.filter((it) => isOn(object, it));
      const ends: Path[] = below.length > 0 ? [below] : here.map(({ key }) => [key]);
      const places = new Map<string, PathError>();
      for (const end of ends.length > 0 ? ends : [[]]) {
        const path = step.clientPath([...at, ...rewritePath(end, after)]);
        const coordinate = here.find(({ key }) => key === end[0])?.coordinate ?? '';
        const source = extensions.source ?? sourceOf(coordinate) ?? undefined;
        places.set(path.join('\0'), { path, message, extensions: source ? { ...extensions, source } : extensions });
      }
      collected.errors.push(...places.values());
    }
  };

  if (plan) await run(plan);
  return collected;
};

const isOn = (object: JsonObject, { types }: Brought) => !types || !object['__typename'] || isOneOf(object, types);

/** What to ask about the entities of one part: each representation once. */
const question = (data: JsonObject, { paths, requires, before }: EntityPart, absences: Absences): Question => {
  const asked = new Map<string, Asked>();
  const unasked: Entity[] = [];
  const seen = new Set<JsonObject>();
  for (const entity of paths.flatMap((path) => entitiesAt(data, path))) {
    if (seen.has(entity.object)) continue; // several paths may lead to it
    seen.add(entity.object);
    const representation = represent(entity.object, requires, absences);
    if (!representation) {
      unasked.push(entity);
      continue;
    }
    rewriteIn(representation, before);
    const sight = JSON.stringify(representation);
    const known = asked.get(sight);
    if (known) known.entities.push(entity);
    else asked.set(sight, { representation, entities: [entity] });
  }
  return { asked: [...asked.values()], unasked };
};
