import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { identifierSystem, parseNationalId } from '../schema/nationalId.ts';
import { extentExtension } from '../subgraphs/hendelseslager/readModels/service.ts';
import type { RestrictionSetting } from '../subgraphs/personvern/adapter/client.ts';
import { recordRestrictions } from '../subgraphs/personvern/restrictions.ts';
import { kildeAudience } from './issuer/resources.ts';
import { claimsFor } from './personas.ts';
import { osloTime } from './population/calendar.ts';
import type { Population, SyntheticNews2, SyntheticPerson, SyntheticService } from './population/model.ts';
import type { Sandbox } from './sandbox.ts';

/** How often a busy event store is asked again. */
const mostTries = 10;

const organisationSystem = 'urn:oid:2.16.578.1.12.4.1.4.101';
const hprSystem = 'urn:oid:2.16.578.1.12.4.1.4.4';
const loinc = 'http://loinc.org';
const snomed = 'http://snomed.info/sct';

/** Sends one body to `POST /events` as the municipality's system. */
export type PostEvents = (contentType: string, body: string) => Promise<{ status: number }>;

const subjectOf = ({ nationalId }: SyntheticPerson) => ({
  identifier: { system: identifierSystem(nationalId), value: nationalId },
});
const unitOf = ({ number, name }: { number: string; name: string }) => ({
  identifier: { system: organisationSystem, value: number },
  display: name,
});

/** A UUID made of what it stands for, so that the same thing has the same one each time. */
const uuidOf = (...parts: (string | number | null)[]): string => {
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
};

/** The day's work is reported at its beginning; the same body each time, whenever the sandbox is started. */
const reportedAt = (date: string) => osloTime(date, '00:00');

const eventCodes = { active: 'tjeneste-startet', 'on-hold': 'tjeneste-stanset', finished: 'tjeneste-avsluttet' };

/** A service as the municipality's record system reports it: a FHIR message with an EpisodeOfCare. */
const serviceMessage = (person: SyntheticPerson, service: SyntheticService) => {
  const { id, type, status, start, end, extent, unit, contact } = service;
  const focus = `urn:uuid:${id}`;
  return {
    resourceType: 'Bundle',
    type: 'message',
    identifier: { system: 'urn:kilde:sandbox:tjeneste', value: `${id}/${status}` },
    timestamp: reportedAt(status === 'finished' && end ? end : start),
    entry: [
      {
        fullUrl: `urn:uuid:${uuidOf(id, 'header')}`,
        resource: {
          resourceType: 'MessageHeader',
          eventCoding: { system: 'urn:kilde:sandbox:hendelsestype', code: eventCodes[status] },
          source: { name: 'Sandkasse', endpoint: 'urn:kilde:sandbox' },
          focus: [{ reference: focus }],
        },
      },
      {
        fullUrl: focus,
        resource: {
          resourceType: 'EpisodeOfCare',
          id,
          status: status === 'on-hold' ? 'onhold' : status,
          type: [{ coding: [type] }],
          patient: subjectOf(person),
          managingOrganization: unitOf(unit),
          period: { start, ...(end ? { end } : {}) },
          ...(extent ? { extension: [{ url: extentExtension, valueString: extent }] } : {}),
          ...(contact
            ? {
                careManager: { reference: '#kontakt', display: contact.name },
                contained: [
                  {
                    resourceType: 'PractitionerRole',
                    id: 'kontakt',
                    code: [{ text: contact.role }],
                    telecom: [{ system: 'phone', value: contact.phone }],
                  },
                ],
              }
            : {}),
        },
      },
    ],
  };
};

const quantity = (value: number, unit: string, code: string) => ({
  valueQuantity: { value, unit, system: 'http://unitsofmeasure.org', code },
});
const code = (...codings: (readonly [system: string, code: string])[]) => ({
  code: { coding: codings.map(([system, it]) => ({ system, code: it })) },
});

/** Components with the codes of reference 7.4; the scale is said by which SpO2 subscore goes with it. */
const components = (it: SyntheticNews2) => [
  { ...code([loinc, '9279-1'], [snomed, '86290005']), ...quantity(it.respiratoryRate, '/min', '/min') },
  {
    ...code(
      [loinc, '2708-6'],
      [snomed, '431314004'],
      [snomed, it.scale === 2 ? '1104321000000108' : '1104311000000102'],
    ),
    ...quantity(it.oxygenSaturation, '%', '%'),
  },
  {
    ...code([snomed, '1104331000000105']),
    valueCodeableConcept: {
      coding: [{ system: snomed, code: it.supplementalOxygen ? '371825009' : '722742002' }],
      text: it.supplementalOxygen ? 'Oksygen' : 'Romluft',
    },
  },
  { ...code([loinc, '8480-6'], [snomed, '271649006']), ...quantity(it.systolicBloodPressure, 'mm[Hg]', 'mm[Hg]') },
  { ...code([loinc, '8867-4'], [snomed, '364075005']), ...quantity(it.heartRate, '/min', '/min') },
  { ...code([snomed, '1104441000000107']), valueCodeableConcept: { coding: [{ code: it.consciousness }] } },
  { ...code([loinc, '8310-5'], [snomed, '276885007']), ...quantity(it.temperature, '°C', 'Cel') },
];

