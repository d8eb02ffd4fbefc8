import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { readFacts } from '../../gateway/plan/supergraph.ts';
import { loadPolicies } from '../../gateway/policy/cedar.ts';
import { createPolicy, type Decision } from '../../gateway/policy/decide.ts';
import type { PersonFacts } from '../../gateway/policy/person.ts';
import { type Caller, type Purpose, type Role, roles } from '../../schema/caller.ts';
import { categories } from '../../schema/categories.ts';
import { readSupergraph } from '../../schema/compose.ts';
import { readPolicies, readPolicySchema } from '../../schema/policy/read.ts';
import type { PrivacySetting } from '../../schema/privacySetting.ts';
import type { ElevatedBasis } from '../../schema/sources.ts';

/**
 * `npm run policy:table`: who may see what in which situation, as the policies decide it, for a privacy officer to read and
 * sign. Committed as `docs/tilgang.md`; each of its rows is a test.
 */
const patient = '14834841291';
const parent = '30818522025';
const guardian = '02915631153';
const today = '2026-11-25';
const hprNumber = '9990004';

type Situation = {
  title: string;
  person?: Partial<PersonFacts>;
  attest?: Partial<NonNullable<Attest>> | null;
  /** For professionals: others are refused before anything is decided. */
  elevated?: ElevatedBasis;
};
type Attest = Extract<Caller, { kind: 'professional' }>['attest'];

const bornYearsAgo = (years: number, days = 0): string =>
  new Date(Date.UTC(2026 - years, 10, 25 + days)).toISOString().slice(0, 10);
const setting = (type: PrivacySetting['type'], source: string, scope: string | null): Partial<PersonFacts> => ({
  settings: [{ type, source, scope }],
});
const child = (birthDate: string): Partial<PersonFacts> => ({ birthDate, responsible: [parent] });

const situations: readonly Situation[] = [
  { title: 'Attesten nevner pasienten (behandling)' },
  { title: 'Attesten nevner pasienten (øyeblikkelig hjelp)', attest: { purpose: 'ETREAT' } },
  { title: 'Attesten nevner pasienten (nødtilgang, BTG)', attest: { purpose: 'BTG' } },
  { title: 'Ingen attest, eller en som er utløpt', attest: null },
  { title: 'Attesten nevner en annen pasient', attest: { patient: guardian } },
  { title: 'Pasienten har sperret legemidler', person: setting('restriction', 'ERESEPT', 'medication') },
  { title: 'Pasienten har sperret hele Pasientens prøvesvar', person: setting('restriction', 'PROVESVAR', null) },
  {
    title: 'Pasienten har sperret legemidler, åpnet med forhøyet samtykke',
    person: setting('restriction', 'ERESEPT', 'medication'),
    elevated: 'FORHOYET_SAMTYKKE',
  },
  {
    title: 'Pasienten har sperret legemidler, åpnet med forhøyet akutt',
    person: setting('restriction', 'ERESEPT', 'medication'),
    attest: { purpose: 'BTG' },
    elevated: 'FORHOYET_AKUTT',
  },
  {
    title: 'Pasienten har sperret en periode i prøvesvar (avgjøres per svar)',
    person: setting('restriction', 'PROVESVAR', 'laboratory 2020-01-01/2021-01-01'),
  },
  { title: 'Pasienten har reservert seg mot Kjernejournal', person: setting('reservation', 'KJERNEJOURNAL', null) },
  { title: 'Pasienten har blokkert denne behandleren', person: setting('block', '*', hprNumber) },
  {
    title: 'Pasienten har blokkert denne behandleren, som bruker nødtilgang',
    person: setting('block', '*', hprNumber),
    attest: { purpose: 'BTG' },
  },
  {
    title: 'Pasienten har blokkert denne behandleren, som oppgir forhøyet grunnlag',
    person: setting('block', '*', hprNumber),
    attest: { purpose: 'ETREAT' },
    elevated: 'FORHOYET_AKUTT',
  },
  {
    title: 'Pasienten har reservert seg mot Kjernejournal, og behandleren oppgir forhøyet grunnlag',
    person: setting('reservation', 'KJERNEJOURNAL', null),
    elevated: 'FORHOYET_SAMTYKKE',
  },
  { title: 'Pasienten har blokkert en annen behandler', person: setting('block', '*', '9990007') },
  { title: 'Pasienten er død', person: { deceased: true } },
  { title: 'Pasienten har fortrolig adresse', person: { addressProtection: 'Confidential', responsible: [parent] } },
  { title: 'Adressesperre er ukjent: registeret svarer ikke', person: { addressProtection: null } },
  { title: 'Barn på 11 år', person: child(bornYearsAgo(12, 1)) },
  { title: 'Barn på 12 år, fra bursdagen', person: child(bornYearsAgo(12)) },
  { title: 'Barn på 15 år', person: child(bornYearsAgo(16, 1)) },
  { title: 'Ungdom på 16 år, fra bursdagen', person: child(bornYearsAgo(16)) },
  {
    title: 'Barn på 5 år med fortrolig adresse',
    person: { ...child(bornYearsAgo(5)), addressProtection: 'StrictlyConfidential' },
  },
  { title: 'Barn på 5 år som er dødt', person: { ...child(bornYearsAgo(5)), deceased: true } },
  { title: 'Barn der fødselsdatoen ikke er kjent på dagen', person: child('2020') },
  { title: 'Pasienten har verge', person: { guardians: [guardian] } },
];

