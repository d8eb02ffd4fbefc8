/** Code systems by number, as KITH writes them in `S` and FHIR in `system`. */
export const codeSystem = (number: number) => `2.16.578.1.12.4.1.1.${number}`;

/** Code system 8258: what became of a message. */
export const appRecStatuses = { 1: 'OK', 2: 'Avvist', 3: 'OK, feil i delmelding' } as const;
export type AppRecStatus = keyof typeof appRecStatuses;

/** Code system 8221, those that this store can tell (reference 13.2). It has no register of persons, so none of E35, E53, E54. */
export const appRecErrors = {
  E10: 'Ugyldig meldingsidentifikator',
  E21: 'Mottaker ikke oppgitt',
  E30: 'Fødselsnummer mangler',
  E31: 'Fødselsnummer er feil',
  E32: 'Navn på pasient mangler',
  T01: 'Ikke gyldig XML',
  T02: 'Ikke gyldig i henhold til skjema',
  T10: 'Meldingsformatet støttes ikke',
  T99: 'Annen feil',
} as const;
export type AppRecErrorCode = keyof typeof appRecErrors;

/** Code system 8116: the kinds of number that people are known by across organisations, and their FHIR systems (reference 12.1). */
export const personSystems: Readonly<Record<string, string>> = {
  FNR: 'urn:oid:2.16.578.1.12.4.1.4.1',
  DNR: 'urn:oid:2.16.578.1.12.4.1.4.2',
  FHN: 'urn:oid:2.16.578.1.12.4.1.4.3',
};

/** Code system 9051: the kinds of number that organisations are known by, and their FHIR systems. */
export const organisationSystems: Readonly<Record<string, string>> = {
  ENH: 'urn:oid:2.16.578.1.12.4.1.4.101',
  RSH: 'urn:oid:2.16.578.1.12.4.1.4.102',
  HER: 'urn:oid:2.16.578.1.12.4.1.2',
};

const kith = 'http://www.kith.no/xmlstds';
export const msgHeadNamespace = `${kith}/msghead/2006-05-24`;
export const labReportNamespaces = [`${kith}/labsvar/2008-12-01`, `${kith}/labsvar/2012-02-15`];

/**
 * Root element of a document in a MsgHead -> type of the event. Care-sector messages of version 1.6 (2012-04-01) are named as
 * in the Directorate of Health's display files; the others are in reference 13.2.
 */
const contents = {
  Epikrise: { type: 'no.kith.epikrise', versions: ['epikrise/2006-09-23', 'epikrise/2012-02-15'] },
  Henvisning: { type: 'no.kith.henvisning', versions: ['henvisning/2005-07-08', 'henvisning/2012-02-15'] },
  Dialogmelding: { type: 'no.kith.dialog', versions: ['dialog/2006-10-11', 'dialog/2013-01-23'] },
} as const;

const care: Readonly<Record<string, string>> = {
  Pasientlogistikk: 'pasientlogistikk',
  MeldingFravar: 'melding-fravar',
  OrienteringOmTjenestetilbud: 'orientering-om-tjenestetilbud',
  OverforingMedisinskeOpplysninger: 'overforing-medisinske-opplysninger',
  MedisinskeOpplysninger: 'medisinske-opplysninger',
  Konsultasjon: 'konsultasjon',
  Innleggelsesrapport: 'innleggelsesrapport',
  HelseopplysningerVedSoknad: 'helseopplysninger-ved-soknad',
  HelseopplysningerTilLege: 'helseopplysninger-til-lege',
  TverrfagligEpikrise: 'tverrfaglig-epikrise',
};
const careVersions = ['2008-02-20', '2009-06-30', '2012-04-01'];

/** Dialogue messages 1.0 say in the message's type what 1.1 says by the document's first element. */
const dialogues: Readonly<Record<string, string>> = {
  DIALOG_FORESPORSEL: 'foresporsel',
  DIALOG_SVAR: 'svar',
  DIALOG_NOTAT: 'notat',
  Foresporsel: 'foresporsel',
  Notat: 'notat',
};

/** What kind of event a document is; `null` for kinds and versions that are not taken. */
export const typeOfContent = (
  messageType: string,
  { name, namespace, children }: { name: string; namespace: string; children: readonly { name: string }[] },
): string | null => {
  const plo = Object.hasOwn(care, name) ? care[name] : undefined;
  if (plo && careVersions.some((version) => namespace === `${kith}/po/${name}/${version}`)) return `no.kith.plo.${plo}`;
  const known = Object.entries(contents).find(
    ([root, { versions }]) => root === name && versions.some((version) => namespace === `${kith}/${version}`),
  )?.[1];
  if (known?.type !== contents.Dialogmelding.type) return known?.type ?? null;
  const kind = [messageType, children[0]?.name ?? ''].find((it) => Object.hasOwn(dialogues, it));
  return kind ? `${known.type}.${dialogues[kind]}` : null;
};

/** 7309 (kind of report) by 7306 (its status) -> DiagnosticReport.status (reference 4.3). */
const reportStatuses: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  S: { N: 'registered', M: 'amended', C: 'cancelled' },
  P: { N: 'preliminary', M: 'amended', C: 'cancelled' },
  F: { N: 'final', M: 'amended', C: 'cancelled' },
  A: { M: 'appended', C: 'cancelled' },
};
export const reportStatus = (kind: string, status: string): string => reportStatuses[status]?.[kind] ?? 'unknown';
