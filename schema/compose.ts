import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { composeServices } from '@apollo/composition';
import {
  buildASTSchema,
  type DirectiveNode,
  type DocumentNode,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  type NameNode,
  parse,
  print,
  visit,
} from 'graphql';
import { wrongWithApollo } from './requires.ts';
import { subgraphSdl } from './sdl.ts';

/** Where subgraphs live: each folder without a leading underscore is one. */
export const subgraphsHome = new URL('../subgraphs/', import.meta.url);
/** The committed supergraph. */
export const supergraphFile = new URL('./supergraph.graphql', import.meta.url);

/** Names of the subgraph folders under `home`, in alphabetical order. */
export const subgraphNames = (home: URL = subgraphsHome): string[] =>
  readdirSync(home, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map(({ name }) => name)
    .sort();

/** The schema of every subgraph folder in `homes`, and Kilde's own. */
export const readSubgraphs = (homes: readonly URL[] = [subgraphsHome]): { name: string; typeDefs: DocumentNode }[] => [
  { name: 'kilde', typeDefs: subgraphSdl(readFileSync(new URL('./kilde.graphql', import.meta.url), 'utf8')) },
  ...homes.flatMap((home) =>
    subgraphNames(home).map((name) => ({
      name,
      typeDefs: subgraphSdl(readFileSync(new URL(`${name}/schema.graphql`, home), 'utf8')),
    })),
  ),
];

/**
 * Composes subgraphs into one annotated supergraph: with `@policy` and `@source` still in it.
 *
 * @throws Error with one line per fault: composition errors, missing descriptions, fields on Patient without a class
 */
export const composeSupergraph = (subgraphs: ReturnType<typeof readSubgraphs>): string => {
  const composed = composeServices(subgraphs.map((subgraph) => ({ ...subgraph, url: `kilde://${subgraph.name}` })));
  if (composed.errors) throw new Error(composed.errors.map(({ message }) => message).join('\n'));
  const faults = checkContract(buildASTSchema(parse(composed.supergraphSdl), { assumeValidSDL: true }));
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return composed.supergraphSdl;
};

const classOf = (directives: readonly { name: { value: string } }[] | undefined, name: string) =>
  directives?.some((directive) => directive.name.value === name) ?? false;

/** Rules of the schema that composition does not know: every part described, every field on Patient classed and sourced. */
export const checkContract = (schema: GraphQLSchema): string[] => {
  // The graph must be right with every planner: which one a gateway has depends on its platform.
  const faults = wrongWithApollo(schema).map(
    (coordinate) => `${coordinate}: Apollo's planner would give it wrong values, by its @requires`,
  );
  const described = (where: string, description: string | null | undefined) => {
    if (!description) faults.push(`${where} has no description`);
  };
  for (const type of Object.values(schema.getTypeMap())) {
    const internal = type.name.includes('__') || isSpecifiedScalarType(type) || type.astNode === undefined;
    if (internal || classOf(type.astNode?.directives, 'inaccessible')) continue;
    if (!['Query', 'Mutation', 'Subscription'].includes(type.name)) described(type.name, type.description);
    if (isEnumType(type))
      for (const value of type.getValues()) described(`${type.name}.${value.name}`, value.description);
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) described(`${type.name}.${field.name}`, field.description);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const coordinate = `${type.name}.${field.name}`;
      if (classOf(field.astNode?.directives, 'inaccessible')) continue;
      described(coordinate, field.description);
      for (const argument of field.args) described(`${coordinate}(${argument.name}:)`, argument.description);
      if (type.name !== 'Patient' || field.name === 'id') continue;
      if (!classOf(field.astNode?.directives, 'policy')) faults.push(`${coordinate} has no @policy: who may see it?`);
      if (!classOf(field.astNode?.directives, 'source')) faults.push(`${coordinate} has no @source: where is it from?`);
    }
  }
  return faults;
};

const stringOf = (node: DirectiveNode, name: string): string | undefined => {
  const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
  return value?.kind === 'StringValue' || value?.kind === 'EnumValue' ? value.value : undefined;
};

/**
 * The supergraph without `@policy`, which `@apollo/gateway` refuses to load; Kilde enforces it itself from the annotated
 * one. Types and fields are the same in both: a test compares them.
 *
 * @throws Error when the supergraph has a security feature that nobody here enforces
 */
export const withoutSecurity = (supergraphSdl: string): string => {
  let policy = 'policy';
  const isPolicy = ({ name }: { name: NameNode }) => name.value === policy || name.value.startsWith(`${policy}__`);
  const document = visit(parse(supergraphSdl), {
    Directive: (node: DirectiveNode) => {
      if (node.name.value !== 'link' || stringOf(node, 'for') !== 'SECURITY') return undefined;
      const feature = stringOf(node, 'url')?.split('/').at(-2);
      if (feature === 'inaccessible') return undefined; // enforced by the gateway package: not in the API schema
      if (feature !== 'policy') throw new Error(`No enforcer for the security feature ${feature ?? '(unnamed)'}`);
      policy = stringOf(node, 'as') ?? policy;
      return null;
    },
  });
  const remove = (node: { name: NameNode }) => (isPolicy(node) ? null : undefined);
  return print(visit(document, { Directive: remove, DirectiveDefinition: remove, ScalarTypeDefinition: remove }));
};

/** The committed supergraph, annotated. */
export const readSupergraph = (file: URL = supergraphFile): string => readFileSync(file, 'utf8');

const main = (args: readonly string[]) => {
  const composed = composeSupergraph(readSubgraphs());
  if (!args.includes('--check')) writeFileSync(supergraphFile, composed);
  else if (composed !== readSupergraph())
    throw new Error('schema/supergraph.graphql is out of date: run `npm run compose` and commit it');
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
