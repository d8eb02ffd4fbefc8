import type { Purpose } from '../schema/caller.ts';
import { identifierSystem } from '../schema/nationalId.ts';
import { kildeAudience } from './issuer/resources.ts';
import type { Population } from './population/model.ts';
import { employees } from './population/practitioners.ts';

type Described = { description: { nb: string; en: string } };
type Care = {
  /** Municipal service type, code system 8663. */
  healthcareService: string;
  /** IPLOS service, code system 9151. */
  serviceDetail?: string;
  defaultPurpose: Purpose;
};
type Place = { legalEntity: string; pointOfCare: string };

/** Somebody whom a tester can be. Everybody is invented. */
export type Persona = Described &
  (
    | ({ kind: 'professional'; hprNumber: string } & Place & Care)
    /** An employee without a HPR number. */
    | ({ kind: 'employee' } & Place & Care)
    | ({ kind: 'administrator' } & Place)
    | { kind: 'citizen' | 'parent'; defaultPatient: string }
    | { kind: 'system'; legalEntity: string }
  );

const testdal = '310000019';
const testdalHomeCare: Place = { legalEntity: testdal, pointOfCare: '310002011' };
const nordvikSurgery: Place = { legalEntity: '310005010', pointOfCare: '310005010' }; // no unit of its own: ATT-19

export const personas = {
  'legevakt-doctor': {
    kind: 'professional',
    description: {
      nb: 'Legevaktslege i Testdal: øyeblikkelig hjelp',
      en: 'Doctor at Testdal casualty clinic: emergency care',
    },
    hprNumber: '9990004',
    legalEntity: testdal,
    pointOfCare: '310003018',
    healthcareService: 'KA02',
    defaultPurpose: 'ETREAT',
  },
  gp: {
    kind: 'professional',
    description: {
      nb: 'Fastlege ved Nordvik legekontor',
      en: 'General practitioner at Nordvik surgery',
    },
    hprNumber: '9990005',
    ...nordvikSurgery,
    healthcareService: 'KA01',
    defaultPurpose: 'TREAT',
  },
  'home-nurse': {
    kind: 'professional',
    description: {
      nb: 'Sykepleier i Testdal hjemmetjeneste',
      en: 'Nurse in Testdal home care',
    },
    hprNumber: '9990002',
    ...testdalHomeCare,
    healthcareService: 'KP02',
    serviceDetail: '15',
    defaultPurpose: 'TREAT',
  },
  'health-worker': {
    kind: 'professional',
    description: {
      nb: 'Helsefagarbeider i Testdal hjemmetjeneste: ser mindre enn sykepleieren',
      en: 'Health worker in Testdal home care: sees less than the nurse',
    },
    hprNumber: '9990003',
    ...testdalHomeCare,
    healthcareService: 'KP02',
    defaultPurpose: 'TREAT',
  },
  'service-allocation-officer': {
    kind: 'employee',
    description: {
      nb: 'Saksbehandler på tildelingskontoret i Testdal, uten HPR-nummer: bare koordinering',
      en: 'Service allocation officer in Testdal, without a HPR number: coordination only',
    },
    legalEntity: testdal,
    pointOfCare: testdal,
    healthcareService: 'KD0501',
    defaultPurpose: 'COC',
  },
  pharmacist: {
    kind: 'professional',
    description: {
      nb: 'Farmasøyt ved Nordvik legekontor: bare legemidler og kritisk informasjon',
      en: 'Pharmacist at Nordvik surgery: medication and critical information only',
    },
    hprNumber: '9990006',
    ...nordvikSurgery,
    healthcareService: 'KA01',
    defaultPurpose: 'TREAT',
  },
  'nursing-home-doctor': {
    kind: 'professional',
    description: {
      nb: 'Lege ved Testdal sykehjem',
      en: 'Doctor at Testdal nursing home',
    },
    hprNumber: '9990001',
    legalEntity: testdal,
    pointOfCare: '310001015',
    healthcareService: 'KP01',
    defaultPurpose: 'TREAT',
  },
  citizen: {
    kind: 'citizen',
    description: {
      nb: 'Innbygger som ser sine egne opplysninger: personen det spørres om',
      en: 'Citizen who reads their own record: the person asked for',
    },
    defaultPatient: '14834841291',
  },
  parent: {
    kind: 'parent',
    description: {
      nb: 'Forelder med foreldreansvar for barnet det spørres om',
      en: 'Parent with responsibility for the child asked for',
    },
    defaultPatient: '21861761093',
  },
  'system-ingest': {
    kind: 'system',
    description: {
      nb: 'Fagsystem i Testdal kommune som leverer hendelser, uten bruker',
      en: 'System of Testdal municipality that delivers events, without a user',
    },
    legalEntity: testdal,
  },
  administrator: {
    kind: 'administrator',
    description: {
      nb: 'Administrator i Testdal kommune, uten tilgang til pasienter',
      en: 'Administrator in Testdal municipality, without access to patients',
    },
    legalEntity: testdal,
    pointOfCare: testdal,
  },
} satisfies Record<string, Persona>;

