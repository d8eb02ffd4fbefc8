import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstNationalId } from '../../sandbox/population/nationalIds.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { seedEvents } from '../../sandbox/seed.ts';
import type { Caller } from '../../schema/caller.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import { createDatabase } from '../../subgraphs/_shared/database.ts';
import hendelseslager from '../../subgraphs/hendelseslager/subgraph.ts';
import { citizen, doctor, patientOf } from '../support/ask.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import {
  asking,
  callRoute,
  cloudEvent,
  environment,
  fjordarm,
  gpOffice,
  granskog,
  nordvik,
  patientIn,
  serviceMessage,
  subject,
  systemOf,
  testdal,
} from './hendelseslagerSetup.ts';

const fhir = 'application/fhir+json';
const population = createPopulation();
let postgres: TestPostgres;
let pool: pg.Pool;
let subgraph: Subgraph;

beforeAll(async () => {
  postgres = await startTestPostgres();
  pool = createDatabase(postgres.url);
  subgraph = await hendelseslager.create(environment(postgres.url));
});
afterAll(async () => {
  await Promise.all([subgraph?.close(), pool?.end()]);
  await postgres?.stop();
});

let born = 0;
/** A synthetic person whom no other test and nobody of the population is. */
const somebody = () => {
  born += 1;
  const birthDate = `1931-01-${String(born).padStart(2, '0')}`;
  return patientOf(firstNationalId({ birthDate, sex: 'female', synthetic: 'nhn65' }));
};
const from = (legalEntity: string, caller = doctor(null)): Caller =>
  caller.kind === 'professional' ? { ...caller, organisation: { legalEntity, pointOfCare: null } } : caller;
const store = async (body: unknown, type = 'application/cloudevents+json', legalEntity = testdal) => {
  const answer = await callRoute(subgraph, { body, type, caller: systemOf(legalEntity) });
  expect(answer).toMatchObject({ status: 202 });
};
const services =
  'municipalServices { status absence { code canElevate requires } nodes { id status extent type { text coding { code } } period { start end } unit { name } contact { name role phone } provenance { organisation { identifier { value } } } } }';
const events =
  'events { status absence { code requires } nodes { type { text coding { code system } } occurred format content resourceTypes provenance { organisation { identifier { value } } } } pageInfo { hasNextPage endCursor } }';

it('municipalServices shows the state stated last, also when an older statement arrives late', async () => {
  const patient = somebody();
  const [nin] = patient.nins;
  const state = (timestamp: string, episode: object) =>
    store(serviceMessage(nin, { episode: { ...episode }, bundle: { timestamp } }), fhir);
  await state('2026-03-05T09:00:00+01:00', {});
  await state('2026-05-01T09:00:00+02:00', { status: 'finished', period: { start: '2026-03-05', end: '2026-04-30' } });
  await state('2026-04-01T09:00:00+02:00', { status: 'on-hold' });
  const group = patientIn(await asking(subgraph, patient, services)).municipalServices;
  expect(group).toMatchObject({ status: 'FRESH', absence: null });
  expect(group.nodes).toEqual([
    {
      id: expect.any(String),
      status: 'finished',
      extent: null,
      type: { text: 'Helsetjenester i hjemmet', coding: [{ code: '15' }] },
      period: { start: '2026-03-05', end: '2026-04-30' },
      unit: { name: 'Eksempelvik hjemmetjeneste sone nord' },
      contact: null,
      provenance: { organisation: { identifier: { value: testdal } } },
    },
  ]);
  const active = patientIn(
    await asking(subgraph, patient, 'municipalServices(status: ["active"]) { absence { code } nodes { id } }'),
  );
  expect(active.municipalServices).toEqual({ absence: { code: 'NONE_REGISTERED' }, nodes: [] });
});

it('a service or measurement entered in error is shown no more, and stays among the events', async () => {
  const patient = somebody();
  await store(serviceMessage(patient.nins[0]), fhir);
  await store(
    serviceMessage(patient.nins[0], {
      episode: { status: 'entered-in-error' },
      bundle: { timestamp: '2026-03-06T08:00:00+01:00' },
    }),
    fhir,
  );
  const shown = patientIn(await asking(subgraph, patient, `${services} ${events}`));
  expect(shown.municipalServices.nodes).toEqual([]);
  expect(shown.events.nodes).toHaveLength(2);
});

