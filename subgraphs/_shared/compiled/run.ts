import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isNonNullType,
  locatedError,
  type OperationDefinitionNode,
  responsePathAsArray,
} from 'graphql';

/** Where a value stands in the answer, from the value up; compared by identity, as graphql-js does. */
export type Path = GraphQLResolveInfo['path'];
export type Variables = GraphQLResolveInfo['variableValues'];

/** What of a document is the same in every run of it. */
export type Operation = {
  readonly schema: GraphQLSchema;
  readonly definition: OperationDefinitionNode;
  readonly fragments: Record<string, FragmentDefinitionNode>;
};

/** One execution of an operation. */
export type Run = {
  readonly operation: Operation;
  readonly variables: Variables;
  readonly context: unknown;
  readonly rootValue: unknown;
  readonly errors: GraphQLError[];
  /** Positions that an error has turned into null; `undefined` is the answer as a whole. */
  readonly nulled: Set<Path | undefined>;
};

/** A field of one selection: all nodes that ask for it under one response key, on one object type. */
export type Field = {
  readonly key: string;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  readonly parentType: GraphQLObjectType;
  readonly definition: GraphQLField<unknown, unknown>;
};

export const nameOf = ({ parentType, definition }: Field) => `${parentType.name}.${definition.name}`;

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';

/** Keeps an error, unless its position or one above it is null already: nobody could see where it belongs. */
export const recordError = ({ errors, nulled }: Run, error: GraphQLError, path: Path | undefined): void => {
  if (nulled.size > 0) {
    for (let at = path; at; at = at.prev) if (nulled.has(at)) return;
    if (nulled.has(undefined)) return;
  }
  nulled.add(path);
  errors.push(error);
};

/**
 * The value of a position that failed: null, with the error kept.
 *
 * @param type of the position
 * @throws the located error where null is not allowed, for the position above to deal with
 */
export const failed = (run: Run, field: Field, type: unknown, path: Path, thrown: unknown): null => {
  const error = locatedError(thrown, field.nodes, responsePathAsArray(path));
  if (isNonNullType(type)) throw error;
  recordError(run, error, path);
  return null;
};

/** @param path of the field, or of an item in its list */
export const infoOf = ({ operation, variables, rootValue }: Run, field: Field, path: Path): GraphQLResolveInfo => {
  let fieldPath = path;
  while (fieldPath.prev && typeof fieldPath.key === 'number') fieldPath = fieldPath.prev;
  return {
    fieldName: field.definition.name,
    fieldNodes: field.nodes,
    returnType: field.definition.type,
    parentType: field.parentType,
    path: fieldPath,
    schema: operation.schema,
    fragments: operation.fragments,
    rootValue,
    operation: operation.definition,
    variableValues: variables,
  };
};
