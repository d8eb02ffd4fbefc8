import { makeExecutableSchema } from '@graphql-tools/schema';
import { type DefinitionNode, type DocumentNode, type ExecutionResult, execute, Kind } from 'graphql';
import type { Caller } from '../../schema/caller.ts';
import type { SubgraphAnswer } from '../../schema/subgraph.ts';
import type { FetchStep } from '../plan/planner.ts';
import type { Decision } from '../policy/decide.ts';

type RootContext = { caller: Caller; patientId: string | null; decision: Decision };

const viewer = ({ caller, decision }: RootContext) => ({
  kind: caller.kind.toUpperCase(),
  role: caller.role,
  name: caller.kind === 'system' ? null : caller.name,
  hprNumber: caller.kind === 'professional' ? caller.hprNumber : null,
  organisations:
    caller.kind === 'citizen'
      ? []
      : [caller.organisation.legalEntity, caller.organisation.pointOfCare].filter((it) => it !== null),
  purpose: caller.kind === 'professional' ? (caller.attest?.purpose ?? null) : null,
  access: [...decision.categories.values()].map(({ category, effect, rule }) => ({
    category,
    permitted: effect === 'permit',
    rule,
  })),
});

/** Directives and federation machinery stay out: this schema is only ever executed here. */
const withoutDirectives = (document: DocumentNode): DocumentNode => ({
  ...document,
  definitions: document.definitions.filter(
    ({ kind }) => kind !== Kind.SCHEMA_EXTENSION && kind !== Kind.DIRECTIVE_DEFINITION,
  ) as DefinitionNode[],
});

/**
 * The part of the graph that Kilde answers itself (`schema/kilde.graphql`): the patient that was resolved before
 * planning, and who is asking. No source is asked, so a plan's first step costs no hop.
 */
export const createRoot = (typeDefs: DocumentNode) => {
  const schema = makeExecutableSchema({
    typeDefs: ['type Query', withoutDirectives(typeDefs)],
    assumeValidSDL: true,
    resolvers: {
      Query: {
        patient: (_parent: unknown, _args: unknown, { patientId }: RootContext) => patientId && { id: patientId },
        viewer: (_parent: unknown, _args: unknown, context: RootContext) => viewer(context),
      },
    },
  });
  return async (
    step: FetchStep,
    variables: Record<string, unknown>,
    contextValue: RootContext,
  ): Promise<SubgraphAnswer> => {
    const result = (await execute({
      schema,
      document: step.document,
      variableValues: variables,
      contextValue,
    })) as ExecutionResult<Record<string, unknown>>;
    if (result.errors?.[0]) throw result.errors[0]; // nothing here can fail but by a bug
    return { data: result.data ?? null, sources: [] };
  };
};