it('events of another kind are shown as recorded, without national ids, under every number the person has had', async () => {
  const { nins, ...person } = somebody();
  const patient = { ...person, nins: ['11835601481', ...nins] as [string, ...string[]] };
  await store(cloudEvent(nins[0]));
  const byId = cloudEvent(nins[0], {
    subject: `person/${patient.id}`,
    time: '2026-03-06T08:00:00+01:00',
    datacontenttype: 'application/json',
    data: { note: `ring ${granskog}` },
  });
  await store(byId);
  const { nodes } = patientIn(await asking(subgraph, patient, events)).events;
  expect(nodes.map((it: { occurred: string }) => it.occurred)).toEqual([
    '2026-03-06T08:00:00+01:00',
    '2026-03-05T08:00:00+01:00',
  ]);
  expect(nodes[1]).toMatchObject({ format: 'cloudevents', resourceTypes: ['MedicationAdministration'] });
  expect(JSON.parse(nodes[0].content).data).toEqual({ note: 'ring ***********' });
  expect(JSON.stringify(nodes)).not.toContain(nins[0]);
});

it('professionals see their own municipality’s events, a GP’s office what an agreement opens, citizens all their own', async () => {
  const patient = somebody();
  const [nin] = patient.nins;
  await store(cloudEvent(nin));
  await store(cloudEvent(nin), 'application/cloudevents+json', nordvik);
  const seenBy = async (caller: Caller): Promise<string[]> =>
    patientIn(await asking(subgraph, patient, events, { caller })).events.nodes.map(
      (it: { provenance: { organisation: { identifier: { value: string } } } }) =>
        it.provenance.organisation.identifier.value,
    );
  expect(await seenBy(from(testdal))).toEqual([testdal]);
  expect(await seenBy(from(nordvik))).toEqual([nordvik]);
  expect(await seenBy(from(gpOffice))).toEqual([testdal]);
  expect((await seenBy(citizen(nin))).sort()).toEqual([testdal, nordvik].sort());
});

it('an organisation without events here and without an agreement has no access, and is not told «none registered»', async () => {
  const patient = patientOf(fjordarm);
  const answer = await asking(subgraph, patient, `${services} ${events}`, { caller: from('310006017') });
  expect(patientIn(answer)).toEqual({ municipalServices: null, events: null });
  for (const { extensions } of answer.errors!)
    expect(extensions).toEqual({
      code: 'FORBIDDEN',
      source: 'HENDELSESLAGER',
      absence: 'NO_ACCESS',
      retryable: false,
      canElevate: false,
    });
});

