import { createHmac, randomUUID } from 'node:crypto';
import pg from 'pg';
import { Pool } from 'undici';
import type { Assertion } from '../../schema/assertion.ts';
import { deriveKey } from '../../schema/keys.ts';
import type { Authentication } from '../../subgraphs/_shared/source.ts';
import { createTokens } from '../../subgraphs/_shared/tokens.ts';
import { securityLabels } from '../../subgraphs/hendelseslager/securityLabels.ts';
import type { Bundle, PanelRow, Parameters, Person, RegisterPerson, ServiceRow } from './handwrittenMerge.ts';

/**
 * The same calls to the same sources as Kilde makes for an emergency summary, written out by hand for this one question:
 * nothing of the answers is checked, nothing is tried again, and a source that fails fails the whole.
 */
const env = (name: string): string => process.env[name] ?? '';
const key = (purpose: string): Buffer => deriveKey(Buffer.from(env('KILDE_KEY'), 'base64'), purpose);
const hmac = (secret: Buffer, text: string): Buffer => createHmac('sha256', secret).update(text).digest();

const indexKey = key('person-index-hmac');
const personKey = key('event-person');
const tokens = await createTokens(process.env);
const events = new pg.Pool({ connectionString: env('HENDELSESLAGER_DATABASE_URL'), max: 10 });
const index = new pg.Pool({ connectionString: env('DATABASE_URL'), max: 10 });

/** On whose behalf: what of the caller's token the calls need. */
export type Asking = { token: string; assertion: Assertion; authorization: string; legalEntity: string };

const forever = new AbortController().signal; // the sources' own timeouts are enough here

type Call = { method: 'GET' | 'POST'; path: string; headers: Record<string, string>; body?: string };
type Answer = { text: string; headers: Record<string, unknown> };

