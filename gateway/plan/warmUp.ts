import { type DocumentNode, type GraphQLSchema, Kind, parse, specifiedRules, validate } from 'graphql';
import type { Category } from '../../schema/categories.ts';
import { conditionVariables } from '../execute/selection.ts';
import { withoutDefer } from '../stream/defer.ts';
import type { Plans } from './plans.ts';

/** Every combination of the variables that decide conditions, for as many of them as plans are kept for. */
const outcomesOf = (document: DocumentNode): Record<string, boolean>[] =>
  conditionVariables(document)
    .slice(0, 5)
    .reduce<Record<string, boolean>[]>(
      (outcomes, name) => outcomes.flatMap((it) => [it, { ...it, [name]: true }]),
      [{}],
    );

/** `null` when the schema cannot answer the text. */
const readKnown = (schema: GraphQLSchema, text: string): DocumentNode | null => {
  try {
    const document = parse(text, { noLocation: true });
    return validate(schema, document, specifiedRules, { maxErrors: 0 }).length === 0 ? withoutDefer(document) : null;
  } catch {
    return null; // not GraphQL
  }
};

/**
 * Makes the plans of known operations before their schema takes traffic.
 *
 * @param texts hash -> text
 * @param grants the sets of categories that a caller may have
 * @returns hashes of operations that cannot be answered with this schema
 */
export const warmUp = async (
  { plans, schema }: { plans: Plans; schema: GraphQLSchema },
  texts: ReadonlyMap<string, string>,
  grants: Iterable<ReadonlySet<Category>>,
): Promise<string[]> => {
  const unanswerable: string[] = [];
  const sets = [...grants];
  for (const [hash, text] of texts) {
    const document = readKnown(schema, text);
    const operation = document?.definitions.find((it) => it.kind === Kind.OPERATION_DEFINITION);
    if (!document || !operation) {
      unanswerable.push(hash);
      continue;
    }
    try {
      for (const permitted of sets) {
        const { plan } = plans.planFor({ document, operation, hash }, (it) => permitted.has(it));
        for (const variables of outcomesOf(document)) await plan(variables);
      }
    } catch {
      unanswerable.push(hash);
    }
  }
  return unanswerable;
};
