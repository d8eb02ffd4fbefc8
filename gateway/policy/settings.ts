import { parse } from 'graphql';
import * as z from 'zod';
import { PrivacySetting } from '../../schema/privacySetting.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import type { Scope } from '../execute/scope.ts';
import { requestError } from '../operation/errors.ts';
import { beforeDeciding } from './identity.ts';

const text = `query Settings($nationalIds: [String!]!) {
  privacySettings(nationalIds: $nationalIds) { type source scope }
}`;
const document = parse(text, { noLocation: true });
const Answer = z.object({ privacySettings: z.array(PrivacySetting) });

/**
 * What a person has opted out of, restricted or blocked, asked anew for each request, so that it takes effect on the next.
 *
 * @throws GraphQLError SOURCE_UNAVAILABLE when nobody can say: then nothing is decided
 */
export const readSettings = async (
  privacy: Subgraph,
  nationalIds: readonly string[],
  scope: Scope,
): Promise<readonly PrivacySetting[]> => {
  const { data, errors } = await privacy.execute({
    document,
    text,
    variables: { nationalIds },
    assertion: beforeDeciding(scope),
    subjectToken: null,
    signal: scope.signal,
  });
  if (errors?.[0]) {
    throw requestError(errors[0].extensions.code, 'What the patient has restricted cannot be read now', 503);
  }
  return Answer.parse(data).privacySettings;
};
