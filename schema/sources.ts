/**
 * The systems behind Kilde, by the names that answers, metrics and switches use. A new subgraph adds its own names in
 * its `schema.graphql` (`enum Source`); this list is only what the shared code itself must speak of.
 */
export type SourceName = string;

/** How a source took part in an answer. `NOT_ASKED`: nothing was sent to it, by decision or because nobody asked. */
export type SourceStatus = 'FRESH' | 'CACHED' | 'STALE' | 'UNAVAILABLE' | 'NOT_ASKED';

/** Why something is missing. Closed list: a client can switch on it. Texts are in {@link absenceTexts}. */
export const absenceCodes = [
  'NONE_REGISTERED',
  'NOT_ASKED',
  'NO_ACCESS',
  'BLOCKED',
  'RESTRICTED',
  'RESERVED',
  'DELAYED',
  'SOURCE_UNAVAILABLE',
  'SOURCE_INVALID',
  'STALE',
  'UNKNOWN',
] as const;
export type AbsenceCode = (typeof absenceCodes)[number];

/** Legal ground that the caller states to national services (reference 1.2). The elevated ones open restricted data. */
export const accessBases = ['UNNTAK', 'SAMTYKKE', 'FORHOYET_SAMTYKKE', 'AKUTT', 'FORHOYET_AKUTT'] as const;
export type AccessBasis = (typeof accessBases)[number];
export const elevatedBases = ['FORHOYET_SAMTYKKE', 'FORHOYET_AKUTT'] as const satisfies readonly AccessBasis[];
export type ElevatedBasis = (typeof elevatedBases)[number];

/** What a clinician or citizen reads where data are missing. Norwegian, and the same whether or not anything exists. */
export const absenceTexts: Record<AbsenceCode, string> = {
  NONE_REGISTERED: 'Kilden svarte: ingenting er registrert.',
  NOT_ASKED: 'Kilden er ikke spurt.',
  NO_ACCESS: 'Rollen eller formålet ditt gir ikke tilgang til disse opplysningene.',
  BLOCKED: 'Opplysningene er ikke tilgjengelige for deg.',
  RESTRICTED: 'Innbyggeren har sperret opplysningene. De kan åpnes med samtykke eller i en akutt situasjon.',
  RESERVED: 'Innbyggeren har reservert seg mot at opplysningene deles fra denne kilden.',
  DELAYED: 'Opplysningene vises senere.',
  SOURCE_UNAVAILABLE: 'Kilden svarte ikke. Det kan finnes opplysninger som ikke vises.',
  SOURCE_INVALID: 'Kilden ga et svar som ikke kan brukes. Det kan finnes opplysninger som ikke vises.',
  STALE: 'Kilden svarte ikke nå. Opplysningene er fra et tidligere svar, og det kan finnes nyere.',
  UNKNOWN: 'Det er ukjent hvorfor opplysningene mangler.',
};

/** What one source did for one answer: `extensions.kilde.sources[]`. Holds no personal data. */
export type SourceReport = {
  source: SourceName;
  status: SourceStatus;
  /** ISO 8601; when the source said it, which for cached data is earlier than now. */
  asOf: string | null;
  /** Records given, after everything withheld was taken away; `null` when the source gave none to count. */
  count: number | null;
  absence: AbsenceCode | null;
  /** Records that belonged to another person and were thrown away. Above zero, the source has a fault. */
  dropped?: number;
  /** Something that the patient has restricted was opened by an elevated access basis, and is in the answer. */
  opened?: true;
};
