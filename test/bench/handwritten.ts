import { randomUUID } from 'node:crypto';
import {
  type Asking,
  closeSources,
  findPanels,
  findPerson,
  findServices,
  getDoctors,
  getMedication,
  getParty,
  getProfessional,
  readCritical,
  searchDocuments,
  searchResults,
} from './handwrittenCalls.ts';
import { type Collected, doctorsOn, element, merge } from './handwrittenMerge.ts';
import { answerParent } from './processes.ts';
import { serveAnswers } from './serveAnswers.ts';
import { usage } from './usage.ts';

/**
 * The other subject: one program for one question. It believes the caller's token without verifying it, decides nothing,
 * logs nothing, and does not check what sources answer: a lower bound, not an alternative.
 */
type Claims = {
  name: string;
  client_id: string;
  'helseid://claims/client/claims/orgnr_parent': string;
  'helseid://claims/client/claims/orgnr_child': string;
  authorization_details: { practitioner: { authorization: { code: string } } }[];
};

const readAsking = (token: string): Asking => {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Claims;
  const legalEntity = claims['helseid://claims/client/claims/orgnr_parent'];
  const authorization = claims.authorization_details[0]!.practitioner.authorization.code;
  return {
    token,
    authorization,
    legalEntity,
    assertion: {
      traceId: '',
      eventId: randomUUID(),
      caller: {
        kind: 'professional',
        role: 'doctor',
        nin: '',
        name: claims.name,
        hprNumber: null,
        authorization,
        organisation: { legalEntity, pointOfCare: claims['helseid://claims/client/claims/orgnr_child'] },
        attest: null,
        clientId: claims.client_id,
        clientName: '',
      },
      patients: [],
      categories: [],
      purpose: 'ETREAT',
      accessBasis: 'AKUTT',
      deadline: 0,
    },
  };
};

const readDoctors = async (nationalId: string, asking: Asking): Promise<Collected['doctors']> => {
  const list = await getDoctors(nationalId, asking);
  const [party, ...professionals] = await Promise.all([
    getParty(element(list, 'GPHerId') ?? '', asking),
    ...doctorsOn(list).map((doctor) => getProfessional(element(doctor, 'HprNumber') ?? '', asking)),
  ]);
  return { list, professionals, party };
};

const reportParameters =
  '_include=DiagnosticReport%3Aspecimen&_include=DiagnosticReport%3Abased-on' +
  '&_include%3Aiterate=ServiceRequest%3Arequester&_count=100&_skip=0';

const summarise = async (nationalId: string, asking: Asking) => {
  const { person, isFresh } = await findPerson(nationalId, asking);
  const critical = (type: string) => readCritical(type, nationalId, asking);
  const results = (searched: string, body: string) => searchResults(searched, body, nationalId, asking);
  const [consents, allergies, devices, conditions, procedures, flags, medication, panels, services, ...rest] =
    await Promise.all([
      critical('Consent'),
      critical('AllergyIntolerance'),
      critical('DeviceUseStatement'),
      critical('Condition'),
      critical('Procedure'),
      critical('Flag'),
      getMedication(person, asking),
      findPanels(person, asking, 5),
      findServices(person, asking),
      results('DiagnosticReport', reportParameters),
      results('Observation', '_count=500&_skip=0'),
      results('PractitionerRole', '_count=500&_skip=0'),
      searchDocuments(nationalId, asking),
      readDoctors(nationalId, asking),
    ]);
  const [reports, observations, roles, documents, doctors] = rest;
  return merge({
    person,
    isFresh,
    critical: {
      Consent: consents,
      AllergyIntolerance: allergies,
      DeviceUseStatement: devices,
      Condition: conditions,
      Procedure: procedures,
      Flag: flags,
    },
    medication,
    panels,
    services,
    laboratory: { reports, observations, roles },
    documents,
    doctors,
  });
};

const server = await serveAnswers(async (body, token) => {
  const { variables } = JSON.parse(body) as { variables: { patient: string } };
  return JSON.stringify(await summarise(variables.patient, readAsking(token)));
});

answerParent({ url: () => server.url, usage }, async () => {
  server.close();
  await closeSources();
});