export type PersonaName = keyof typeof personas;
export const personaNames = Object.keys(personas) as [PersonaName, ...PersonaName[]];

type Claims = Record<string, unknown>;
type Holder = { nationalId: string; name: { given: string; family: string } };

const vendor = (name: string): Claims => ({
  client_id: `sandbox-${name}`,
  'helseid://claims/client/client_name': `Sandkasse-${name}`,
  'helseid://claims/client/amr': 'private_key_jwt',
});
const organisation = ({ legalEntity, pointOfCare }: { legalEntity: string; pointOfCare?: string }): Claims => ({
  'helseid://claims/client/claims/orgnr_parent': legalEntity,
  'helseid://claims/client/claims/orgnr_child': pointOfCare,
  'helseid://claims/client/claims/client_tenancy': 'multi-tenant',
});
/** `sub` says nothing about the person, as HelseID's pseudonym. */
const person = ({ nationalId, name }: Holder, sub: string): Claims => ({
  sub,
  name: `${name.given} ${name.family}`,
  idp: 'testidp-oidc',
  'helseid://claims/identity/pid': nationalId,
  'helseid://claims/identity/security_level': '4',
  'helseid://claims/identity/assurance_level': 'high',
});

const organisationSystem = 'urn:oid:2.16.578.1.12.4.1.4.101';
/** The trust framework's attest in HelseID's structure (reference 11.1), made now: it lives 60 minutes. */
const attest = (
  { legalEntity, pointOfCare, healthcareService, serviceDetail, defaultPurpose }: Place & Care,
  authorization: string | null,
  { patient, purpose = defaultPurpose }: Asked,
): Claims => ({
  type: 'nhn:tillitsrammeverk:parameters',
  practitioner: {
    ...(authorization ? { authorization: { code: authorization, system: 'urn:oid:2.16.578.1.12.4.1.1.9060' } } : {}),
    legal_entity: { id: legalEntity, system: organisationSystem },
    point_of_care: { id: pointOfCare, system: organisationSystem },
  },
  care_relationship: {
    healthcare_service: { code: healthcareService, system: 'urn:oid:2.16.578.1.12.4.1.1.8663' },
    purpose_of_use: { code: purpose, system: 'urn:oid:2.16.840.1.113883.1.11.20448' },
    ...(serviceDetail
      ? { purpose_of_use_details: { code: serviceDetail, system: 'urn:oid:2.16.578.1.12.4.1.1.9151' } }
      : {}),
    decision_ref: { id: 'sandkasse-vedtak-1', user_selected: purpose === 'BTG' },
  },
  attestation: { toa: Math.floor(Date.now() / 1_000) },
  ...(patient ? { patients: [{ identifier: { id: patient, system: identifierSystem(patient) } }] } : {}),
});

type Asked = { patient?: string | undefined; purpose?: Purpose | undefined };

/**
 * Claims of a token for Kilde as this persona would bring it: for a professional with the attest, bound to `patient` when
 * there is one; for a citizen without organisation, a parent's with the child as `subject`.
 *
 * @returns `null` when the persona cannot be this patient, or anybody to them: not in the sandbox, or without parents
 */
export const claimsFor = (name: PersonaName, asked: Asked, population: Population): Claims | null => {
  const persona: Persona = personas[name];
  const common = (scope: string): Claims => ({ aud: kildeAudience, scope: [`kilde:api/${scope}`] });

  switch (persona.kind) {
    case 'professional': {
      const practitioner = population.practitioners.find(({ hprNumber }) => hprNumber === persona.hprNumber);
      if (!practitioner) throw new Error(`no practitioner in the population for the persona ${name}`);
      return {
        ...common('read'),
        ...vendor('EPJ'),
        ...organisation(persona),
        ...person(practitioner, name),
        'helseid://claims/hpr/hpr_number': persona.hprNumber,
        authorization_details: [attest(persona, practitioner.category, asked)],
      };
    }
    case 'employee':
      return {
        ...common('read'),
        ...vendor('fagsystem'),
        ...organisation(persona),
        ...person(employees[0]!, name),
        authorization_details: [attest(persona, null, asked)],
      };
    case 'administrator':
      return { ...common('admin'), ...vendor('forvaltning'), ...organisation(persona), ...person(employees[0]!, name) };
    case 'system': {
      const client = vendor('fagsystem');
      return { ...common('events.write'), ...client, ...organisation(persona), sub: client['client_id'] };
    }
    case 'citizen':
    case 'parent': {
      const nationalId = asked.patient ?? persona.defaultPatient;
      const patient = population.byNationalId(nationalId);
      const key = persona.kind === 'parent' ? patient?.parents[0]?.key : patient?.key;
      const holder = key === undefined ? undefined : population.byKey(key);
      if (!holder) return null;
      const own = persona.kind === 'citizen';
      const { givenName: given, familyName: family, registerId } = holder;
      return {
        ...common('citizen'),
        ...vendor('portal'),
        ...person({ nationalId: own ? nationalId : holder.nationalId, name: { given, family } }, registerId),
        ...(own ? {} : { subject: nationalId }),
      };
    }
  }
};
