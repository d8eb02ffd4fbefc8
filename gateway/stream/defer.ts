import {
  type ASTVisitor,
  DirectiveLocation,
  type DocumentNode,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLError,
  GraphQLNonNull,
  GraphQLSchema,
  GraphQLString,
  Kind,
  type ValidationContext,
  visit,
} from 'graphql';

/** `@defer` as the incremental-delivery draft of the GraphQL specification has it. `@stream` is not offered. */
export const deferDirective = new GraphQLDirective({
  name: 'defer',
  description:
    'The fields of this fragment may come after the rest of the answer: fast sources are not kept waiting by slow ones. Taken note of on Query and Patient, and only for clients that accept multipart/mixed or text/event-stream.',
  locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
  args: {
    if: {
      type: new GraphQLNonNull(GraphQLBoolean),
      defaultValue: true,
      description: 'When false, the fragment comes with the rest.',
    },
    label: { type: GraphQLString, description: 'Tells the parts of an answer apart. Unique in the document.' },
  },
});

/** The API schema with `@defer`: no subgraph knows of it, so composition does not either. */
export const withDefer = (schema: GraphQLSchema): GraphQLSchema =>
  schema.getDirective(deferDirective.name)
    ? schema
    : new GraphQLSchema({ ...schema.toConfig(), directives: [...schema.getDirectives(), deferDirective] });

const isDefer = ({ name }: { name: { value: string } }) => name.value === deferDirective.name;

const stripped = new WeakMap<DocumentNode, DocumentNode>();

/** The document as planners know it. Kept as long as the one that came. */
export const withoutDefer = (document: DocumentNode): DocumentNode => {
  const known = stripped.get(document);
  if (known) return known;
  const made: DocumentNode = visit(document, { Directive: (node) => (isDefer(node) ? null : undefined) });
  stripped.set(document, made);
  return made;
};

/** Labels are written out, not variables, and none occurs twice in a document. */
const LabelsAreUnique = (context: ValidationContext): ASTVisitor => {
  const seen = new Set<string>();
  return {
    Directive: (node) => {
      const value = isDefer(node) ? node.arguments?.find(({ name }) => name.value === 'label')?.value : undefined;
      if (!value || value.kind === Kind.NULL) return;
      if (value.kind === Kind.STRING && !seen.has(value.value)) seen.add(value.value);
      else context.reportError(new GraphQLError('A label of @defer must be a string of its own', { nodes: node }));
    },
  };
};

/** What a mutation does is told when it is done, and an event of a subscription is whole. */
const NotAtTheRootOfMutations = (context: ValidationContext): ASTVisitor => ({
  Directive: (node) => {
    const parent = context.getParentType();
    const schema = context.getSchema();
    if (!isDefer(node) || !parent) return;
    if (parent === schema.getMutationType() || parent === schema.getSubscriptionType())
      context.reportError(new GraphQLError('@defer has no place at the root of a mutation', { nodes: node }));
  },
});

/** What the specification demands of `@defer`, beside what any directive must fulfil. */
export const deferRules = [LabelsAreUnique, NotAtTheRootOfMutations] as const;
