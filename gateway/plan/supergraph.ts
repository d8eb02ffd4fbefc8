import {
  buildASTSchema,
  type ConstDirectiveNode,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isInterfaceType,
  isObjectType,
  parse,
  valueFromASTUntyped,
} from 'graphql';
import type { Category } from '../../schema/categories.ts';
import type { SourceName } from '../../schema/sources.ts';

/** Who may see a field: permitted when every category of at least one inner list is. */
export type FieldClass = readonly (readonly Category[])[];

/** What the annotated supergraph says of its fields, beyond their types. */
export type SchemaFacts = {
  /** Every category that some field names, in alphabetical order. */
  categories: readonly Category[];
  /** Classes that all must be passed to see `Type.field`: its own, its type's, and those of every possible type. */
  classesOf(coordinate: string): readonly FieldClass[];
  sourceOf(coordinate: string): SourceName | null;
  isGroup(typeName: string): boolean;
  /** Name of the subgraph that gives `Query.<field>`, also when the public schema does not have it. */
  subgraphOfQuery(field: string): string | null;
};

const directive = (nodes: readonly ConstDirectiveNode[] | undefined, name: string) =>
  nodes?.find((node) => node.name.value === name);
const argument = (node: ConstDirectiveNode | undefined, name: string): unknown => {
  const value = node?.arguments?.find((it) => it.name.value === name)?.value;
  return value && valueFromASTUntyped(value);
};
const classIn = (nodes: readonly ConstDirectiveNode[] | undefined): FieldClass | null =>
  (argument(directive(nodes, 'policy'), 'policies') as FieldClass | undefined) ?? null;

const classesOfType = (schema: GraphQLSchema, typeName: string, fieldName: string): FieldClass[] => {
  const type = schema.getType(typeName);
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  const own = [classIn(type.astNode?.directives), classIn(type.getFields()[fieldName]?.astNode?.directives)];
  const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : [];
  return [...own.filter((it) => it !== null), ...possible.flatMap((it) => classesOfType(schema, it.name, fieldName))];
};

/** Names of a supergraph's subgraphs, by their value of `join__Graph`. */
const namesByGraph = (schema: GraphQLSchema): ReadonlyMap<string, string> => {
  const graphs = schema.getType('join__Graph');
  const values = isEnumType(graphs) ? graphs.getValues() : [];
  return new Map(
    values.flatMap(({ name, astNode }) => {
      const subgraph = argument(directive(astNode?.directives, 'join__graph'), 'name');
      return typeof subgraph === 'string' ? [[name, subgraph]] : [];
    }),
  );
};
export const graphNames = (schema: GraphQLSchema): string[] => [...namesByGraph(schema).values()];

/** Reads classes and sources from the annotated supergraph, once per schema. */
export const readFacts = (annotatedSdl: string): SchemaFacts => {
  const schema = buildASTSchema(parse(annotatedSdl, { noLocation: true }), { assumeValidSDL: true });
  const classes = new Map<string, readonly FieldClass[]>();
  const sources = new Map<string, SourceName>();
  const categories = new Set<Category>();
  const groups = new Set<string>();
  const graphs = namesByGraph(schema);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    if (isObjectType(type) && type.getInterfaces().some(({ name }) => name === 'Group')) groups.add(type.name);
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`;
      const found = classesOfType(schema, type.name, field.name);
      if (found.length > 0) classes.set(coordinate, found);
      for (const category of found.flat(2)) categories.add(category);
      const source = argument(directive(field.astNode?.directives, 'source'), 'name');
      if (typeof source === 'string') sources.set(coordinate, source);
    }
  }
  return {
    categories: [...categories].sort(),
    classesOf: (coordinate) => classes.get(coordinate) ?? [],
    sourceOf: (coordinate) => sources.get(coordinate) ?? null,
    isGroup: (typeName) => groups.has(typeName),
    subgraphOfQuery: (field) => {
      const nodes = schema.getQueryType()?.getFields()[field]?.astNode?.directives;
      return graphs.get(String(argument(directive(nodes, 'join__field'), 'graph'))) ?? null;
    },
  };
};
