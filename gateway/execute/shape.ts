import {
  type DocumentNode,
  executeSync,
  type GraphQLFieldResolver,
  type GraphQLFormattedError,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isListType,
} from 'graphql';
import { pathToArray } from 'graphql/jsutils/Path.js';
import type { SourceName, SourceReport } from '../../schema/sources.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';
import {
  absenceOf,
  because,
  denied,
  type Missing,
  type Path,
  type PathError,
  startsWith,
  unexplained,
} from './outcome.ts';
import type { Collected } from './run.ts';

export type Shaped = { data: Record<string, unknown> | null; errors: GraphQLFormattedError[]; sources: SourceReport[] };

type Question = {
  schema: GraphQLSchema;
  facts: SchemaFacts;
  /** The operation as the client sent it, so that what was cut before planning is answered for too. */
  document: DocumentNode;
  operationName: string | undefined;
  variables: Record<string, unknown>;
  isGiven(coordinate: string): boolean;
};

/**
 * What the subgraphs brought -> the answer to the operation as it was asked: order, aliases, null propagation, and every
 * group that did not come filled in with the reason (`absence`), one error and one line in the report.
 */
export const shape = (collected: Collected, question: Question): Shaped => {
  const { schema, facts, isGiven } = question;
  const answered = new Set<PathError>();
  const filled = new Map<string, { path: Path; source: SourceName; missing: Missing }>();
  const ours = new WeakSet<object>(); // objects made here, whose members go by field name instead of response key

  const fill = (path: Path, source: SourceName, missing: Missing) => {
    const key = path.join('\0');
    if (!filled.has(key)) filled.set(key, { path, source, missing });
    return missing;
  };
  const errorsWithin = (path: Path) => collected.errors.filter((error) => startsWith(error.path, path));

  /** Why a group field has no value: cut by decision, or an error at it or below. */
  const groupMissing = (path: Path, coordinate: string, source: SourceName): Missing => {
    if (!isGiven(coordinate)) return fill(path, source, denied(source));
    const errors = errorsWithin(path);
    for (const error of errors) answered.add(error);
    return fill(path, source, errors[0] ? because(errors[0]) : unexplained(source));
  };

  /** Why an entity lacks the part of itself that one source gives (its own fields, beside those of other subgraphs). */
  const partMissing = (path: Path, coordinate: string, source: SourceName): Missing | null => {
    if (!isGiven(coordinate)) return fill(path, source, denied(source));
    const errors = errorsWithin(path).filter(
      (error) => error.path.length === path.length + 1 && error.extensions.source === source,
    );
    for (const error of errors) answered.add(error);
    return errors[0] ? fill(path, source, because(errors[0])) : null;
  };

  const make = <T extends object>(object: T): T => {
    ours.add(object);
    return object;
  };
  const headOf = (missing: Missing, source: SourceName) => ({
    status: missing.status,
    absence: make(absenceOf(missing, source)),
    provenance: null,
  });

  const fieldResolver: GraphQLFieldResolver<Record<string, unknown>, unknown> = (parent, _args, _context, info) => {
    if (ours.has(parent)) return parent[info.fieldName] ?? null;
    const value = parent[String(info.path.key)];
    if (value !== undefined && value !== null) return value;
    const coordinate = `${info.parentType.name}.${info.fieldName}`;
    const source = facts.sourceOf(coordinate);
    if (source === null) return null;
    const path = pathToArray(info.path);
    const type = getNullableType(info.returnType);
    if (facts.isGroup(getNamedType(type).name) && !isListType(type)) {
      return make(headOf(groupMissing(path, coordinate, source), source));
    }
    if (!facts.isGroup(info.parentType.name)) {
      if (!isGiven(coordinate)) fill(path, source, denied(source));
      return null;
    }
    const missing = partMissing(path.slice(0, -1), coordinate, source);
    return missing ? (headOf(missing, source)[info.fieldName as 'status'] ?? null) : null;
  };

  const result = executeSync({
    schema,
    document: question.document,
    operationName: question.operationName,
    variableValues: question.variables,
    rootValue: collected.data,
    fieldResolver,
  });

  const filledErrors = [...filled.values()].map(({ path, missing }) => ({
    path,
    message: missing.message,
    extensions: { ...missing.extensions },
  }));
  const others = collected.errors.filter(
    (error) =>
      !answered.has(error) &&
      ![...filled.values()].some(({ path }) => startsWith(error.path, path) && error.path.length > path.length),
  );
  const broken = (result.errors ?? []).map(({ path }) => ({
    path: path ?? [],
    message: 'A value that must be there is missing',
    extensions: { code: 'SOURCE_INVALID', retryable: false },
  }));
  return {
    data: (result.data as Record<string, unknown> | undefined) ?? null,
    errors: [...filledErrors, ...others, ...broken] as GraphQLFormattedError[],
    sources: [
      ...collected.sources,
      ...[...filled.values()].map(
        ({ source, missing }): SourceReport => ({
          source: missing.extensions.source ?? source,
          status: missing.status,
          asOf: null,
          count: null,
          absence: missing.code,
        }),
      ),
    ],
  };
};
