import { elevatedBasis } from '../_shared/elevation.ts';
import { toGraphQLError } from '../_shared/errors.ts';
import { answered, given, lackOf, type RequestContext } from '../_shared/group.ts';
import { type Cursors, pageSize } from '../_shared/paging.ts';
import type { SourceError } from '../_shared/source.ts';
import type { DocumentReference } from './adapter/documentMapping.ts';
import type { RecordProvenance } from './adapter/provenance.ts';
import { type DocumentFilter, isVisibleToCitizen, matches } from './documentFilter.ts';
import { collectDocuments, readPosition, writePosition } from './documentPages.ts';
import { type CriticalLists, type createLoaders, failureOf } from './loaders.ts';

export type Context = RequestContext & { loaders: ReturnType<typeof createLoaders>; cursors: Cursors };

const critical = 'KJERNEJOURNAL';
const shared = 'JOURNALDOKUMENTER';

/** Puts the source and the time of asking on what a record says of its own origin. */
const from = <T extends { provenance: RecordProvenance }>(records: T[], retrieved: string) =>
  records.map((record) => ({ ...record, provenance: { source: critical, retrieved, ...record.provenance } }));

const fromShared = ({ recorded, ...document }: DocumentReference, retrieved: string) => ({
  ...document,
  provenance: {
    source: shared,
    retrieved,
    recorded,
    organisation: document.organisation,
    author: document.authors[0] ?? null,
  },
});

type Patient = { id: string };
type Lists = { lists: CriticalLists; retrieved: string };
type DocumentArguments = DocumentFilter & { first?: number | null; after?: string | null };

const criticalInformation = async ({ id }: Patient, _args: unknown, context: Context) => {
  const found = await context.loaders.criticalInformation.load(id);
  const { lists, status, retrieved, dropped, isOpened } = found;
  const { error, isTotal } = failureOf(lists);
  const count = Object.values(lists).reduce((sum, list) => sum + (list.ok ? list.value.length : 0), 0);
  // With nothing given, what failed may have held it: the group is missing, not partly there.
  if (error && (isTotal || count === 0)) throw toGraphQLError(error);
  const head = answered(context, critical, {
    count,
    status,
    retrieved,
    dropped,
    isOpened,
    ...(error ? { lack: lackOf(error) } : {}),
  });
  return { ...head, lists, retrieved };
};

const documents = async ({ id }: Patient, args: DocumentArguments, context: Context) => {
  const { loaders, cursors, assertion } = context;
  const { first, after, ...filter } = args;
  const size = pageSize(first, 20, 100);
  const bound = JSON.stringify([id, 'documents', filter.category ?? null, filter.from ?? null, filter.to ?? null]);
  const passesFilter = matches(filter);
  const isCitizen = assertion.caller.kind === 'citizen';

  const collected = await collectDocuments((page) => loaders.documentPage.load({ id, page }), {
    size,
    after: after ? readPosition(cursors.open(after, bound)) : null,
    passes: (document) => passesFilter(document) && (!isCitizen || isVisibleToCitizen(document)),
  });
  if (!collected) throw toGraphQLError({ kind: 'invalid', source: shared, paths: ['link.next'] });

  const { found, hasNextPage, withheld, dropped, isOpened } = collected;
  const { status, asOf: retrieved } = collected.freshness;
  const counts = { count: found.length, status, retrieved, dropped, isOpened };
  const restricted: SourceError | null = withheld
    ? { kind: 'restricted', source: shared, requires: elevatedBasis(assertion.accessBasis) }
    : null;
  const head = answered(context, shared, {
    ...counts,
    ...(restricted || after ? { lack: restricted && lackOf(restricted) } : {}),
  });
  const last = found.at(-1);
  return {
    ...head,
    // Nothing to show and something withheld: an empty list would say that there is nothing.
    nodes: restricted && !after && !last ? null : found.map(({ document }) => fromShared(document, retrieved)),
    withheld,
    pageInfo: {
      hasNextPage,
      endCursor: last ? cursors.seal(writePosition({ page: last.page, id: last.document.id }), bound) : null,
    },
  };
};

export const resolvers = {
  Patient: {
    __resolveReference: ({ id }: Patient) => ({ id }),
    criticalInformation,
    documents,
  },
  CriticalInformation: {
    treatmentLimitations: ({ lists, retrieved }: Lists) => from(given(lists.treatmentLimitations), retrieved),
    allergies: ({ lists, retrieved }: Lists) => from(given(lists.allergies), retrieved),
    implants: ({ lists, retrieved }: Lists) => from(given(lists.implants), retrieved),
    conditions: ({ lists, retrieved }: Lists) => from(given(lists.conditions), retrieved),
  },
};
