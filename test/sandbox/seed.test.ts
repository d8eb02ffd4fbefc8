import { expect, it } from 'vitest';
import { createPopulation } from '../../sandbox/population/population.ts';
import { seedEvents, seedRestrictions } from '../../sandbox/seed.ts';
import personvern from '../../subgraphs/personvern/subgraph.ts';
import { askSubgraph, assertionFor, citizen, patientOf } from '../support/ask.ts';
import { startTestPostgres } from '../support/postgres.ts';

const population = createPopulation();

it('seedEvents sends every service and measurement in bodies of less than 1 MB, the same ones each time', async () => {
  const run = async () => {
    const bodies: string[] = [];
    const { events } = await seedEvents({
      population,
      post: async (_type, body) => {
        bodies.push(body);
        return { status: 202 };
      },
    });
    return { events, bodies };
  };
  const [first, second] = [await run(), await run()];
  expect(second).toEqual(first);
  expect(Math.max(...first.bodies.map((body) => Buffer.byteLength(body)))).toBeLessThan(1_000_000);
  expect(first.events).toBeGreaterThan(5_000);
});

it('seedEvents stops when the store does not take an event', async () => {
  await expect(seedEvents({ population, post: async () => ({ status: 503 }) })).rejects.toThrow('answered 503');
});

it('seedRestrictions writes what people have restricted, once, and only they and those who may see it there', async () => {
  const postgres = await startTestPostgres();
  const env = {
    KILDE_ENVIRONMENT: 'sandbox',
    KILDE_KEY: Buffer.alloc(32, 7).toString('base64'),
    DATABASE_URL: postgres.url,
  };
  const parts = { population, databaseUrl: postgres.url, env };
  const { restrictions } = await seedRestrictions(parts);
  expect(restrictions).toBeGreaterThan(5);
  expect(await seedRestrictions(parts)).toEqual({ restrictions: 0 });

  const subgraph = await personvern.create(env);
  const query = `query ($it: [_Any!]!) { _entities(representations: $it) { ... on Patient { restrictions { absence { code } nodes { type source scope active } } } } }`;
  for (const person of population.people) {
    const patient = patientOf(person.nationalId);
    const { reservations, restrictions: restricted, blockedProfessionals, delayedUntil } = person.privacy;
    const answer = await askSubgraph(
      subgraph,
      query,
      { it: [{ __typename: 'Patient', id: patient.id }] },
      assertionFor(patient, { caller: citizen(person.nationalId), categories: ['restrictions'] }),
    );
    type Shown = { absence: unknown; nodes: { type: string; scope: string; active: boolean }[] };
    const { restrictions: group } = (answer.data as { _entities: [{ restrictions: Shown }] })._entities[0];
    const { nodes, absence } = group;
    const count = (type: string) => nodes.filter((it) => it.type === type).length;
    expect([count('RESERVATION'), count('RESTRICTION'), count('BLOCK'), count('DELAY')]).toEqual([
      reservations.length,
      restricted.length,
      blockedProfessionals.length,
      delayedUntil ? 1 : 0,
    ]);
    expect(nodes.filter(({ type }) => type === 'BLOCK').map(({ scope }) => scope)).toEqual(blockedProfessionals);
    expect(nodes.filter(({ active }) => !active)).toHaveLength(restricted.filter(({ expired }) => expired).length);
    expect(absence).toEqual(nodes.length === 0 ? { code: 'NONE_REGISTERED' } : null);
  }
  await subgraph.close();
  await postgres.stop();
});