const about = (change: Partial<PersonFacts> = {}): PersonFacts => ({
  id: '7d0f5a52-0000-4000-8000-00000000a001',
  nins: [patient],
  name: null,
  birthDate: '1948-03-14',
  deceased: false,
  addressProtection: 'Unclassified',
  responsible: [],
  guardians: [],
  settings: [],
  status: 'FRESH',
  asOf: null,
  ...change,
});

const professional = (role: Role, { attest = {} }: Situation, legalEntity = '310000019'): Caller => ({
  kind: 'professional',
  role,
  nin: '21861761093',
  name: 'Stille Elg',
  hprNumber,
  authorization: null,
  organisation: { legalEntity, pointOfCare: null },
  attest: attest && {
    patient,
    purpose: 'TREAT' satisfies Purpose,
    purposeDetail: null,
    healthcareService: 'KA02',
    decisionRef: null,
    authorization: null,
    ...attest,
  },
  clientId: 'epj-1',
  clientName: 'EPJ',
});
const citizen = (nin: string): Caller => ({
  kind: 'citizen',
  role: 'citizen',
  nin,
  name: 'Stille Elg',
  clientId: 'portal',
  clientName: 'Portal',
});
const system: Caller = {
  kind: 'system',
  role: 'system',
  organisation: { legalEntity: '310000019', pointOfCare: null },
  clientId: 'fagsystem',
  clientName: 'Fagsystem',
};

const names: Partial<Record<Role, string>> = {
  doctor: 'Lege',
  nurse: 'Sykepleier',
  healthWorker: 'Helsefagarbeider',
  therapist: 'Fysio- og ergoterapeut',
  pharmacist: 'Farmasøyt',
  serviceAllocationOfficer: 'Saksbehandler',
  administrator: 'Administrator',
};
const who = (situation: Situation): [name: string, caller: Caller][] => [
  ...roles.flatMap((role): [string, Caller][] => {
    const name = names[role];
    return name ? [[name, professional(role, situation)]] : [];
  }),
  ['Lege i en annen kommune', professional('doctor', situation, '310009999')],
  ['Innbyggeren selv', citizen(patient)],
  ['Forelder', citizen(parent)],
  ['Verge', citizen(guardian)],
  ['En annen innbygger', citizen('51829135594')],
  ['Fagsystem uten bruker', system],
];

const cells = { permit: '✓', restricted: 'S', deny: '–' } as const;
const letters: Partial<Record<string, string>> = { BLOCKED: 'B', RESERVED: 'R' };
const cellsOf = ({ mayKnow, categories: decided }: Decision): string[] => [
  mayKnow ? '✓' : '–',
  ...categories.map((category) => {
    const { effect, absence } = decided.get(category)!;
    return letters[absence] && effect === 'deny' ? letters[absence] : cells[effect];
  }),
];

const elevatedFor = ({ kind }: Caller, { elevated }: Situation): ElevatedBasis | null =>
  kind === 'professional' ? (elevated ?? null) : null;

/** Situation -> who -> their cells, in the order of the table's columns. */
export const decisionTable = (): ReadonlyMap<string, ReadonlyMap<string, readonly string[]>> => {
  const policy = createPolicy(loadPolicies(readPolicies(), readPolicySchema()));
  const facts = { ...readFacts(readSupergraph()), categories };
  return new Map(
    situations.map((situation) => [
      situation.title,
      new Map(
        who(situation).map(([name, caller]) => [
          name,
          cellsOf(policy.decide(caller, about(situation.person), facts, today, elevatedFor(caller, situation))),
        ]),
      ),
    ]),
  );
};

const columns = ['Vet om pasienten', ...categories];
const line = (cellTexts: readonly string[]) => `| ${cellTexts.join(' | ')} |`;

/** The table in Markdown. */
export const writeTable = (): string =>
  [
    '# Hvem ser hva',
    '',
    'Laget av policyene i `schema/policy/` med `npm run policy:table`; hver rad er en test. ✓ gis, – gis ikke, S sperret og kan åpnes med forhøyet grunnlag, B blokkert av pasienten og kan ikke åpnes, R reservert. Den som ikke får vite om pasienten, får samme svar som om en ukjent person.',
    '',
    'Helsepersonell åpner det som er sperret, ved å oppgi grunnlag og begrunnelse i forespørselen: `"extensions": { "kilde": { "accessBasis": "FORHOYET_SAMTYKKE", "reason": "…" } }`. `FORHOYET_SAMTYKKE` kan oppgis ved behandling, samordning og øyeblikkelig hjelp (TREAT, COC, ETREAT), `FORHOYET_AKUTT` ved øyeblikkelig hjelp og nødtilgang (ETREAT, BTG). Nødtilgang krever begrunnelse, også uten forhøyet grunnlag. Begrunnelsen er på 3 til 500 tegn uten fødselsnummer, og leses bare av dem som går gjennom loggen. Innbyggeren ser i tilgangsloggen at noe sperret ble åpnet, eller at noen ba om det.',
    ...[...decisionTable()].flatMap(([title, rows]) => [
      '',
      `## ${title}`,
      '',
      line(['', ...columns]),
      line(['---', ...columns.map(() => ':-:')]),
      ...[...rows].map(([name, row]) => line([name, ...row])),
    ]),
    '',
  ].join('\n');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('../../docs/tilgang.md', import.meta.url), writeTable());
}
