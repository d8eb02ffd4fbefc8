import * as z from 'zod';
import { absenceCodes, accessBases } from './sources.ts';
import { errorCodes } from './subgraph.ts';

/** More errors, or longer ones, than any subgraph of ours has words for: such an answer is not one. */
const maxErrors = 1_000;
const maxMessageCharacters = 1_000;

/** What a subgraph's server answers to `POST /graphql`: read strictly, so that nothing unforeseen passes the gateway. */
export const remoteAnswer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(
      z.object({
        message: z.string().max(maxMessageCharacters),
        path: z.array(z.union([z.string(), z.number()])).optional(),
        extensions: z.object({
          code: z.enum(errorCodes),
          source: z.string().optional(),
          retryable: z.boolean().optional(),
          canElevate: z.boolean().optional(),
          absence: z.enum(absenceCodes).optional(),
          requires: z.enum(accessBases).optional(),
        }),
      }),
    )
    .max(maxErrors)
    .optional(),
  sources: z.array(
    z.object({
      source: z.string(),
      status: z.enum(['FRESH', 'CACHED', 'STALE', 'UNAVAILABLE', 'NOT_ASKED']),
      asOf: z.string().nullable(),
      count: z.number().nullable(),
      absence: z.enum(absenceCodes).nullable(),
      dropped: z.number().optional(),
      opened: z.literal(true).optional(),
    }),
  ),
});
