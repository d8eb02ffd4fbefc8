import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Subgraph } from '../../schema/subgraph.ts';
import { identify, impatient, type Rig, startRig } from './grunndataRig.ts';

let rig: Rig;
let subgraph: Subgraph;
beforeAll(async () => {
  rig = await startRig();
  subgraph = await rig.open();
});
afterEach(() => rig.heal());
afterAll(() => rig.close());

const calls = () => rig.simulators.persontjenesten.calls;
const rows = async (sql: string, values: unknown[] = []) => {
  const client = new pg.Client({ connectionString: rig.postgres.url });
  await client.connect();
  const { rows: found } = await client.query(sql, values);
  await client.end();
  return found;
};

describe('identify', () => {
  it('gives what decisions need, from one call that asks for named parts and keeps the number out of the address', async () => {
    const { identity, answer } = await identify(subgraph, { nationalId: '21861761093' });
    expect(identity).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-/),
      nationalIds: ['21861761093'],
      givenName: 'LYSTIG',
      familyName: 'HUMLE',
      birthDate: '2017-06-21',
      deceased: false,
      addressProtection: 'Unclassified',
      municipalityCode: '5001',
      responsible: ['30818522025', '17878313380'],
      guardians: [],
      status: 'FRESH',
      asOf: expect.any(String),
    });
    expect(answer.sources).toEqual([
      { source: 'PERSONTJENESTEN', status: 'FRESH', asOf: identity?.asOf, count: 1, absence: null },
    ]);
    expect(calls()).toHaveLength(1);
    const [call] = calls();
    expect(call).toMatchObject({ method: 'POST', body: 'nin=21861761093', headers: { 'api-version': '2' } });
    expect(call?.url).toContain('informationParts=ParentalResponsibility');
    expect(call?.url).not.toMatch(/\d{11}/);
  });

  it('gives the id that is not the register’s own, and the same id again by number and by id without a hop', async () => {
    const first = await identify(subgraph, { nationalId: '14834841291' });
    const again = await identify(subgraph, { nationalId: '14834841291' });
    const byId = await identify(subgraph, { id: first.identity!.id });
    expect(first.identity!.id).not.toBe(rig.person('fjordarm').registerId);
    expect(again.identity).toEqual({ ...first.identity, status: 'CACHED' });
    expect(byId.identity).toEqual({ ...first.identity, status: 'CACHED' });
    expect(calls()).toHaveLength(1);
  });

  it('calls what the same request asks again FRESH', async () => {
    const traceId = 'a'.repeat(32);
    await identify(subgraph, { nationalId: '02915631153' }, { traceId });
    const { identity } = await identify(subgraph, { nationalId: '02915631153' }, { traceId });
    expect(identity?.status).toBe('FRESH');
    expect(calls()).toHaveLength(1);
  });

  it('asks the register again after thirty seconds', async () => {
    let now = new Date('2026-03-01T12:00:00Z');
    const replica = await rig.open({}, { now: () => now });
    await identify(replica, { nationalId: '14834841291' });
    now = new Date('2026-03-01T12:00:29Z');
    expect((await identify(replica, { nationalId: '14834841291' })).identity?.status).toBe('CACHED');
    now = new Date('2026-03-01T12:00:31Z');
    const { identity } = await identify(replica, { nationalId: '14834841291' });
    expect(identity).toMatchObject({ status: 'FRESH', asOf: '2026-03-01T12:00:31.000Z' });
    expect(calls()).toHaveLength(2);
  });

  it.each([
    ['nobody', {}],
    ['both', { nationalId: '14834841291', id: '6f6d6d6e-1111-4222-8333-000000000001' }],
  ])('refuses a question about %s', async (_case, variables) => {
    const { answer } = await identify(subgraph, variables);
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });

  it.each([
    ['a wrong check digit', '14834841292'],
    ['ten digits', '1483484129'],
    ['letters', '1483484129a'],
    ['spaces', ' 14834841291'],
    ['a local H-number', '24527030176'],
    ['nothing', ''],
  ])('refuses %s without asking the register or repeating the number', async (_case, nationalId) => {
    const { answer } = await identify(subgraph, { nationalId });
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
    if (nationalId) expect(JSON.stringify(answer.errors)).not.toContain(nationalId);
    expect(calls()).toHaveLength(0);
  });

  it('refuses synthetic numbers in production', async () => {
    const production = await rig.open({ KILDE_ENVIRONMENT: 'production' });
    const { answer } = await identify(production, { nationalId: '14834841291' });
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
    expect(calls()).toHaveLength(0);
  });

  it('knows no one by a number that the register does not have, and stores nothing', async () => {
    const before = await rows('select count(*)::int from grunndata.national_id');
    const { identity, answer } = await identify(subgraph, { nationalId: '15813250214' });
    expect(identity).toBeNull();
    expect(answer.errors).toBeUndefined();
    expect(await rows('select count(*)::int from grunndata.national_id')).toEqual(before);
    expect(calls()).toHaveLength(1); // and no retry
  });

  it.each(['6f6d6d6e-1111-4222-8333-000000000001', 'not a uuid', ''])('knows no one by the id %j', async (id) => {
    const { identity, answer } = await identify(subgraph, { id });
    expect(identity).toBeNull();
    expect(answer.errors).toBeUndefined();
  });

  it('says who is dead, protected, under guardianship, or known by a D-number or a shared auxiliary number', async () => {
    const about = async (key: string) =>
      (await identify(subgraph, { nationalId: rig.person(key).nationalId })).identity;
    expect(await about('død')).toMatchObject({ deceased: true });
    expect(await about('kode-7')).toMatchObject({ addressProtection: 'Confidential', municipalityCode: '3205' });
    expect(await about('kode-6')).toMatchObject({ addressProtection: 'StrictlyConfidential', municipalityCode: null });
    expect(await about('verge-har')).toMatchObject({ guardians: [rig.person('verge-er').nationalId] });
    expect(await about('dnr')).toMatchObject({ nationalIds: ['54828500743'] });
    expect(await about('fh')).toMatchObject({ nationalIds: ['80100001415'] });
  });

  it('lists parents for the child only, and nobody for an adult', async () => {
    const { identity: parent } = await identify(subgraph, { nationalId: '30818522025' });
    expect(parent?.responsible).toEqual([]);
    const adult = rig.person('ungdom-16');
    rig.change('ungdom-16', { birthDate: '2000-01-01' });
    const { identity } = await identify(subgraph, { nationalId: adult.nationalId });
    expect(identity?.responsible).toEqual([]);
    rig.change('ungdom-16', { birthDate: adult.birthDate });
  });
});

