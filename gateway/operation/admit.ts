import { type DocumentNode, GraphQLError, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { checkDocument, checkRequest, checkText, type Limits } from './limits.ts';
import { documentOf, type TrustedDocuments } from './trusted.ts';

export type AdmitOptions = {
  trusted: TrustedDocuments;
  limits: Limits;
  introspection: boolean;
};

/** A request as GraphQL over HTTP has it, with the text of its document and no id. */
export type Admitted = { query?: unknown; operationName?: unknown; variables?: unknown };

const admittedCharacters = 4_000_000;

/** `null` when the text is not GraphQL: the server that runs it says so. */
const parseWithin = (text: string, limits: Limits): DocumentNode | null => {
  try {
    checkText(text, limits);
    return parse(text, { noLocation: true });
  } catch (error) {
    if (error instanceof GraphQLError && error.extensions['code'] === undefined) return null; // the library's, not ours
    throw error;
  }
};

/**
 * What every request passes before anything works on it: its document is a known one where that is required, and asks for
 * no more than the limits give. Documents are remembered by their whole text; what comes beside them is checked each time.
 *
 * @returns admits a request body, or throws GraphQLError BAD_REQUEST or LIMIT_EXCEEDED
 */
export const createAdmission = ({ trusted, limits, introspection }: AdmitOptions) => {
  const admitted = new LRUCache<string, true>({
    max: 10_000,
    maxSize: admittedCharacters,
    sizeCalculation: (_admitted, text) => text.length,
  });

  return (body: Record<string, unknown>): Admitted => {
    const query = documentOf(body, trusted);
    const { operationName, variables } = body;
    checkRequest({ operationName, variables }, limits);
    if (typeof query === 'string' && query !== '' && !admitted.has(query)) {
      const document = parseWithin(query, limits);
      if (document) {
        checkDocument(document, limits, introspection);
        admitted.set(query, true);
      }
    }
    return {
      ...(query !== undefined ? { query } : {}),
      ...(operationName !== undefined ? { operationName } : {}),
      ...(variables !== undefined ? { variables } : {}),
    };
  };
};
