import { GraphQLError, type GraphQLFormattedError, Kind } from 'graphql';
import { type ErrorCode, errorCodes } from '../../schema/subgraph.ts';

/** A request that cannot be carried out. The text is ours and repeats nothing that was sent. */
export const requestError = (code: ErrorCode, text: string, status = 400): GraphQLError =>
  new GraphQLError(text, { extensions: { code, retryable: false, http: { status } } });

/** What is wrong with a document, told by the kind of thing that is wrong: names that a client made up are not repeated. */
const aboutNode: Partial<Record<Kind, string>> = {
  [Kind.FIELD]: 'A field here does not exist on its type, or is selected in a way that its type does not allow',
  [Kind.ARGUMENT]: 'An argument here is unknown, repeated or has a value of the wrong type',
  [Kind.VARIABLE]: 'A variable here is not defined, not used, or of another type than its place',
  [Kind.VARIABLE_DEFINITION]: 'A variable here is never used, defined twice, or of a type that is not an input type',
  [Kind.FRAGMENT_SPREAD]: 'A fragment here is unknown, spread where its type cannot occur, or spreads itself',
  [Kind.FRAGMENT_DEFINITION]: 'A fragment here is never used, defined twice, or on a type that cannot have one',
  [Kind.DIRECTIVE]: 'A directive here is unknown, repeated or out of place',
  [Kind.OPERATION_DEFINITION]: 'An operation here is of a kind that the schema does not offer, or its name is taken',
};

const badRequest = (error: GraphQLError, text: string): GraphQLFormattedError => ({
  message: text,
  ...(error.locations ? { locations: error.locations.slice(0, 1) } : {}), // a cycle or a conflict has one for each part
  extensions: { code: 'BAD_REQUEST', retryable: false },
});

const isOurs = (code: unknown): code is ErrorCode => errorCodes.includes(code as ErrorCode);

/**
 * The one place where an error gets its outward form: ours as they are, the library's by our own text, anything else as
 * INTERNAL without words. Never the library's text: it quotes documents and variables.
 */
export const formatError = (formatted: GraphQLFormattedError, thrown: unknown): GraphQLFormattedError => {
  const code = formatted.extensions?.['code'];
  if (isOurs(code)) {
    const { stacktrace: _stacktrace, http: _http, ...extensions } = formatted.extensions ?? {};
    return { ...formatted, extensions };
  }
  const graphQLError = thrown instanceof GraphQLError ? thrown : new GraphQLError('');
  switch (code) {
    case 'GRAPHQL_PARSE_FAILED':
      return badRequest(graphQLError, 'The document is not GraphQL, or is too long');
    case 'GRAPHQL_VALIDATION_FAILED': {
      const kind = graphQLError.nodes?.[0]?.kind;
      return badRequest(graphQLError, (kind && aboutNode[kind]) ?? 'The document does not fit the schema');
    }
    case 'OPERATION_RESOLUTION_FAILURE':
      return badRequest(graphQLError, 'The document must hold one operation, or operationName must pick one of them');
    case 'BAD_USER_INPUT':
      return badRequest(graphQLError, 'The variables do not fit the operation');
    case 'BAD_REQUEST':
      return badRequest(graphQLError, 'The request is not GraphQL over HTTP');
    default:
      return { message: 'Internal error', extensions: { code: 'INTERNAL', retryable: false } };
  }
};
