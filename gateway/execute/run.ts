import type { SourceName, SourceReport } from '../../schema/sources.ts';
import type { SubgraphAnswer, SubgraphError } from '../../schema/subgraph.ts';
import type { EntityPart, FetchStep, PlanPath, Rewrite, Step } from '../plan/planner.ts';
import { type Brought, broughtBy } from './brought.ts';
import { type Absences, type Entity, entitiesAt, isOneOf, pathOf, representBy } from './entities.ts';
import { copy, type JsonObject, mergeInto } from './merge.ts';
import type { Path, PathError } from './outcome.ts';
import { restoreNames, rewriteIn, rewritePath } from './rewrite.ts';

/**
 * Calls one subgraph; resolves also when the subgraph is down, slow or broken. What it answers belongs to whoever called: it
 * becomes part of the data, and is changed there.
 */
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
  const collected: Collected = { data: {}, errors: [], sources: [] };
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

  const pick = (step: FetchStep) => {
    const given: Record<string, unknown> = {};
    for (const name of step.variables) if (Object.hasOwn(variables, name)) given[name] = variables[name];
    return given;
  };

  const fetchRoot = async (step: FetchStep) => {
    const targets = entitiesAt(collected.data, step.path);
    if (targets.length === 0) return;
    const { data, errors = [], sources } = await call(step, pick(step));
    collected.sources.push(...sources);
    const brought = () => broughtBy(step, null);
    if (data) give(targets, data as JsonObject, step, step.after);
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
        if (values) give(entities, values, step, part.after);
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

  /** Each target gets what came for itself: nothing in the data is in two places. */
  const give = (targets: readonly Entity[], came: JsonObject, { types }: FetchStep, after: readonly Rewrite[]) => {
    if (after.length > 0) rewriteIn(came, after);
    for (const [i, { object }] of targets.entries()) {
      const own = i + 1 < targets.length ? (copy(came) as JsonObject) : came;
      mergeInto(object, own, types.interfaces);
    }
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
    for (const { object, place } of targets) {
      const here = brought.filter((it) => isOn(object, it));
      const ends: Path[] = below.length > 0 ? [below] : here.map(({ key }) => [key]);
      const places = new Map<string, PathError>();
      for (const end of ends.length > 0 ? ends : [[]]) {
        const path = step.clientPath([...pathOf(place), ...rewritePath(end, after)]);
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
  const represent = representBy(requires);
  const unasked: Entity[] = [];
  const asked: Asked[] = [];
  for (const entity of entitiesOf(data, paths)) {
    const representation = represent(entity.object, absences);
    if (!representation) {
      unasked.push(entity);
      continue;
    }
    if (before.length > 0) rewriteIn(representation, before);
    asked.push({ representation, entities: [entity] });
  }
  return { asked: asked.length > 1 ? alikeAsOne(asked) : asked, unasked };
};

const entitiesOf = (data: JsonObject, paths: readonly PlanPath[]): readonly Entity[] => {
  const [first, ...others] = paths.map((path) => entitiesAt(data, path));
  if (!first || others.length === 0) return first ?? [];
  const seen = new Map<JsonObject, Entity>(); // several paths may lead to one
  for (const entity of [first, ...others].flat()) if (!seen.has(entity.object)) seen.set(entity.object, entity);
  return [...seen.values()];
};

const alikeAsOne = (asked: readonly Asked[]): Asked[] => {
  const bySight = new Map<string, Asked>();
  for (const one of asked) {
    const sight = JSON.stringify(one.representation);
    const known = bySight.get(sight);
    if (known) known.entities.push(...one.entities);
    else bySight.set(sight, one);
  }
  return [...bySight.values()];
};
