import { createRequire } from 'node:module';
import type {
  FetchNodePathSegment,
  FetchRewrite,
  FlattenNodePathSegment,
  PlanNode as NativeNode,
  RequiresSelection,
} from '@graphql-hive/router-query-planner';
import { parse } from 'graphql';
import type { ClientPath, EntityPart, PathSegment, PlanPath, Requirement, Rewrite, Step } from './planner.ts';
import type { Types } from './types.ts';

export type { NativeNode };

type Native = typeof import('@graphql-hive/router-query-planner');

/** The native planner, or `null` where it has no binary (musl, Windows) or was not installed. */
export const loadNativePlanner = (): Native | null => {
  try {
    return createRequire(import.meta.url)('@graphql-hive/router-query-planner') as Native;
  } catch {
    return null;
  }
};

/** Progressive `@override`: no label is active and no percentage reached, so that every request has the same plan. */
const labels = new Set<string>();
const percentage = 100;

const anyOf = (typeNames: readonly string[], types: Types): ReadonlySet<string> =>
  new Set(typeNames.flatMap((it) => [...types.of(it)]));

const toPath = (path: readonly FlattenNodePathSegment[], types: Types): PlanPath =>
  path.map((it): PathSegment => {
    if (it === '@') return it;
    return 'Field' in it ? it.Field : anyOf(it.TypeCondition, types);
  });

const toRewrite =
  (types: Types) =>
  (rewrite: FetchRewrite): Rewrite => {
    const setter = 'ValueSetter' in rewrite ? rewrite.ValueSetter : 'setValueTo' in rewrite ? rewrite : null;
    const renamer = 'KeyRenamer' in rewrite ? rewrite.KeyRenamer : null;
    const full = (setter ?? renamer)?.path.map((it: FetchNodePathSegment) =>
      'Key' in it ? it.Key : anyOf([it.TypenameEquals].flat(), types),
    );
    const path = full?.slice(0, -1) ?? [];
    const key = full?.at(-1);
    if (typeof key !== 'string') throw new Error('a rewrite changes a member');
    if (setter) return { kind: 'set', path, key, value: setter.setValueTo };
    if (renamer) return { kind: 'rename', path, key, to: renamer.renameKeyTo };
    throw new Error('a rewrite sets or renames');
  };

const conditional = 'conditions are decided before planning';

const toRequirement =
  (types: Types) =>
  (node: RequiresSelection): Requirement => {
    switch (node.kind) {
      case 'Field':
        return {
          kind: 'field',
          from: node.name,
          to: node.alias ?? node.name,
          selections: node.selections?.map(toRequirement(types)) ?? null,
        };
      case 'InlineFragment':
        if (node.includeIf || node.skipIf) throw new Error(conditional);
        return {
          kind: 'fragment',
          types: types.of(node.typeCondition),
          selections: node.selections.map(toRequirement(types)),
        };
      case 'FragmentSpread':
        throw new Error('a representation is written without fragments by name');
    }
  };

const toStep = (node: NativeNode, path: PlanPath, types: Types, clientPath: ClientPath): Step => {
  const inner = (it: NativeNode) => toStep(it, path, types, clientPath);
  const call = ({ serviceName, operation, variableUsages }: Extract<NativeNode, { kind: 'Fetch' | 'BatchFetch' }>) => ({
    kind: 'fetch' as const,
    subgraph: serviceName,
    document: parse(operation, { noLocation: true }),
    text: operation,
    variables: variableUsages ?? [],
    types,
    clientPath,
  });
  switch (node.kind) {
    case 'Fetch': {
      if (!node.requires) {
        return { ...call(node), path, after: node.outputRewrites?.map(toRewrite(types)) ?? [], entities: null };
      }
      const part: EntityPart = {
        key: '_entities',
        variable: 'representations',
        paths: [path],
        requires: node.requires.map(toRequirement(types)),
        before: node.inputRewrites?.map(toRewrite(types)) ?? [],
        after: node.outputRewrites?.map(toRewrite(types)) ?? [],
      };
      return { ...call(node), path: [], after: [], entities: [part] };
    }
    case 'BatchFetch': {
      const entities = node.entityBatch.aliases.map(
        (it): EntityPart => ({
          key: it.alias,
          variable: it.representationsVariableName,
          paths: it.paths.map((below) => [...path, ...toPath(below, types)]),
          requires: it.requires.map(toRequirement(types)),
          before: it.inputRewrites?.map(toRewrite(types)) ?? [],
          after: it.outputRewrites?.map(toRewrite(types)) ?? [],
        }),
      );
      return { ...call(node), path: [], after: [], entities };
    }
    case 'Flatten':
      return toStep(node.node, [...path, ...toPath(node.path, types)], types, clientPath);
    case 'Sequence':
      return { kind: 'sequence', steps: node.nodes.map(inner) };
    case 'Parallel':
      return { kind: 'parallel', steps: node.nodes.map(inner) };
    case 'Condition':
      throw new Error(conditional);
    case 'Subscription':
      throw new Error('Subscriptions are not planned yet');
    case 'Defer':
      throw new Error('Deferred parts are not planned yet');
  }
};

/** The native plan in the form that `execute/` runs. */
export const readNativePlan = (node: NativeNode, types: Types, clientPath: ClientPath): Step =>
  toStep(node, [], types, clientPath);

/**
 * Hive's planner, in Rust: right where Apollo's is wrong, and many times faster.
 *
 * @returns plans the one operation in a text
 * @throws Error when it has no binary on this platform
 */
export const createNativePlanner = (supergraphSdl: string): ((text: string) => NativeNode) => {
  const native = loadNativePlanner();
  if (!native) throw new Error('The native planner has no binary for this platform');
  const planner = new native.QueryPlanner(supergraphSdl);
  return (text) => {
    const { node } = planner.plan(text, null, labels, percentage);
    if (!node) throw new Error('No subgraph gives what is asked for');
    return node;
  };
};
