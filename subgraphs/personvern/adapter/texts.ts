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
const opening: Partial<Record<NonNullable<AccessRow['access_basis']>, string>> = {
  FORHOYET_SAMTYKKE: 'sperrede opplysninger ble åpnet med ditt samtykke',
  FORHOYET_AKUTT: 'sperrede opplysninger ble åpnet fordi det var akutt',
};
/** The same where there was nothing to open, or it was refused. */
const wanting: typeof opening = {
  FORHOYET_SAMTYKKE: 'ba om å åpne sperrede opplysninger med ditt samtykke, men ingen ble åpnet',
  FORHOYET_AKUTT: 'ba om å åpne sperrede opplysninger fordi det var akutt, men ingen ble åpnet',
};

/** Why, for the patient to read. The professional's own words are not shown (reference 14.5). */
export const reasonText = ({ caller_kind, purpose, access_basis, override }: AccessRow): string => {
  if (caller_kind === 'citizen') return 'Innsyn for deg selv eller en som representerer deg';
  const why = purpose ? purposes[purpose] : caller_kind === 'system' ? 'Automatisk behandling' : 'Formål ikke oppgitt';
  const opened = access_basis && (override ? opening : wanting)[access_basis];
  return opened ? `${why}; ${opened}` : why;
};