describe('the person index', () => {
  it('gives one id to fifty who ask at once, through two replicas', async () => {
    const replicas = await Promise.all([rig.open(), rig.open()]);
    const asked = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        identify(replicas[i % 2]!, { nationalId: rig.person('vanlig-1').nationalId }),
      ),
    );
    expect(asked.every(({ identity }) => identity?.status)).toBe(true);
    expect(new Set(asked.map(({ identity }) => identity?.id)).size).toBe(1);
  });

  it('gives one id to fifty who ask at once about a stranger while the register is down', async () => {
    rig.simulators.persontjenesten.fault.current = { down: true };
    const replicas = await Promise.all([rig.open(), rig.open()]);
    const asked = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        identify(replicas[i % 2]!, { nationalId: rig.person('vanlig-2').nationalId }),
      ),
    );
    expect(new Set(asked.map(({ identity }) => identity?.id)).size).toBe(1);
    expect(asked[0]?.identity).toMatchObject({ status: 'UNAVAILABLE' });
  });

  it('keeps the id of a D-number when the fnr comes, and knows all numbers of the person', async () => {
    const { nationalId, formerNationalIds } = rig.person('flyttet-mellom');
    const dNumber = formerNationalIds[0]!;
    rig.change('flyttet-mellom', { nationalId: dNumber, formerNationalIds: [] });
    const before = await identify(await rig.open(), { nationalId: dNumber });
    rig.change('flyttet-mellom', { nationalId, formerNationalIds });
    const replica = await rig.open();
    const after = await identify(replica, { nationalId });
    expect(before.identity).toMatchObject({ nationalIds: [dNumber] });
    expect(after.identity).toMatchObject({ id: before.identity!.id, nationalIds: [nationalId, dNumber] });
    expect((await identify(replica, { nationalId: dNumber })).identity?.id).toBe(before.identity!.id);
    rig.simulators.persontjenesten.fault.current = { down: true };
    expect((await identify(await rig.open(), { nationalId: dNumber })).identity).toMatchObject({
      id: before.identity!.id,
      status: 'STALE',
    });
  });

  it('joins two ids that turn out to be one person, and still knows the one given up', async () => {
    const { nationalId, formerNationalIds } = rig.person('samme-navn-a');
    const other = rig.person('samme-navn-b').nationalId;
    rig.simulators.persontjenesten.fault.current = { down: true };
    const apart = await rig.open();
    const first = await identify(apart, { nationalId });
    const second = await identify(apart, { nationalId: other });
    expect(second.identity?.id).not.toBe(first.identity?.id);
    rig.heal();
    rig.remove('samme-navn-b');
    rig.change('samme-navn-a', { formerNationalIds: [other] });
    const joined = await rig.open();
    const { identity } = await identify(joined, { nationalId: other });
    expect(identity).toMatchObject({ id: first.identity!.id, nationalIds: [nationalId, other] });
    for (const { identity: earlier } of [first, second])
      expect((await identify(await rig.open(), { id: earlier!.id })).identity?.id).toBe(identity!.id);
    rig.change('samme-navn-a', { formerNationalIds });
  });

  it('gives a person whom the register has split off an id of their own, and no one the other’s', async () => {
    const one = rig.person('egen-ansatt');
    const other = rig.person('nær-familie');
    rig.remove('nær-familie');
    rig.change('egen-ansatt', { nationalId: other.nationalId, formerNationalIds: [one.nationalId] });
    const before = await identify(await rig.open(), { nationalId: one.nationalId });
    rig.change('egen-ansatt', { nationalId: one.nationalId, formerNationalIds: [] });
    rig.add(other);
    const replica = await rig.open();
    const split = await identify(replica, { nationalId: other.nationalId });
    expect(split.identity?.id).not.toBe(before.identity?.id);
    expect((await identify(await rig.open(), { id: before.identity!.id })).identity).toMatchObject({
      id: before.identity!.id,
      nationalIds: [one.nationalId],
    });
  });

  it('holds no number and no name in the clear', async () => {
    await identify(subgraph, { nationalId: '21861761093' });
    const stored = JSON.stringify([
      await rows(`select id, encode(sealed, 'escape') as sealed, encode(register_key, 'hex') from grunndata.person`),
      await rows(`select encode(hash, 'escape') from grunndata.national_id`),
    ]);
    expect(stored).not.toContain('21861761093');
    expect(stored).not.toContain('HUMLE');
    expect(stored).not.toContain(rig.person('humle').registerId);
  });

  it('is of no use under another key', async () => {
    const { identity } = await identify(subgraph, { nationalId: '21861761093' });
    const stranger = await rig.open({ KILDE_KEY: Buffer.alloc(32, 7).toString('base64') });
    const { answer } = await identify(stranger, { id: identity!.id });
    expect(answer.data?.['identify']).toBeNull();
    expect(answer.errors?.[0]?.extensions.code).toBe('INTERNAL');
  });
});

