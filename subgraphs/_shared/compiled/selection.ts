import { type FieldNode, type GraphQLObjectType, TypeNameMetaFieldDef } from 'graphql';
// Internal to graphql-js, which has no other way to say which fields a selection holds, and in which order.
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import { type Resolve, resolveField } from './field.ts';
import type { Path, Run } from './run.ts';

/** What an object gave: a plain object that nobody else holds. */
export type Selected = Record<string, unknown>;
export type Select = (run: Run, source: unknown, path: Path | undefined) => Selected | Promise<Selected>;

const resolveKey = (parentType: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): Resolve | null => {
  const [node, ...others] = nodes;
  if (!node) return null;
  const name = node.name.value;
  if (name === TypeNameMetaFieldDef.name)
    return (_run, _source, into) => {
      into[key] = parentType.name;
      return undefined;
    };
  const definition = parentType.getFields()[name];
  return definition ? resolveField({ key, nodes: [node, ...others], parentType, definition }) : null; // unknown: left out
};

const resolversOf = (type: GraphQLObjectType, fields: ReadonlyMap<string, readonly FieldNode[]>): readonly Resolve[] =>
  [...fields].map(([key, nodes]) => resolveKey(type, key, nodes)).filter((it) => it !== null);

const inParallel =
  (fields: readonly Resolve[]): Select =>
  (run, source, path) => {
    const into: Selected = {};
    const pending: Promise<void>[] = [];
    try {
      for (const resolve of fields) {
        const waiting = resolve(run, source, into, path);
        if (waiting) pending.push(waiting);
      }
    } catch (thrown) {
      if (pending.length === 0) throw thrown;
      return Promise.all(pending).then(
        () => Promise.reject(thrown),
        () => Promise.reject(thrown),
      );
    }
    return pending.length > 0 ? Promise.all(pending).then(() => into) : into;
  };

const inOrder =
  (fields: readonly Resolve[]): Select =>
  (run, source, path) => {
    const into: Selected = {};
    let before: Promise<void> | undefined;
    for (const resolve of fields)
      before = before ? before.then(() => resolve(run, source, into, path)) : resolve(run, source, into, path);
    return before ? before.then(() => into) : into;
  };

/** What the operation itself asks for. Mutations run one after the other. */
export const selectRoot = ({ operation, variables }: Run, type: GraphQLObjectType): Select => {
  const { schema, fragments, definition } = operation;
  const fields = resolversOf(type, collectFields(schema, fragments, variables, type, definition.selectionSet));
  return definition.operation === 'mutation' ? inOrder(fields) : inParallel(fields);
};

/** What all `nodes` together ask of an object of the type. */
export const selectBelow = ({ operation, variables }: Run, type: GraphQLObjectType, nodes: readonly FieldNode[]) => {
  const { schema, fragments } = operation;
  return inParallel(resolversOf(type, collectSubfields(schema, fragments, variables, type, nodes)));
};