it('a category that the assertion does not hold, and a patient it does not name, are denied', async () => {
  const patient = patientOf(fjordarm);
  const denied = await asking(subgraph, patient, `${services} ${events}`, { categories: ['events'] });
  expect(patientIn(denied).municipalServices).toBeNull();
  expect(patientIn(denied).events).not.toBeNull();
  const other = await asking(subgraph, patient, events, { patients: [patientOf(granskog)] });
  expect(patientIn(other).events).toBeNull();
  expect(other.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
});

it('restricted events open with an elevated basis only, delayed ones not for the citizen, refused ones silently not', async () => {
  const patient = somebody();
  const [nin] = patient.nins;
  for (const securitylabel of ['N', 'NORS', 'NORU', 'NORN_FFL'])
    await store(cloudEvent(nin, { securitylabel, type: securitylabel }));
  const seen = async (change: Parameters<typeof asking>[3]) => {
    const answer = await asking(subgraph, patient, events, change);
    const group = patientIn(answer).events;
    const labels = group.nodes.map((it: { type: { text: string } }) => it.type.text).sort();
    return [labels, group.absence, answer.sources[0]?.opened ?? false];
  };
  const restricted = { code: 'RESTRICTED', requires: 'FORHOYET_SAMTYKKE' };
  expect(await seen({})).toEqual([['N', 'NORN_FFL', 'NORU'], restricted, false]);
  expect(await seen({ accessBasis: 'FORHOYET_AKUTT' })).toEqual([['N', 'NORN_FFL', 'NORS', 'NORU'], null, true]);
  expect(await seen({ caller: citizen(nin) })).toEqual([['N', 'NORS'], { code: 'DELAYED', requires: null }, false]);
});

it('a row whose body names somebody else is dropped and counted, and only such rows make the answer invalid', async () => {
  const patient = somebody();
  const [nin] = patient.nins;
  const copy = async (payload: unknown) => {
    await pool.query(
      `with next as (update hendelseslager.counter set last = last + 1 returning last)
       insert into hendelseslager.event
       select next.last, $2::uuid, legal_entity, format, $2::text, sha256, type, person, person_id, occurred, occurred_at, recorded,
              point_of_care, client_id, source_system, security_label, projected, $3::jsonb, original
         from next, (select * from hendelseslager.event where key = $1) e`,
      ['urn:test|original', randomUUID(), JSON.stringify(payload)],
    );
  };
  await store(cloudEvent(nin, { id: 'original' }));
  await copy(cloudEvent(granskog));
  const answer = await asking(subgraph, patient, events);
  expect(patientIn(answer).events.nodes).toHaveLength(1);
  expect(answer.sources).toMatchObject([{ source: 'HENDELSESLAGER', status: 'FRESH', count: 1, dropped: 1 }]);
});

it('the sandbox’s people are seeded through POST /events in seconds, and seeding twice adds none', async () => {
  const post = (type: string, body: string) => callRoute(subgraph, { body, type });
  const before = await pool.query('select last from hendelseslager.counter');
  const started = performance.now();
  const { events: sent } = await seedEvents({ population, post });
  expect(performance.now() - started).toBeLessThan(15_000);
  const after = await pool.query('select last from hendelseslager.counter');
  expect(after.rows[0].last - before.rows[0].last).toBe(sent);
  expect(sent).toBe(population.people.reduce((sum, it) => sum + it.services.length + it.news2.length, 0));
  await seedEvents({ population, post });
  const yesterday = createPopulation({ now: new Date(Date.now() - 86_400_000) });
  const statuses = new Set<number>();
  await seedEvents({
    population: { ...yesterday, people: yesterday.people.filter(({ news2 }) => news2.length <= 100) },
    post: async (type, body) => {
      const answer = await post(type, body);
      statuses.add(answer.status);
      return answer;
    },
  });
  expect(statuses).toContain(409);
  expect((await pool.query('select last from hendelseslager.counter')).rows).toEqual(after.rows);
}, 60_000);

it('seeded services and NEWS2 are shown as the population has them, every measurement recomputed', async () => {
  for (const person of population.people.filter(({ news2 }) => news2.length > 0 && news2.length <= 100)) {
    const patient = { ...patientOf(person.nationalId), birthDate: person.birthDate };
    const shown = patientIn(
      await asking(
        subgraph,
        patient,
        `${services} earlyWarningScores(first: 100) { nodes { measured score reportedScore mismatch complete scale supplementalOxygen applicable risk missing { text } parts { points } performer { identifier { value } } unit { name } } }`,
      ),
    );
    const expected = [...person.news2].sort((a, b) => Date.parse(b.measured) - Date.parse(a.measured));
    const { nodes } = shown.earlyWarningScores;
    expect(nodes).toHaveLength(expected.length);
    for (const [index, it] of expected.entries()) {
      const { measured, reportedScore, scale, supplementalOxygen } = it;
      expect(nodes[index]).toMatchObject({
        measured,
        reportedScore,
        scale,
        supplementalOxygen,
        complete: true,
        missing: [],
        unit: { name: it.unit.name },
      });
      const total = nodes[index].parts.reduce((sum: number, { points }: { points: number }) => sum + points, 0);
      expect(nodes[index].score).toBe(total);
      expect(nodes[index].mismatch).toBe(total !== reportedScore);
      expect(nodes[index].performer.identifier.value).toBe(it.performer.hprNumber);
    }
    const states = shown.municipalServices.nodes.map((it: { status: string }) => it.status).sort();
    expect(states).toEqual(person.services.map(({ status }) => (status === 'on-hold' ? 'onhold' : status)).sort());
    for (const { contact, extent } of person.services)
      expect(shown.municipalServices.nodes).toContainEqual(expect.objectContaining({ contact, extent }));
  }
});

it('5000 measurements are paged newest first without gap or repetition, a page at a time, and a cursor fits its list only', async () => {
  const person = population.byKey('mange-målinger')!;
  const patient = patientOf(person.nationalId);
  const list =
    'earlyWarningScores(first: 100, after: $after) { absence { code } nodes { id measured } pageInfo { hasNextPage endCursor } }';
  const seen: { id: string; measured: string }[] = [];
  let after: string | null = null;
  do {
    const group: {
      nodes: typeof seen;
      pageInfo: { hasNextPage: boolean; endCursor: string };
    } = patientIn(await asking(subgraph, patient, list, {}, { after })).earlyWarningScores;
    seen.push(...group.nodes);
    after = group.pageInfo.hasNextPage ? group.pageInfo.endCursor : null;
  } while (after);
  expect(seen).toHaveLength(person.news2.length);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(person.news2.length);
  const times = seen.map(({ measured }) => Date.parse(measured));
  expect(times).toEqual([...times].sort((a, b) => b - a));

  const first = patientIn(await asking(subgraph, patient, events.replace('events', 'events(first: 50)'))).events;
  expect(first.nodes).toHaveLength(50);
  const { endCursor } = first.pageInfo;
  const wrong = [
    asking(subgraph, patient, list, {}, { after: endCursor }),
    asking(subgraph, patientOf(fjordarm), events.replace('events', 'events(after: $after)'), {}, { after: endCursor }),
    asking(
      subgraph,
      patient,
      events.replace('events', 'events(after: $after, types: ["x"])'),
      {},
      { after: endCursor },
    ),
    asking(subgraph, patient, events.replace('events', 'events(first: 101)')),
    asking(subgraph, patient, events.replace('events', 'events(types: [])')),
    asking(subgraph, patient, list.replace('first: 100', 'from: "yesterday"')),
  ];
  for (const answer of await Promise.all(wrong)) expect(answer.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  const next = await asking(
    subgraph,
    patient,
    events.replace('events', 'events(first: 1, after: $after)'),
    {},
    { after: endCursor },
  );
  expect(patientIn(next).events.nodes).toHaveLength(1);
});

it('events of the same moment are paged one by one without gap or repetition', async () => {
  const patient = somebody();
  for (const type of ['a', 'b', 'c']) await store(cloudEvent(patient.nins[0], { type }));
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const page: { nodes: { type: { text: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } } =
      patientIn(
        await asking(subgraph, patient, events.replace('events', 'events(first: 1, after: $after)'), {}, { after }),
      ).events;
    seen.push(...page.nodes.map(({ type }) => type.text));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after);
  expect(seen).toEqual(['c', 'b', 'a']); // of one moment, the one recorded last comes first
});

it('a page walks the index and not all of a person’s rows', async () => {
  const { rows } = await pool.query(
    `explain (format json) select * from hendelseslager.event
      where person = (select person from hendelseslager.event where type like '%news2%' limit 1) and security_label = any('{N}')
      order by occurred_at desc, position desc limit 20`,
  );
  expect(JSON.stringify(rows)).toContain('event_of_person');
});

const panel = (nin: string, measured: string, heartRate: number) => {
  const snomed = 'http://snomed.info/sct';
  const part = (code: string, value: object) => ({ code: { coding: [{ system: snomed, code }] }, ...value });
  const number = (value: number, code: string) => ({ valueQuantity: { value, code } });
  return cloudEvent(nin, {
    time: measured,
    data: {
      resourceType: 'Observation',
      status: 'final',
      ...part('1104051000000101', {}),
      subject: subject(nin),
      effectiveDateTime: measured,
      component: [
        part('86290005', number(16, '/min')),
        part('431314004', number(97, '%')),
        part('1104331000000105', { valueInteger: 0 }),
        part('271649006', number(120, 'mm[Hg]')),
        part('364075005', number(heartRate, '/min')),
        part('1104441000000107', { valueString: 'A' }),
        part('276885007', number(37, 'Cel')),
      ],
    },
  });
};

it('the trend compares the newest complete score with the oldest in the window, and needs two', async () => {
  const fresh = somebody();
  const trendSince = async (date: string, person = fresh) => {
    const fields = `earlyWarningScores(from: "${date}") { trend nodes { score risk applicable } }`;
    return patientIn(await asking(subgraph, person, fields)).earlyWarningScores;
  };
  await store(panel(fresh.nins[0], '2026-01-01T08:00:00+01:00', 120));
  expect((await trendSince('2026')).trend).toBeNull();
  await store(panel(fresh.nins[0], '2026-01-02T08:00:00+01:00', 70));
  await store(panel(fresh.nins[0], '2026-01-03T08:00:00+01:00', 100));
  await store(panel(fresh.nins[0], '2026-01-04T08:00:00+01:00', 135));
  const group = await trendSince('2026-01-01');
  expect(group.nodes.map((it: { score: number }) => it.score)).toEqual([3, 1, 0, 2]);
  expect(group.trend).toBe('STABLE');
  expect((await trendSince('2026-01-02')).trend).toBe('RISING');
  expect(group.nodes[0]).toMatchObject({ risk: 'LOW_MEDIUM', applicable: true });
  const child = await trendSince('2026-01-01', { ...fresh, birthDate: '2010-01-05' });
  expect(child.nodes[0]).toMatchObject({ risk: null, applicable: false, score: 3 });
});