/** A NEWS2 measurement as a domain event. */
const news2Event = (person: SyntheticPerson, measurement: SyntheticNews2) => ({
  specversion: '1.0',
  id: measurement.id,
  source: 'urn:kilde:sandbox:maalinger',
  type: 'no.kommune.helse.maaling.news2.v1',
  time: measurement.measured,
  datacontenttype: 'application/fhir+json',
  data: {
    resourceType: 'Observation',
    id: measurement.id,
    status: 'final',
    ...code([snomed, '1104051000000101']),
    subject: subjectOf(person),
    effectiveDateTime: measurement.measured,
    ...quantity(measurement.reportedScore, '{score}', '{score}'),
    performer: [
      {
        identifier: { system: hprSystem, value: measurement.performer.hprNumber },
        display: measurement.performer.name,
      },
      unitOf(measurement.unit),
    ],
    component: components(measurement),
  },
});

/** As many as go into one request of 1 MB with room to spare. */
const batchSize = 250;

/**
 * Reports everybody's services and NEWS2 measurements to the event store, through its own door: FHIR messages for the
 * services, CloudEvents in batches for the measurements. What was reported on an earlier day is known by its id and left
 * as it was, although dates counted from today have moved since: 409 is that answer.
 *
 * @returns how many events the store has been given
 */
export const seedEvents = async ({
  population,
  post,
}: {
  population: Population;
  post: PostEvents;
}): Promise<{ events: number }> => {
  let events = 0;
  const send = async (contentType: string, body: unknown, count: number) => {
    const { status } = await post(contentType, JSON.stringify(body));
    if (status !== 202 && status !== 409) throw new Error(`seeding the event store: POST /events answered ${status}`);
    events += count;
  };
  for (const person of population.people) {
    if (!parseNationalId(person.nationalId)) continue;
    for (const service of person.services) await send('application/fhir+json', serviceMessage(person, service), 1);
    for (let start = 0; start < person.news2.length; start += batchSize) {
      const batch = person.news2.slice(start, start + batchSize).map((it) => news2Event(person, it));
      await send('application/cloudevents-batch+json', batch, batch.length);
    }
  }
  return { events };
};

const sourceOf = {
  criticalInformation: 'KJERNEJOURNAL',
  medication: 'ERESEPT',
  labReports: 'PROVESVAR',
  documents: 'JOURNALDOKUMENTER',
};

/** Whole modules are named as Kilde's information categories. */
const categoryOf: Record<SyntheticPerson['privacy']['restrictions'][number]['module'], string> = {
  criticalInformation: 'criticalInformation',
  medication: 'medication',
  labReports: 'laboratory',
  documents: 'documents',
};

const settingsOf = ({ key, nationalId, privacy }: SyntheticPerson): RestrictionSetting[] => {
  const { reservations, restrictions, blockedProfessionals, delayedUntil } = privacy;
  const open = { scope: null, since: null, until: null };
  const settings: Omit<RestrictionSetting, 'id' | 'nationalId'>[] = [
    ...reservations.map((source) => ({ ...open, type: 'reservation' as const, source: source.toUpperCase() })),
    // A period that has not expired says which of the module's entries are restricted, not how long.
    ...restrictions.map(({ module, from, to, expired }) => ({
      type: 'restriction' as const,
      source: sourceOf[module],
      scope: !expired && (from ?? to) ? `${module} ${from ?? ''}/${to ?? ''}` : categoryOf[module],
      since: null,
      until: (expired && to) || null,
    })),
    ...blockedProfessionals.map((scope) => ({ ...open, type: 'block' as const, source: '*', scope })),
    ...(delayedUntil ? [{ ...open, type: 'delay' as const, source: 'PROVESVAR', until: delayedUntil }] : []),
  ];
  return settings.map((setting, index) => ({ ...setting, id: uuidOf(key, setting.type, index), nationalId }));
};

/**
 * What people have restricted, written by the subgraph's own function: the sandbox stands in for the privacy service
 * (PVK), which tells of such settings by callback.
 *
 * @returns how many were new
 */
export const seedRestrictions = async ({
  population,
  databaseUrl,
  env,
}: {
  population: Population;
  databaseUrl: string;
  env: Record<string, string | undefined>;
}): Promise<{ restrictions: number }> => {
  const settings = population.people.filter(({ nationalId }) => parseNationalId(nationalId)).flatMap(settingsOf);
  const stored = await recordRestrictions(databaseUrl, env, settings, AbortSignal.timeout(10_000));
  if (!stored.ok) throw new Error(`seeding restrictions: ${stored.error.kind}`);
  return { restrictions: stored.value };
};

/** Fills a started sandbox through the gateway, as the municipality's own system would. The same again adds nothing. */
export const seed = async ({ sandbox, gatewayUrl }: { sandbox: Sandbox; gatewayUrl: string }): Promise<void> => {
  const { population, issuer, env } = sandbox;
  const claims = claimsFor('system-ingest', {}, population);
  if (!claims) throw new Error('seeding: the persona system-ingest has no claims');
  const token = await issuer.sign(claims, { audience: kildeAudience });
  await seedEvents({
    population,
    post: async (contentType, body) => {
      const headers = { 'content-type': contentType, authorization: `Bearer ${token}` };
      const send = async () => {
        const response = await fetch(new URL('/events', gatewayUrl), { method: 'POST', headers, body });
        await response.arrayBuffer();
        return response;
      };
      let response = await send();
      // As any client of the event store has to: busy is no refusal, and the same again adds nothing.
      for (let tries = 0; response.status === 503 && tries < mostTries; tries += 1) {
        await wait(1_000 * Number(response.headers.get('retry-after') ?? 1));
        response = await send();
      }
      return response;
    },
  });
  await seedRestrictions({ population, databaseUrl: env['DATABASE_URL']!, env });
};
