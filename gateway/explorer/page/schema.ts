import {
  buildASTSchema,
  type DirectiveNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  parse,
  print,
  visit,
} from 'graphql';

const argument = (directive: DirectiveNode): string[] =>
  (directive.arguments ?? []).map(({ value }) => print(value).replace(/["[\]]/g, ''));

const named = (node: FieldDefinitionNode, name: string): string =>
  (node.directives ?? [])
    .filter((it) => it.name.value === name)
    .flatMap(argument)
    .join(', ');

/**
 * The schema with each field's source and information category, its `@source` and `@policy`, said in its description, where
 * the documentation and the editor's hover show them.
 */
export const readSchema = (sdl: string): GraphQLSchema => {
  const described = visit(parse(sdl), {
    FieldDefinition: (node) => {
      const source = named(node, 'source');
      const category = named(node, 'policy');
      const facts = [source && `Source: \`${source}\``, category && `Category: \`${category}\``]
        .filter(Boolean)
        .join(' · ');
      if (facts === '') return undefined;
      const before = node.description ? `${node.description.value}\n\n` : '';
      return { ...node, description: { kind: 'StringValue', value: before + facts, block: true } };
    },
  });
  return buildASTSchema(described, { assumeValidSDL: true });
};
