import { assertValidSchema, type DocumentNode, execute, type GraphQLSchema } from 'graphql';
import { Counter } from 'prom-client';
import { type Answer, type CompiledOperation, compileOperation, type Given } from './operation.ts';
import { ownCopy } from './ownCopy.ts';

const interpreted = new Counter({
  name: 'kilde_subgraph_interpreted_operations_total',
  help: 'Operations that graphql-js ran because their compiled form does not cover them, by reason',
  labelNames: ['subgraph', 'reason'],
});

export type Execute = (document: DocumentNode, given: Given) => Answer | Promise<Answer>;

/**
 * `execute` of graphql-js for one subgraph, with each document compiled once. A document is known by identity, and forgotten
 * with it: who wants the compiled form used again keeps the document. `data` belongs to the caller.
 *
 * @throws when the schema is not valid
 */
export const createExecute = (subgraph: string, schema: GraphQLSchema): Execute => {
  assertValidSchema(schema);
  const compiled = new WeakMap<DocumentNode, CompiledOperation>();
  const interpret = async (document: DocumentNode, { variables, context, rootValue }: Given): Promise<Answer> => {
    const { data, ...rest } = await execute({
      schema,
      document,
      variableValues: variables,
      contextValue: context,
      rootValue,
    });
    return data === undefined ? rest : { ...rest, data: ownCopy(data) as Answer['data'] & {} };
  };
  return (document, given) => {
    let run = compiled.get(document);
    if (!run) {
      run = compileOperation(schema, document);
      compiled.set(document, run);
    }
    const answer = run(given);
    if (typeof answer !== 'string') return answer;
    interpreted.inc({ subgraph, reason: answer });
    return interpret(document, given);
  };
};
