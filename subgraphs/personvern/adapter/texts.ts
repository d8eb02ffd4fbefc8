import type { AccessRow } from './client.ts';

const roles: Record<AccessRow['role'], string> = {
  doctor: 'Lege',
  nurse: 'Sykepleier',
  healthWorker: 'Helsefagarbeider',
  therapist: 'Fysioterapeut eller ergoterapeut',
  pharmacist: 'Farmasøyt',
  serviceAllocationOfficer: 'Saksbehandler for kommunale tjenester',
  system: 'Datasystem',
  citizen: 'Innbygger',
  administrator: 'Administrator',
  none: 'Uten kjent rolle',
};
export const roleText = ({ role }: Pick<AccessRow, 'role'>): string => roles[role];

const categories: Record<string, string> = {
  person: 'Personopplysninger',
  address: 'Adresse',
  representatives: 'Foreldre, verger og fullmakter',
  criticalInformation: 'Kritisk informasjon',
  documents: 'Journaldokumenter',
  laboratory: 'Laboratoriesvar',
  imaging: 'Svar på bildeundersøkelser',
  medication: 'Legemidler',
  municipalServices: 'Kommunale tjenester',
  measurements: 'Målinger',
  events: 'Hendelser i kommunen',
  accessLog: 'Tilgangslogg',
  restrictions: 'Reservasjoner og sperringer',
};
/** A new subgraph may bring a category that has no text here yet; its name says more than nothing. */
export const categoryText = (category: string): string => categories[category] ?? category;

const purposes: Record<NonNullable<AccessRow['purpose']>, string> = {
  TREAT: 'Behandling',
  ETREAT: 'Øyeblikkelig hjelp',
  COC: 'Samordning av tjenester',
  BTG: 'Nødtilgang: opplysningene ble åpnet uten vanlig tilgang fordi det hastet',
};
const bases: Partial<Record<NonNullable<AccessRow['access_basis']>, string>> = {
  FORHOYET_SAMTYKKE: 'sperrede opplysninger ble åpnet med ditt samtykke',
  FORHOYET_AKUTT: 'sperrede opplysninger ble åpnet fordi det var akutt',
};

/** Why, for the patient to read. The professional's own words are not shown (reference 14.5). */
export const reasonText = ({ caller_kind, purpose, access_basis }: AccessRow): string => {
  if (caller_kind === 'citizen') return 'Innsyn for deg selv eller en som representerer deg';
  const why = purpose ? purposes[purpose] : caller_kind === 'system' ? 'Automatisk behandling' : 'Formål ikke oppgitt';
  const opened = access_basis && bases[access_basis];
  return opened ? `${why}; ${opened}` : why;
};
