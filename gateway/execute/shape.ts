import {
  type DocumentNode,
  executeSync,
  type GraphQLSchema,
  getOperationAST,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { SourceName, SourceReport } from '../../schema/sources.ts';
import { typename } from '../plan/prune.ts';
import type { SchemaFacts } from '../plan/supergraph.ts';
import { put } from './merge.ts';
import {
  absenceOf,
  because,
  denied,
  type Missing,
  type Path,
  type PathError,
  type Refusal,
  startsWith,
  unexplained,
} from './outcome.ts';
import type { Collected } from './run.ts';
import { compileSelection, conditionVariables, type Selection, type Shape, type ShapedField } from './selection.ts';

export type Shaped = { data: Record<string, unknown> | null; errors: PathError[]; sources: SourceReport[] };

export type Question = {
  schema: GraphQLSchema;
  facts: SchemaFacts;
  /** The operation as the client sent it, so that what was cut before planning is answered for too. */
  document: DocumentNode;
  operationName: string | undefined;
  variables: Record<string, unknown>;
  /** Why a field is not given, by the decision; `null` for one that is. */
  refusalOf(coordinate: string): Refusal | null;
};

type Data = Record<string, unknown>;

const memberOf = (value: Data, { key, isInherited }: ShapedField): unknown =>
  isInherited && !Object.hasOwn(value, key) ? undefined : value[key];

/** A value that must be there is not: the nearest nullable place above becomes `null`. */
const broken = Symbol('broken');

const isRecord = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What the subgraphs brought -> the answer to the operation as it was asked: order, aliases, null propagation, and every
 * group that did not come filled in with the reason (`absence`), one error and one line in the report.
 */
export const shape = (collected: Collected, question: Question): Shaped => {
  const { refusalOf } = question;
  const selection = selectionOf(question);
  const answered = new Set<PathError>();
  const violations: PathError[] = [];
  const filled = new Map<string, { path: Path; source: SourceName; missing: Missing }>();

  const fill = (path: Path, source: SourceName, missing: Missing): Missing => {
    const key = path.join('\0');
    if (!filled.has(key)) filled.set(key, { path, source, missing });
    return missing;
  };
  const errorsAt = (path: Path) => collected.errors.filter((error) => startsWith(error.path, path));

  /** Why a group has no value: cut by decision, or an error at it or below. */
  const groupMissing = (path: Path, coordinate: string, source: SourceName): Missing => {
    const refusal = refusalOf(coordinate);
    if (refusal) return fill(path, source, denied(source, refusal));
    const errors = errorsAt(path);
    for (const error of errors) answered.add(error);
    return fill(path, source, errors[0] ? because(errors[0]) : unexplained(source));
  };

  /** Why an object lacks the part of itself that one source gives, beside what other subgraphs add to it. */
  const partMissing = (path: Path, coordinate: string, source: SourceName): Missing | null => {
    const refusal = refusalOf(coordinate);
    if (refusal) return fill(path, source, denied(source, refusal));
    const errors = errorsAt(path).filter(
      (error) => error.path.length === path.length + 1 && error.extensions.source === source,
    );
    for (const error of errors) answered.add(error);
    return errors[0] ? fill(path, source, because(errors[0])) : null;
  };

  const at: (string | number)[] = []; // where we are in the answer; copied only when somebody must be told

  /** What stands in a field of `parent` that no subgraph gave a value. */
  const standIn = ({ name, coordinate, source, shape: type }: ShapedField, parent: Selection): unknown => {
    if (source === null) return null;
    if (type.kind === 'object' && type.isGroup) {
      return lay(headOf(groupMissing([...at], coordinate, source), source), type.selectionFor(undefined));
    }
    if (parent.isGroup) {
      const missing = partMissing(at.slice(0, -1), coordinate, source);
      const head = missing ? headOf(missing, source) : {};
      const value = Object.hasOwn(head, name) ? head[name] : null;
      return isRecord(value) && type.kind === 'object' ? lay(value, type.selectionFor(undefined)) : value;
    }
    const refusal = refusalOf(coordinate);
    if (refusal) fill([...at], source, denied(source, refusal));
    return null;
  };

  const violate = (): typeof broken => {
    const path = [...at];
    const isKnown = collected.errors.some((error) => startsWith(error.path, path) || startsWith(path, error.path));
    const extensions = { code: 'SOURCE_INVALID', retryable: false } as const;
    if (!isKnown) violations.push({ path, message: 'A value that must be there is missing', extensions });
    return broken;
  };

  const complete = (type: Shape, value: unknown): unknown => {
    if (value === null || value === undefined) return type.isNonNull ? violate() : null;
    const done = completeValue(type, value);
    return done === broken && !type.isNonNull ? null : done;
  };

  const completeValue = (type: Shape, value: unknown): unknown => {
    if (type.kind === 'leaf') {
      try {
        return type.serialize(value) ?? violate();
      } catch {
        return violate();
      }
    }
    if (type.kind === 'list') return Array.isArray(value) ? completeList(type.of, value) : violate();
    if (!isRecord(value)) return violate();
    const typeName = value['__typename'];
    const selected = type.selectionFor(typeof typeName === 'string' ? typeName : undefined);
    return selected ? completeObject(selected, value) : violate();
  };

  const completeList = (type: Shape, value: readonly unknown[]): unknown => {
    const items: unknown[] = [];
    for (let i = 0; i < value.length; i++) {
      at.push(i);
      const done = complete(type, value[i]);
      at.pop();
      if (done === broken) return broken;
      items.push(done);
    }
    return items;
  };

  const completeField = (field: ShapedField, there: unknown, selected: Selection): unknown => {
    at.push(field.key);
    // What stands in is laid out by the selection already, and whole as it is.
    const isThere = there !== null && there !== undefined;
    const done = isThere ? complete(field.shape, there) : (standIn(field, selected) ?? complete(field.shape, null));
    at.pop();
    return done;
  };

  const completeObject = (selected: Selection, value: Data): unknown => {
    const object: Data = {}; // ordinary, for the engine to know all objects of a selection as alike
    for (const field of selected.fields) {
      const there = field.name === '__typename' ? selected.typeName : memberOf(value, field);
      const done = completeField(field, there, selected);
      if (done === broken) return broken;
      if (field.isInherited) put(object, field.key, done);
      else object[field.key] = done;
    }
    return object;
  };

  const root = completeObject(selection, withIntrospection(collected.data, selection, question));
  const stands = [...filled.values()];
  const filledErrors = stands.map(({ path, missing: { message, extensions } }) => ({ path, message, extensions }));
  const others = collected.errors.filter(
    (error) =>
      !answered.has(error) &&
      !stands.some(({ path }) => startsWith(error.path, path) && error.path.length > path.length),
  );
  return {
    data: root === broken ? null : (root as Data),
    errors: [...filledErrors, ...others, ...violations],
    sources: [
      ...collected.sources,
      ...stands.map(({ source, missing }) => ({
        source: missing.extensions.source ?? source,
        status: missing.status,
        asOf: null,
        count: null,
        absence: missing.code,
      })),
    ],
  };
};

/** The members of a group that stands in for one that did not come. */
const headOf = (missing: Missing, source: SourceName): Data => ({
  status: missing.status,
  absence: absenceOf(missing, source),
  provenance: null,
});

/** An object made here, by field name, -> the client's selection of it. */
const lay = (made: Data, selection: Selection | null): Data => {
  const laid: Data = {};
  for (const { key, name, shape: type } of selection?.fields ?? []) {
    const value = name === '__typename' ? selection?.typeName : Object.hasOwn(made, name) ? made[name] : null;
    put(laid, key, isRecord(value) && type.kind === 'object' ? lay(value, type.selectionFor(undefined)) : value);
  }
  return laid;
};

const compiled = new WeakMap<
  DocumentNode,
  { schema: GraphQLSchema; conditions: readonly string[]; byValues: Map<string, Selection> }
>();

/** The compiled selection of an operation; kept as long as its document is. */
const selectionOf = ({ schema, facts, document, operationName, variables }: Question): Selection => {
  const known = compiled.get(document);
  const entry =
    known?.schema === schema
      ? known
      : { schema, conditions: conditionVariables(document), byValues: new Map<string, Selection>() };
  if (entry !== known) compiled.set(document, entry);
  const values = `${operationName ?? ''}/${entry.conditions.map((name) => Number(Boolean(variables[name]))).join('')}`;
  const selection = entry.byValues.get(values);
  if (selection) return selection;
  const operation = getOperationAST(document, operationName);
  if (!operation) throw new Error('no such operation'); // the caller has picked it already
  const made = compileSelection(schema, facts, document, operation, variables);
  if (entry.byValues.size < 256) entry.byValues.set(values, made);
  return made;
};

/** The data with `__schema` and `__type`, which the schema itself answers. */
const withIntrospection = (
  collected: Data,
  selection: Selection,
  { schema, document, operationName, variables }: Question,
): Data => {
  if (!selection.fields.some(isIntrospection)) return collected;
  const typeInfo = new TypeInfo(schema);
  const alone: DocumentNode = visit(
    document,
    visitWithTypeInfo(typeInfo, {
      Field: (node) =>
        typeInfo.getParentType() === schema.getQueryType() && !node.name.value.startsWith('__') ? null : undefined,
      SelectionSet: {
        leave: (node) => (node.selections.length > 0 ? undefined : { ...node, selections: [typename] }),
      },
    }),
  );
  const { data } = executeSync({ schema, document: alone, operationName, variableValues: variables });
  const all: Data = { ...collected };
  for (const { key } of selection.fields.filter(isIntrospection)) put(all, key, data?.[key]);
  return all;
};

const isIntrospection = ({ name }: ShapedField): boolean => name === '__schema' || name === '__type';
