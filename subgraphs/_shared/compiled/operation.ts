import {
  type DocumentNode,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type GraphQLError,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { type Operation, type Run, recordError, type Variables } from './run.ts';
import { type Select, type Selected, selectRoot } from './selection.ts';

/** What one execution is given. */
export type Given = { variables: Record<string, unknown>; context: unknown; rootValue?: unknown };
export type Answer = ExecutionResult<Record<string, unknown>>;

/**
 * Why the compiled form does not cover an operation: it holds not exactly one; it asks for the schema; a key of the answer
 * would be the object's prototype.
 */
export type Uncovered = 'operation' | 'introspection' | 'prototype';
export type CompiledOperation = (given: Given) => Answer | Promise<Answer> | Uncovered;

const maxVariants = 64;
const maxErrors = 50; // graphql-js's own limit, which it sets in `execute` only
const conditional: readonly string[] = [GraphQLSkipDirective.name, GraphQLIncludeDirective.name];
const introspective: readonly string[] = [SchemaMetaFieldDef.name, TypeMetaFieldDef.name];

type Survey = {
  operations: OperationDefinitionNode[];
  fragments: Operation['fragments'];
  conditions: Set<string>;
  uncovered: Uncovered | null;
};

const survey = (document: DocumentNode): Survey => {
  const operations: OperationDefinitionNode[] = [];
  const fragments: Record<string, FragmentDefinitionNode> = Object.create(null);
  const conditions = new Set<string>();
  let uncovered: Uncovered | null = null;
  visit(document, {
    OperationDefinition: (node) => void operations.push(node),
    FragmentDefinition(node) {
      fragments[node.name.value] = node;
    },
    Field({ name, alias }) {
      if (introspective.includes(name.value)) uncovered ??= 'introspection';
      if (alias?.value === '__proto__') uncovered ??= 'prototype';
    },
    Directive({ name, arguments: given = [] }) {
      if (!conditional.includes(name.value)) return;
      for (const { value } of given) if (value.kind === Kind.VARIABLE) conditions.add(value.name.value);
    },
  });
  return { operations, fragments, conditions, uncovered };
};

/**
 * Which form of the operation the variables ask for. All that a condition can do is to hold, not to hold, or to fail for want
 * of a value; what is none of the three (a document that is not valid) neither skips nor leaves out.
 */
const variantOf = (conditions: readonly string[], variables: Variables): string =>
  conditions
    .map((name) => {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (typeof value === 'boolean') return value ? '+' : '-';
      return value === null || value === undefined ? '!' : '?';
    })
    .join('');

/**
 * A document as functions, to be kept and run as often as it is asked. Answers what graphql-js's `execute` would: the same
 * data, errors and order of keys, for documents that are not valid too. Only where several fields fail in one turn of the event
 * loop may their errors come in another order: there are fewer promises between a resolver and the answer.
 *
 * Selections are compiled when they are first met, one form for each combination of the variables that stand in `@skip` and
 * `@include`.
 *
 * @param schema a valid one
 */
export const compileOperation = (schema: GraphQLSchema, document: DocumentNode): CompiledOperation => {
  const { operations, fragments, conditions: found, uncovered } = survey(document);
  const [definition, ...more] = operations;
  if (!definition || more.length > 0) return () => 'operation';
  if (uncovered) return () => uncovered;
  const rootType = schema.getRootType(definition.operation);
  if (!rootType) return () => 'operation';
  const operation: Operation = { schema, definition, fragments };
  const conditions = [...found];
  const variants = new LRUCache<string, Select>({ max: conditions.length > 0 ? maxVariants : 1 });

  return ({ variables: inputs, context, rootValue }) => {
    const { coerced, errors } = getVariableValues(schema, definition.variableDefinitions ?? [], inputs, { maxErrors });
    if (errors) return { errors };
    const variant = variantOf(conditions, coerced);

    const run: Run = { operation, variables: coerced, context, rootValue, errors: [], nulled: new Set() };
    const answer = (data: Selected | null): Answer => (run.errors.length > 0 ? { errors: run.errors, data } : { data });
    const fail = (thrown: unknown): Answer => {
      recordError(run, thrown as GraphQLError, undefined); // everything is located before it comes this far
      return answer(null);
    };
    try {
      let select = variants.get(variant);
      if (!select) {
        select = selectRoot(run, rootType);
        variants.set(variant, select);
      }
      const data = select(run, rootValue, undefined);
      return data instanceof Promise ? data.then(answer, fail) : answer(data);
    } catch (thrown) {
      return fail(thrown);
    }
  };
};
