import { GraphQLError } from 'graphql';
import type { Caller } from '../../schema/caller.ts';
import type { ErrorExtensions } from '../../schema/subgraph.ts';

/** Which municipalities this store serves, and who else may read theirs (pasientjournalloven §§ 9, 19). */
export type Municipalities = {
  /** Whether events of this legal entity may be stored here. */
  serves(legalEntity: string): boolean;
  /**
   * Legal entities whose events the caller may read; `null` is all of them, for citizens.
   * @throws FORBIDDEN for an organisation without events here and without an agreement: it is not told «none registered»
   */
  readableBy(caller: Caller): readonly string[] | null;
};

const noAccess = (): GraphQLError => {
  const extensions: ErrorExtensions = {
    code: 'FORBIDDEN',
    source: 'HENDELSESLAGER',
    absence: 'NO_ACCESS',
    retryable: false,
    canElevate: false,
  };
  return new GraphQLError('HENDELSESLAGER holds no events that your organisation may read', { extensions });
};

/** @param agreements reader and municipality, by organisation number */
export const createMunicipalities = (
  served: readonly string[],
  agreements: readonly { reader: string; municipality: string }[],
): Municipalities => ({
  serves: (legalEntity) => served.includes(legalEntity),
  readableBy(caller) {
    if (caller.kind === 'citizen') return null;
    const { legalEntity } = caller.organisation;
    const agreed = agreements.filter(({ reader }) => reader === legalEntity).map(({ municipality }) => municipality);
    const readable = [legalEntity, ...agreed].filter((entity) => served.includes(entity));
    if (readable.length === 0) throw noAccess();
    return readable;
  },
});
