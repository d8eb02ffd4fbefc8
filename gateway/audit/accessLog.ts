import { createHmac, createSecretKey, randomUUID } from 'node:crypto';
import { type AccessEntry, type AccessOutcome, insertAccessEntries } from '../../schema/accessEntry.ts';
import { accessBasisFor } from '../../schema/caller.ts';
import type { Category } from '../../schema/categories.ts';
import { withoutNationalIds } from '../../schema/nationalIdText.ts';
import type { SourceReport } from '../../schema/sources.ts';
import type { Scope } from '../execute/scope.ts';
import { log } from '../log.ts';
import { requestError } from '../operation/errors.ts';
import type { Decision } from '../policy/decide.ts';
import type { PersonFacts } from '../policy/person.ts';
import { openAccessDatabase } from './database.ts';

export type Lookup = {
  scope: Pick<Scope, 'caller' | 'traceId' | 'eventId' | 'elevation'>;
  /** `null`: nobody by that number. */
  person: PersonFacts | null;
  decision: Decision;
  /** Categories that the operation asked for, given or not. */
  categories: ReadonlySet<Category>;
  /** Categories that an elevated basis has opened. */
  opened?: ReadonlySet<Category>;
  sources: readonly SourceReport[];
  /** When the request began. */
  at: Date;
  /** It came to no decision. */
  failed?: boolean;
};

export type AccessLog = {
  /**
   * Resolves when the entry is durable.
   *
   * @throws GraphQLError AUDIT_UNAVAILABLE: then nothing may be released
   */
  write(lookup: Lookup): Promise<void>;
  isUp(): Promise<boolean>;
  close(): Promise<void>;
};

const outcomeOf = ({ decision, sources, failed }: Lookup): AccessOutcome => {
  if (failed) return 'failed';
  if (!decision.mayKnow) return 'refused';
  return sources.every(({ absence }) => absence === null || absence === 'NONE_REGISTERED') ? 'granted' : 'partial';
};

const flagsOf = (person: PersonFacts | null): AccessEntry['flags'] => [
  ...(person?.deceased ? (['deceased'] as const) : []),
  ...(person?.addressProtection && person.addressProtection !== 'Unclassified' ? (['protectedAddress'] as const) : []),
];

/**
 * Whether something restricted was opened: a category of the operation that the patient has restricted and the decision gives
 * on the elevated basis, whatever the source then had, or what a source restricts by itself and says that it has opened.
 */
const opensRestricted = ({ opened, categories, sources }: Lookup): boolean =>
  [...(opened ?? [])].some((category) => categories.has(category)) || sources.some((source) => source.opened);

const toEntry = (lookup: Lookup, keyOf: (nationalId: string) => string): AccessEntry => {
  const { scope, person, decision, sources, at } = lookup;
  const { caller, elevation } = scope;
  const attest = caller.kind === 'professional' ? caller.attest : null;
  const organisation = caller.kind === 'citizen' ? null : caller.organisation;
  const effects = [...decision.categories.values()].filter(({ category }) => lookup.categories.has(category));
  const asked = sources.filter(({ status }) => status !== 'NOT_ASKED');
  return {
    id: randomUUID(),
    at: at.toISOString(),
    patient: person?.id ?? null,
    patientKey: person && keyOf(person.nins[0]),
    callerKind: caller.kind,
    // Free texts that vendors fill in.
    callerName: withoutNationalIds(caller.kind === 'system' ? caller.clientName : caller.name),
    callerKey: caller.kind === 'system' ? null : keyOf(caller.nin),
    role: caller.role,
    authorization: caller.kind === 'professional' ? caller.authorization : null,
    hprNumber: caller.kind === 'professional' ? caller.hprNumber : null,
    organisation: organisation?.legalEntity ?? null,
    unit: organisation?.pointOfCare ?? null,
    clientId: caller.clientId,
    clientName: withoutNationalIds(caller.clientName),
    purpose: attest?.purpose ?? null,
    purposeDetail: attest?.purposeDetail ?? null,
    healthcareService: attest?.healthcareService ?? null,
    decisionRef: attest?.decisionRef ? withoutNationalIds(attest.decisionRef) : null,
    accessBasis: elevation?.accessBasis ?? (attest && accessBasisFor(attest.purpose)),
    reason: elevation?.reason ?? null,
    override: opensRestricted(lookup),
    categoriesGranted: effects.filter(({ effect }) => effect === 'permit').map(({ category }) => category),
    categoriesDenied: effects.filter(({ effect }) => effect !== 'permit').map(({ category }) => category),
    rules: [...new Set([decision.rule, ...effects.map(({ rule }) => rule)])],
    sources: asked.map(({ source }) => source),
    recordCounts: Object.fromEntries(asked.map(({ source, count }) => [source, count ?? 0])),
    outcome: outcomeOf(lookup),
    flags: flagsOf(person),
    traceId: scope.traceId,
    eventId: scope.eventId,
  };
};

/**
 * The access log as the gateway writes it: one entry per patient and request, before release, refusals too. Requests that
 * arrive while the disk is busy share the next write (group commit). The table belongs to the subgraph `personvern`.
 *
 * @param callerKey key of the HMAC that stands for the caller's national id
 */
export const createAccessLog = (databaseUrl: string, callerKey: Buffer): AccessLog => {
  const pool = openAccessDatabase(databaseUrl);
  const secret = createSecretKey(callerKey);
  const keyOf = (nationalId: string) => createHmac('sha256', secret).update(nationalId).digest('hex');

  type Waiting = { entry: AccessEntry; done: () => void; fail: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let writing = false;

  const writeAll = async () => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await pool.query(insertAccessEntries(batch.map(({ entry }) => entry)));
        for (const { done } of batch) done();
      } catch (error) {
        log.error({ error: (error as Error).name, code: (error as { code?: string }).code }, 'access log unavailable');
        for (const { fail } of batch)
          fail(requestError('AUDIT_UNAVAILABLE', 'The access log cannot be written; nothing is released', 503));
      }
    }
    writing = false;
  };

  return {
    write: (lookup) =>
      new Promise((done, fail) => {
        waiting.push({ entry: toEntry(lookup, keyOf), done, fail });
        if (!writing) void writeAll();
      }),
    async isUp() {
      try {
        await pool.query('select 1 from personvern.access limit 1');
        return true;
      } catch {
        return false;
      }
    },
    close: () => pool.end(),
  };
};
