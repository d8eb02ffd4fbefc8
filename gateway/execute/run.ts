import type { QueryPlanSelectionNode } from '@apollo/query-planner';
import { Kind, type SelectionNode } from 'graphql';
import type { SourceName, SourceReport } from '../../schema/sources.ts';
import type { SubgraphAnswer, SubgraphError } from '../../schema/subgraph.ts';
import type { FetchStep, Step } from '../plan/planner.ts';
import { type Json, type JsonObject, mergeInto } from './merge.ts';
import type { Path, PathError } from './outcome.ts';

/** Calls one subgraph; resolves also when the subgraph is down, slow or broken. */
export type CallSubgraph = (step: FetchStep, variables: Record<string, unknown>) => Promise<SubgraphAnswer>;

export type Collected = { data: JsonObject; errors: PathError[]; sources: SourceReport[] };

type Entity = { object: JsonObject; path: Path };

/** Runs a plan: each fetch when what it needs is there, independent ones at once. Never rejects for a subgraph's failure. */
export const runPlan = async (
  plan: Step | null,
  variables: Record<string, unknown>,
  call: CallSubgraph,
  sourceOf: (coordinate: string) => SourceName | null,
): Promise<Collected> => {
  const collected: Collected = { data: Object.create(null), errors: [], sources: [] };

  const run = async (step: Step): Promise<void> => {
    switch (step.kind) {
      case 'sequence':
        for (const it of step.steps) await run(it);
        return;
      case 'parallel':
        await Promise.all(step.steps.map(run));
        return;
      case 'condition': {
        const branch = variables[step.variable] ? step.whenTrue : step.whenFalse;
        if (branch) await run(branch);
        return;
      }
      case 'fetch':
        return step.requires ? fetchEntities(step, step.requires) : fetchRoot(step);
    }
  };

  const pick = (step: FetchStep) =>
    Object.fromEntries(step.variables.filter((name) => name in variables).map((name) => [name, variables[name]]));

  const fetchRoot = async (step: FetchStep) => {
    const answer = await call(step, pick(step));
    collected.sources.push(...answer.sources);
    if (answer.data) mergeInto(collected.data, answer.data as JsonObject);
    for (const error of answer.errors ?? []) note(step, error, [], error.path ?? []);
  };

  const fetchEntities = async (step: FetchStep, requires: readonly QueryPlanSelectionNode[]) => {
    // Entities that look the same to the subgraph are asked for once and given to all.
    const bySight = new Map<string, { representation: Json; entities: Entity[] }>();
    for (const entity of entitiesAt(collected.data, step.path)) {
      const representation = represent(entity.object, requires);
      if (!representation) continue;
      const sight = JSON.stringify(representation);
      const known = bySight.get(sight);
      if (known) known.entities.push(entity);
      else bySight.set(sight, { representation, entities: [entity] });
    }
    if (bySight.size === 0) return;
    const asked = [...bySight.values()];
    const answer = await call(step, {
      ...pick(step),
      representations: asked.map(({ representation }) => representation),
    });
    collected.sources.push(...answer.sources);
    const found = (answer.data?.['_entities'] ?? []) as (JsonObject | null)[];
    for (const [i, { entities }] of asked.entries()) {
      const values = found[i];
      for (const { object } of entities) if (values) mergeInto(object, values);
    }
    for (const error of answer.errors ?? []) {
      const [root, index, ...rest] = error.path ?? [];
      const about = root === '_entities' && typeof index === 'number' ? [asked[index]] : asked;
      for (const { path } of about.flatMap((it) => it?.entities ?? [])) note(step, error, path, rest);
    }
  };

  /** An error belongs to the field where it arose; without a place of its own, to everything the fetch should have brought. */
  const note = (step: FetchStep, { message, extensions }: SubgraphError, at: Path, below: Path) => {
    const brought = broughtBy(step);
    for (const end of below.length > 0 ? [below] : [...brought.keys()].map((key) => [key])) {
      const source = extensions.source ?? sourceOf(brought.get(String(end[0])) ?? '') ?? undefined;
      collected.errors.push({
        path: [...at, ...end],
        message,
        extensions: source ? { ...extensions, source } : extensions,
      });
    }
  };

  if (plan) await run(plan);
  return collected;
};

/** Objects at a plan's path: names of fields, and `@` for every item of a list. */
const entitiesAt = (data: JsonObject, path: readonly string[]): Entity[] => {
  let level: { value: Json | undefined; path: Path }[] = [{ value: data, path: [] }];
  for (const key of path) {
    level = level.flatMap(({ value, path: at }) => {
      if (key !== '@') return isObject(value) ? [{ value: value[key], path: [...at, key] }] : [];
      return Array.isArray(value) ? value.map((item, i) => ({ value: item, path: [...at, i] })) : [];
    });
  }
  return level.flatMap(({ value, path: at }) => (isObject(value) ? [{ object: value, path: at }] : []));
};

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The part of an entity that a subgraph needs to know it by; `null` when the entity is of another type or lacks a part. */
const represent = (object: JsonObject, requires: readonly QueryPlanSelectionNode[]): JsonObject | null => {
  const result: JsonObject = Object.create(null);
  let fits = false;
  for (const node of requires) {
    if (node.kind === 'InlineFragment') {
      if (node.typeCondition && object['__typename'] !== node.typeCondition) continue;
      const part = represent(object, node.selections);
      if (!part) return null;
      Object.assign(result, part);
      fits = true;
      continue;
    }
    const value = object[node.alias ?? node.name];
    if (value === undefined) return null;
    const part = node.selections ? representValue(value, node.selections) : value;
    result[node.name] = part;
    fits = true;
  }
  return fits ? result : null;
};
const representValue = (value: Json, requires: readonly QueryPlanSelectionNode[]): Json => {
  if (Array.isArray(value)) return value.map((item) => representValue(item, requires));
  return isObject(value) ? represent(value, requires) : value;
};

/** Response keys of selections on a type -> schema coordinates, through inline fragments (planners write no others here). */
const keysOf = (selections: readonly SelectionNode[], typeName: string): [key: string, coordinate: string][] =>
  selections.flatMap((selection): [string, string][] => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return [];
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      return keysOf(selection.selectionSet.selections, selection.typeCondition?.name.value ?? typeName);
    }
    const name = selection.name.value;
    return name === '__typename' ? [] : [[selection.alias?.value ?? name, `${typeName}.${name}`]];
  });

/** What a fetch brings, at its root or on the entities it is about. */
const broughtBy = ({ document, requires }: FetchStep): ReadonlyMap<string, string> => {
  const operation = document.definitions.find((it) => it.kind === Kind.OPERATION_DEFINITION);
  const selections = operation?.selectionSet.selections ?? [];
  if (!requires) return new Map(keysOf(selections, 'Query'));
  return new Map(
    selections.flatMap((it) => (it.kind === Kind.FIELD ? keysOf(it.selectionSet?.selections ?? [], '') : [])),
  );
};