const sourceAt = (variable: string, authentication: Authentication) => {
  const base = env(variable).replace(/\/$/, '');
  const { origin, pathname } = new URL(base);
  const folder = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, { connections: 64, headersTimeout: 2_000 });
  const authorize = async (method: string, path: string, { token, assertion }: Asking) => {
    if (authentication.as === 'nobody') return {};
    if (authentication.as === 'basic') {
      const { username, password } = authentication;
      return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
    }
    const target = { method, url: `${origin}${folder}/${path.split('?', 1)[0]}` };
    const context = { assertion, subjectToken: token, signal: forever };
    const signed = await tokens.headersFor(variable, authentication, target, context);
    if (!signed.ok) throw new Error(`${variable}: no token`);
    return signed.value;
  };
  return async ({ method, path, headers, body }: Call, asking: Asking): Promise<Answer> => {
    const signed = await authorize(method, path, asking);
    const answer = await pool.request({
      method,
      path: `${folder}/${path}`,
      headers: { accept: 'application/json', ...headers, ...signed },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${variable} answered ${answer.statusCode}`);
    return { text, headers: answer.headers };
  };
};

const user = (audience: string, scope: string): Authentication => ({ as: 'user', audience, scope });
const basic = (register: string): Authentication => ({
  as: 'basic',
  username: env(`${register}_USERNAME`),
  password: env(`${register}_PASSWORD`),
});
const persontjenesten = sourceAt('PERSONTJENESTEN_URL', {
  as: 'machine',
  audience: 'nhn:hgd-persontjenesten-api',
  scope: 'nhn:hgd-persontjenesten-api/read-with-legal-basis',
});
const kritiskInformasjon = sourceAt(
  'KRITISK_INFORMASJON_URL',
  user('nhn:critical-information', 'nhn:critical-information/api'),
);
const journaldokumenter = sourceAt(
  'PJD_URL',
  user('nhn:phr/mhd', 'nhn:phr/mhd/read-documentreferences/kjernejournalforskriften'),
);
const provesvar = sourceAt('PPS_URL', user('nhn:pps', 'nhn:pps/provesvar-read'));
const eresept = sourceAt('SFM_URL', user('e-helse:sfm.api', 'e-helse:sfm.api/sfm.api2'));
const fastlegeregisteret = sourceAt('FLR_URL', basic('FLR'));
const helsepersonellregisteret = sourceAt('HPR_URL', basic('HPR'));
const adresseregisteret = sourceAt('AR_URL', basic('AR'));

const sourceSystem = 'Kilde 0.1';
const form = 'application/x-www-form-urlencoded';

const personPath =
  'api/legal-basis/person/get-by-nin?informationParts=Name&informationParts=Birth&informationParts=Gender' +
  '&informationParts=Death&informationParts=NorwegianIdentificationNumber&informationParts=AddressProtection' +
  '&informationParts=ResidentialAddress&informationParts=PostalAddress&informationParts=ParentalResponsibility' +
  '&informationParts=GuardianshipOrFuturePowerOfAttorney&includeHistory=true';
const findId =
  'select p.id, p.sealed, p.as_of from grunndata.national_id n join grunndata.person p on p.id = n.person where n.hash = $1';
const rememberMs = 30_000;
const remembered = new Map<string, { person: Person; until: number }>();

/** Who it is, and under which id Kilde keeps the person's events; remembered as long as Kilde remembers it. */
export const findPerson = async (nationalId: string, asking: Asking): Promise<{ person: Person; isFresh: boolean }> => {
  const known = remembered.get(nationalId);
  if (known && known.until > Date.now()) return { person: known.person, isFresh: false };
  const [answer, found] = await Promise.all([
    persontjenesten(
      {
        method: 'POST',
        path: personPath,
        headers: { 'content-type': form, 'api-version': '2' },
        body: `nin=${nationalId}`,
      },
      asking,
    ),
    index.query<{ id: string }>(findId, [hmac(indexKey, nationalId)]),
  ]);
  const person = { id: found.rows[0]!.id, nationalId, register: JSON.parse(answer.text) as RegisterPerson };
  remembered.set(nationalId, { person, until: Date.now() + rememberMs });
  return { person, isFresh: true };
};

const roleHeader = (code: string) =>
  encodeURIComponent(JSON.stringify({ system: 'urn:oid:2.16.578.1.12.4.1.1.9060', code }));
const nhnHeaders = (eventId: string) => ({
  'nhn-access-basis': 'AKUTT',
  'nhn-source-system': sourceSystem,
  'nhn-event-id': eventId,
});

export const readCritical = async (type: string, nationalId: string, asking: Asking): Promise<Bundle> => {
  const headers = {
    accept: 'application/fhir+json',
    'nhn-patient-nin': nationalId,
    'nhn-user-role': roleHeader(asking.authorization),
    ...nhnHeaders(asking.assertion.eventId),
  };
  const { text } = await kritiskInformasjon({ method: 'GET', path: type, headers }, asking);
  return JSON.parse(text) as Bundle;
};

export const searchDocuments = async (
  nationalId: string,
  asking: Asking,
): Promise<{ bundle: Bundle; withheld: number }> => {
  const { text, headers } = await journaldokumenter(
    {
      method: 'POST',
      path: 'R4/fhir/DocumentReference/_search',
      headers: {
        accept: 'application/fhir+json; fhirVersion=4.0',
        'content-type': form,
        ...nhnHeaders(asking.assertion.eventId),
      },
      body:
        `patient.identifier=urn%3Aoid%3A2.16.578.1.12.4.1.4.1%7C${nationalId}` +
        '&status=current&_count=100&_page=1&_sort=-date',
    },
    asking,
  );
  return { bundle: JSON.parse(text) as Bundle, withheld: Number(headers['nhn-securitylabel-nors-count']) };
};

export const searchResults = async (
  searched: string,
  body: string,
  nationalId: string,
  asking: Asking,
): Promise<Bundle> => {
  const headers = {
    accept: 'application/fhir+json',
    'content-type': form,
    'person-id': nationalId,
    'access-basis': 'AKUTT',
    'requester-hpr-role': asking.authorization,
    'x-correlation-id': asking.assertion.eventId,
  };
  const { text } = await provesvar({ method: 'POST', path: `${searched}/_search`, headers, body }, asking);
  return JSON.parse(text) as Bundle;
};

export const getMedication = async ({ nationalId, register }: Person, asking: Asking): Promise<Parameters> => {
  const [name] = register.name;
  const body = {
    resourceType: 'Parameters',
    parameter: [
      {
        name: 'patient',
        resource: {
          resourceType: 'Patient',
          identifier: [{ system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: nationalId }],
          name: [{ family: name?.familyName, given: [name?.givenName] }],
        },
      },
      { name: 'SamtykkeKjernejournal', valueCode: 'HPAKUTT' },
    ],
  };
  const headers = { 'content-type': 'application/fhir+json', accept: 'application/fhir+json' };
  const call = { method: 'POST' as const, path: 'Patient/$getMedication', headers, body: JSON.stringify(body) };
  return JSON.parse((await eresept(call, asking)).text) as Parameters;
};

const soap = (variable: string, action: string, content: string): Call => ({
  method: 'POST',
  path: '',
  headers: {
    accept: 'application/soap+xml',
    'content-type': `application/soap+xml; charset=utf-8; action="${action}"`,
  },
  body:
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">' +
    `<s:Header><a:Action s:mustUnderstand="1">${action}</a:Action>` +
    `<a:MessageID>urn:uuid:${randomUUID()}</a:MessageID>` +
    '<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>' +
    `<a:To s:mustUnderstand="1">${env(variable)}</a:To></s:Header><s:Body>${content}</s:Body></s:Envelope>`,
});

export const getDoctors = async (nationalId: string, asking: Asking): Promise<string> => {
  const namespace = 'http://schemas.nhn.no/reg/flr';
  const content = `<GetPatientGPDetails xmlns="${namespace}"><patientNin>${nationalId}</patientNin></GetPatientGPDetails>`;
  const action = `${namespace}/IFlrReadOperations/GetPatientGPDetails`;
  return (await fastlegeregisteret(soap('FLR_URL', action, content), asking)).text;
};
export const getProfessional = async (hprNumber: string, asking: Asking): Promise<string> => {
  const namespace = 'http://schemas.nhn.no/reg/HPRv2';
  const content =
    `<HentPerson xmlns="${namespace}"><hprNummer>${hprNumber}</hprNummer>` +
    `<påTidspunkt>${new Date().toISOString()}</påTidspunkt></HentPerson>`;
  return (await helsepersonellregisteret(soap('HPR_URL', `${namespace}/IHPR2Service/HentPerson`, content), asking))
    .text;
};
export const getParty = async (herId: string, asking: Asking): Promise<string> => {
  const namespace = 'http://register.nhn.no/CommunicationParty';
  const content = `<GetCommunicationPartyDetails xmlns="${namespace}"><herId>${herId}</herId></GetCommunicationPartyDetails>`;
  const action = `${namespace}/ICommunicationPartyService/GetCommunicationPartyDetails`;
  return (await adresseregisteret(soap('AR_URL', action, content), asking)).text;
};

const readable = (table: string) =>
  `($2::text[] is null or ${table}.legal_entity = any($2)) and ${table}.security_label = any($3::text[])`;
const fromEvent = 'e.id as event_id, e.person_id, e.recorded, e.security_label, e.payload';
const selectServices = `
  select s.position, s.legal_entity, s.episode, s.status, s.state, ${fromEvent}
    from hendelseslager.service s join hendelseslager.event e using (position)
   where s.person = any($1::bytea[]) and ${readable('s')} and s.status <> 'entered-in-error'
     and ($4::text[] is null or s.status = any($4))
   order by s.state->'period'->>'start' desc nulls last, s.position desc`;
const selectPanels = `
  select t.position, t.legal_entity, t.observation, t.measured_at, t.state, ${fromEvent}
    from unnest($1::bytea[]) as own(key) cross join lateral (
      select * from hendelseslager.news2 t
       where t.person = own.key and ${readable('t')} and t.status <> 'entered-in-error'
         and ($7::timestamptz is null or t.measured_at >= $7)
         and ($4::timestamptz is null or (t.measured_at, t.position) < ($4::timestamptz, $5::bigint))
       order by t.measured_at desc, t.position desc limit $6
    ) t join hendelseslager.event e using (position)
   order by t.measured_at desc, t.position desc limit $6`;
const selectWithheld = (table: string) => `
  select exists (
    select from hendelseslager.${table} t
     where t.person = any($1::bytea[]) and t.security_label <> 'N' and ${readable('t')}
  ) as withheld`;
const withheldPanels = selectWithheld('news2');
const withheldServices = selectWithheld('service');
const visible = securityLabels.filter((label) => label !== 'NORS');

const scopeOf = ({ nationalId, id }: Person, { legalEntity }: Asking) => ({
  keys: [hmac(personKey, nationalId), hmac(personKey, id)],
  entities: [legalEntity],
});
const isWithheld = async (sql: string, keys: Buffer[], entities: string[]): Promise<boolean> =>
  (await events.query<{ withheld: boolean }>(sql, [keys, entities, ['NORS']])).rows[0]!.withheld;

export const findServices = async (person: Person, asking: Asking) => {
  const { keys, entities } = scopeOf(person, asking);
  const [{ rows }, withheld] = await Promise.all([
    events.query<ServiceRow>(selectServices, [keys, entities, visible, null]),
    isWithheld(withheldServices, keys, entities),
  ]);
  return { rows, withheld };
};
export const findPanels = async (person: Person, asking: Asking, first: number) => {
  const { keys, entities } = scopeOf(person, asking);
  const [{ rows }, withheld] = await Promise.all([
    events.query<PanelRow>(selectPanels, [keys, entities, visible, null, null, first + 1, null]),
    isWithheld(withheldPanels, keys, entities),
  ]);
  return { rows: rows.slice(0, first), withheld };
};

export const closeSources = async (): Promise<void> => {
  await Promise.all([tokens.close(), events.end(), index.end()]);
};