describe('identify when the register gives no usable answer', () => {
  const faults = [
    ['is down', { down: true }],
    ['hangs', { hang: true }],
    ['answers 500', { status: 500 }],
    ['is overloaded', { status: 429 }],
    ['answers with a 404 that is not its own', { status: 404, garbage: 'html' as const }],
    ['answers with HTML', { garbage: 'html' as const }],
    ['answers with half a document', { garbage: 'truncated' as const }],
    ['answers about another person', { garbage: 'otherPatient' as const }],
  ] as const;

  it.each(faults)('answers about a known person from the index when it %s', async (_case, fault) => {
    const known = await identify(await rig.open(), { nationalId: '02915631153' });
    rig.simulators.persontjenesten.fault.current = fault;
    const patience = 'hang' in fault ? impatient : {};
    const { identity, answer } = await identify(await rig.open({}, patience), { nationalId: '02915631153' });
    expect(identity).toEqual({ ...known.identity, status: 'STALE', asOf: known.identity?.asOf });
    expect(answer.sources).toEqual([
      { source: 'PERSONTJENESTEN', status: 'STALE', asOf: known.identity?.asOf, count: 1, absence: 'STALE' },
    ]);
    const byId = await identify(await rig.open({}, patience), { id: known.identity!.id });
    expect(byId.identity).toEqual(identity);
  });

  it.each(faults)(
    'gives a stranger an id and no facts when it %s, and the same id when it answers again',
    async (_case, fault) => {
      const { nationalId } = rig.person(
        ['vanlig-3', 'vanlig-4', 'vanlig-5', 'vanlig-6', 'vanlig-7', 'vanlig-8', 'flyttet', 'utsira'][
          faults.findIndex(([name]) => name === _case)
        ]!,
      );
      rig.simulators.persontjenesten.fault.current = fault;
      const patience = 'hang' in fault ? impatient : {};
      const { identity, answer } = await identify(await rig.open({}, patience), { nationalId });
      expect(identity).toEqual({
        id: expect.any(String),
        nationalIds: [nationalId],
        givenName: null,
        familyName: null,
        birthDate: null,
        deceased: false,
        addressProtection: null,
        municipalityCode: null,
        responsible: [],
        guardians: [],
        status: 'UNAVAILABLE',
        asOf: null,
      });
      expect(answer.sources[0]).toMatchObject({ source: 'PERSONTJENESTEN', status: 'UNAVAILABLE', count: null });
      rig.heal();
      const later = await identify(await rig.open(), { nationalId });
      expect(later.identity).toMatchObject({ id: identity!.id, status: 'FRESH' });
    },
  );

  it('does not remember what is stale: the next question goes to the register', async () => {
    const replica = await rig.open();
    await identify(await rig.open(), { nationalId: '05891251191' });
    rig.simulators.persontjenesten.fault.current = { garbage: 'html' };
    expect((await identify(replica, { nationalId: '05891251191' })).identity?.status).toBe('STALE');
    rig.heal();
    expect((await identify(replica, { nationalId: '05891251191' })).identity?.status).toBe('FRESH');
  });

  it('says that Kilde itself is unavailable when the database is', async () => {
    const replica = await rig.open({ DATABASE_URL: 'postgres://kilde:kilde@127.0.0.1:1/kilde' });
    const { identity, answer } = await identify(replica, { nationalId: '14834841291' });
    expect(identity).toBeNull();
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0]?.extensions).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      source: 'KILDE',
      retryable: true,
    });
  });
});
