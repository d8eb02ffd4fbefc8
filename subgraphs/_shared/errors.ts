import { GraphQLError } from 'graphql';
import type { AbsenceCode } from '../../schema/sources.ts';
import type { ErrorCode, ErrorExtensions } from '../../schema/subgraph.ts';
import type { SourceError } from './source.ts';

type Answer = {
  code: ErrorCode;
  absence: AbsenceCode;
  text: string;
  retryable: boolean;
};

const answers: Record<SourceError['kind'], Answer> = {
  denied: {
    code: 'SOURCE_UNAVAILABLE',
    absence: 'NO_ACCESS',
    text: 'refused the request',
    retryable: false,
  },
  timeout: {
    code: 'SOURCE_UNAVAILABLE',
    absence: 'SOURCE_UNAVAILABLE',
    text: 'did not answer in time',
    retryable: true,
  },
  unavailable: {
    code: 'SOURCE_UNAVAILABLE',
    absence: 'SOURCE_UNAVAILABLE',
    text: 'is not available',
    retryable: true,
  },
  invalid: {
    code: 'SOURCE_INVALID',
    absence: 'SOURCE_INVALID',
    text: 'gave an answer that cannot be used',
    retryable: false,
  },
  restricted: {
    code: 'RESTRICTED',
    absence: 'RESTRICTED',
    text: 'withholds restricted data',
    retryable: false,
  },
  blocked: {
    code: 'BLOCKED',
    absence: 'BLOCKED',
    text: 'does not give this to you',
    retryable: false,
  },
  reserved: {
    code: 'RESERVED',
    absence: 'RESERVED',
    text: 'holds nothing by the patient’s choice',
    retryable: false,
  },
}; // a new kind does not compile before it has an answer

/** The one place where a source's failure becomes a client's answer. Codes are stable, texts are not. */
export const toGraphQLError = (error: SourceError): GraphQLError => {
  const { text, ...answer } = answers[error.kind];
  const requires = error.kind === 'restricted' ? error.requires : null;
  const extensions: ErrorExtensions = {
    ...answer,
    source: error.source,
    canElevate: requires !== null,
    ...(requires ? { requires } : {}),
  };
  return new GraphQLError(`${error.source} ${text}`, { extensions });
};

/** A client's mistake in an argument. `text` says what was expected and never repeats what was sent. */
export const badRequest = (text: string): GraphQLError =>
  new GraphQLError(text, { extensions: { code: 'BAD_REQUEST' } });

/** A denial and an unknown thing look the same from outside. */
export const notFound = (): GraphQLError => new GraphQLError('Not found', { extensions: { code: 'NOT_FOUND' } });
