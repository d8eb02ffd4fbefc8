import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../sandbox/_shared/faults.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import { askSubgraph, assertionFor, citizen } from '../support/ask.ts';
import { askPatient, type Identity, identify, impatient, type Rig, startRig } from './grunndataRig.ts';

let rig: Rig;
let subgraph: Subgraph;
beforeAll(async () => {
  rig = await startRig();
});
beforeEach(async () => {
  subgraph = await rig.open(); // breakers and cache of its own: one test's fault is not the next one's
});
afterEach(() => rig.heal());
afterAll(() => rig.close());

const traceId = 'c'.repeat(32);
const known = async (key: string): Promise<Identity> =>
  (await identify(subgraph, { nationalId: rig.person(key).nationalId }, { traceId })).identity!;
const ask = async (key: string, fields: string) => askPatient(subgraph, await known(key), fields, { traceId });

const head = 'status absence { code text canElevate requires retryable source } provenance { source retrieved }';
const patientFields = `${head} identifiers { system value } name { text given family } birthDate
  sex { text coding { system code } } deceased { isDeceased date } municipality { code name }`;

describe('Patient', () => {
  it('is what the register says, at the cost of the one call that identified the person', async () => {
    const { patient, answer } = await ask('fjordarm', patientFields);
    expect(answer.errors).toBeUndefined();
    expect(patient).toEqual({
      status: 'FRESH',
      absence: null,
      provenance: { source: 'PERSONTJENESTEN', retrieved: expect.any(String) },
      identifiers: [{ system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: '14834841291' }],
      name: { text: 'STILLE FJORDARM', given: ['STILLE'], family: 'FJORDARM' },
      birthDate: '1948-03-14',
      sex: {
        text: rig.person('fjordarm').sex === 'male' ? 'Mann' : 'Kvinne',
        coding: [{ system: 'http://hl7.org/fhir/administrative-gender', code: rig.person('fjordarm').sex }],
      },
      deceased: { isDeceased: false, date: null },
      municipality: rig.person('fjordarm').municipality,
    });
    expect(answer.sources).toEqual([
      { source: 'PERSONTJENESTEN', status: 'FRESH', asOf: expect.any(String), count: 1, absence: null },
    ]);
    expect(rig.simulators.persontjenesten.calls).toHaveLength(1);
  });

  it('names the kind of each number', async () => {
    const systems = async (key: string) =>
      ((await ask(key, 'identifiers { system }')).patient as { identifiers: { system: string }[] } | null)?.identifiers;
    expect(await systems('dnr')).toEqual([{ system: 'urn:oid:2.16.578.1.12.4.1.4.2' }]);
    expect(await systems('fh')).toEqual([{ system: 'urn:oid:2.16.578.1.12.4.1.4.3' }]);
    expect(await systems('flyttet-mellom')).toEqual([
      { system: 'urn:oid:2.16.578.1.12.4.1.4.1' },
      { system: 'urn:oid:2.16.578.1.12.4.1.4.2' },
    ]);
  });

  it('says when somebody died', async () => {
    const { patient } = await ask('død', 'deceased { isDeceased date }');
    expect(patient).toEqual({ deceased: { isDeceased: true, date: rig.person('død').deathDate } });
  });

  it('is CACHED for another request a moment later', async () => {
    const { patient } = await askPatient(subgraph, await known('fjordarm'), 'status');
    expect(patient).toEqual({ status: 'CACHED' });
  });

  it('comes from the index, as STALE, while the register is down', async () => {
    const identity = await known('fjordarm');
    rig.simulators.persontjenesten.fault.current = { down: true };
    const { patient, answer } = await askPatient(await rig.open(), identity, patientFields);
    expect(answer.errors).toBeUndefined();
    expect(patient).toMatchObject({
      status: 'STALE',
      absence: { code: 'STALE', source: 'PERSONTJENESTEN', retryable: true },
      provenance: { source: 'PERSONTJENESTEN', retrieved: identity.asOf },
      name: { text: 'STILLE FJORDARM' },
      birthDate: '1948-03-14',
      municipality: { code: '5001' },
    });
    expect(answer.sources[0]).toMatchObject({ status: 'STALE', absence: 'STALE', asOf: identity.asOf });
  });

  const unusable: [string, Fault, string][] = [
    ['is down', { down: true }, 'SOURCE_UNAVAILABLE'],
    ['hangs', { hang: true }, 'SOURCE_UNAVAILABLE'],
    ['answers 500', { status: 500 }, 'SOURCE_UNAVAILABLE'],
    ['answers with HTML', { garbage: 'html' }, 'SOURCE_INVALID'],
    ['answers with half a document', { garbage: 'truncated' }, 'SOURCE_INVALID'],
    ['answers about another person', { garbage: 'otherPatient' }, 'SOURCE_INVALID'],
  ];
  it.each(unusable)('says that nothing is known of a stranger when the register %s', async (_case, fault, code) => {
    const stranger = ['vanlig-1', 'vanlig-2', 'vanlig-3', 'vanlig-4', 'vanlig-5', 'vanlig-6'][
      unusable.findIndex(([name]) => name === _case)
    ]!;
    rig.simulators.persontjenesten.fault.current = fault;
    if (fault.hang) subgraph = await rig.open({}, impatient);
    const { patient, answer } = await ask(
      stranger,
      `${head} name { text } addresses { status } generalPractitioners { status }`,
    );
    expect(patient).toMatchObject({
      status: 'UNAVAILABLE',
      absence: { code, source: 'PERSONTJENESTEN' },
      provenance: null,
      name: null,
      addresses: null,
      generalPractitioners: { status: 'FRESH' }, // another register's answer is not lost with it
    });
    expect(answer.errors?.map(({ path, extensions }) => [path?.at(-1), extensions.code])).toEqual([
      ['name', code],
      ['addresses', code],
    ]);
    expect(JSON.stringify(answer)).not.toContain(rig.person('fjordarm').familyName); // whom the fault answers about
  });

  it('keeps its head when our own database is down', async () => {
    const replica = await rig.open({ DATABASE_URL: 'postgres://kilde:kilde@127.0.0.1:1/kilde' });
    const identity = await known('fjordarm');
    const { patient, answer } = await askPatient(
      replica,
      identity,
      `${head} birthDate generalPractitioners { status }`,
    );
    expect(patient).toMatchObject({
      status: 'UNAVAILABLE',
      absence: { code: 'SOURCE_UNAVAILABLE' },
      birthDate: null,
      generalPractitioners: { status: 'FRESH' },
    });
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE', source: 'KILDE' });
  });
});

describe('Patient rules', () => {
  const group: Record<string, string> = {
    addresses: 'address',
    generalPractitioners: 'person',
    representatives: 'representatives',
  };
  it.each(Object.entries(group))('give %s only with the category %s', async (field, category) => {
    const identity = await known('fjordarm');
    const given = await askPatient(subgraph, identity, `${field} { status }`, {
      categories: [category],
      traceId,
    });
    expect(given.patient).toEqual({ [field]: { status: 'FRESH' } });
    const others = ['person', 'address', 'representatives'].filter((it) => it !== category);
    const denied = await askPatient(subgraph, identity, `${field} { status }`, { categories: others });
    expect(denied.patient).toEqual({ [field]: null });
    expect(denied.answer.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });

  it.each([
    'identifiers { value }',
    'name { text }',
    'birthDate',
    'sex { text }',
    'deceased { date }',
    'municipality { code }',
    'absence { code }',
    'provenance { source }',
  ])('give %s only with the category person', async (field) => {
    const identity = await known('fjordarm');
    const { patient, answer } = await askPatient(subgraph, identity, field, {
      categories: ['address', 'representatives'],
    });
    expect(answer.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect(Object.values(patient ?? {})).toEqual([null]);
  });

  it('give nothing about somebody whom the assertion does not name, and ask nobody', async () => {
    const mine = await known('fjordarm');
    const other = await known('granskog');
    rig.heal();
    const answer = await askSubgraph(
      subgraph,
      'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Patient { id name { text } addresses { status } generalPractitioners { status } } } }',
      { r: [{ __typename: 'Patient', id: other.id }] },
      assertionFor(
        { id: mine.id, nins: ['14834841291'], name: null, birthDate: null },
        { categories: ['person', 'address', 'representatives'] },
      ),
    );
    expect(answer.data).toEqual({
      _entities: [{ id: other.id, name: null, addresses: null, generalPractitioners: null }],
    });
    expect(Object.values(rig.simulators).flatMap(({ calls }) => calls)).toEqual([]);
  });
});

describe('Patient.addresses', () => {
  const fields = `municipality { code } addresses { ${head} residential { provenance { source } lines postalCode city municipality { code } } postal { lines } }`;

  it('are where the person is registered as living', async () => {
    const { patient } = await ask('fjordarm', fields);
    const { address, municipality } = rig.person('fjordarm');
    expect(patient).toMatchObject({
      addresses: {
        status: 'FRESH',
        absence: null,
        residential: {
          provenance: { source: 'PERSONTJENESTEN' },
          lines: [address?.street],
          postalCode: address?.postalCode,
          city: address?.city,
          municipality: { code: municipality.code },
        },
        postal: null,
      },
    });
  });

  it.each(['kode-6', 'kode-7', 'kode-6-barn'])(
    'are withheld for %s, municipality too, and nothing opens them',
    async (key) => {
      const { patient, answer } = await ask(key, `${patientFields} ${fields.replace('municipality { code }', '')}`);
      expect(patient).toMatchObject({ status: 'FRESH', municipality: null, addresses: null });
      expect(answer.errors).toHaveLength(1);
      expect(answer.errors?.[0]?.extensions).toEqual({
        code: 'RESTRICTED',
        absence: 'RESTRICTED',
        source: 'PERSONTJENESTEN',
        retryable: false,
        canElevate: false,
      });
      const { address, municipality } = rig.person(key);
      for (const secret of [address?.street, municipality.code, municipality.name])
        expect(JSON.stringify(answer)).not.toContain(secret);
    },
  );

  it('are withheld by what the index remembers too, while the register is down', async () => {
    const identity = await known('kode-7');
    rig.simulators.persontjenesten.fault.current = { down: true };
    const { patient, answer } = await askPatient(
      await rig.open(),
      identity,
      'status municipality { code } addresses { status }',
    );
    expect(patient).toEqual({ status: 'STALE', municipality: null, addresses: null });
    expect(answer.errors?.[0]?.extensions.code).toBe('RESTRICTED');
  });

  it('are not kept: while the register is down they are missing, not old', async () => {
    const identity = await known('fjordarm');
    rig.simulators.persontjenesten.fault.current = { down: true };
    const { patient, answer } = await askPatient(await rig.open(), identity, 'status addresses { status }');
    expect(patient).toEqual({ status: 'STALE', addresses: null });
    expect(answer.errors?.[0]?.extensions.code).toBe('SOURCE_UNAVAILABLE');
  });
});

describe('Patient.generalPractitioners', () => {
  const fields = `generalPractitioners { ${head} pageInfo { hasNextPage endCursor } nodes {
    provenance { source } practitioner { identifier { system value } name role { coding { code } } }
    authorizations { category { coding { system code } } approval { coding { system code } } active requisitionRights { text } specialties { text } period { start end } }
    relationship { text coding { system } } substituteFor { identifier { value } name } period { start end } patientPeriod { start end }
    organization { identifier { system value } name } electronicAddresses { type { coding { system code } } value } } }`;

  it('are put together from three registers', async () => {
    const { patient, answer } = await ask('fjordarm', fields);
    expect(answer.errors).toBeUndefined();
    expect(patient).toEqual({
      generalPractitioners: {
        status: 'FRESH',
        absence: null,
        provenance: { source: 'FASTLEGEREGISTERET', retrieved: expect.any(String) },
        pageInfo: { hasNextPage: false, endCursor: expect.any(String) },
        nodes: [
          {
            provenance: { source: 'FASTLEGEREGISTERET' },
            practitioner: {
              identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.4', value: '999000101' },
              name: 'ANE DEMOLEGE',
              role: { coding: [{ code: 'LE' }] },
            },
            authorizations: [
              {
                category: { coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9060', code: 'LE' }] },
                approval: { coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.7704', code: '1' }] },
                active: true,
                requisitionRights: [{ text: 'Full rekvisisjonsrett' }],
                specialties: [],
                period: { start: '2006-02-01', end: null },
              },
            ],
            relationship: { text: 'Fastlege', coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.7750' }] },
            substituteFor: null,
            period: { start: '2024-01-01', end: null },
            patientPeriod: { start: '2024-01-01', end: null },
            organization: {
              identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.101', value: '319996028' },
              name: 'Eksempelvik legekontor',
            },
            electronicAddresses: [
              {
                type: { coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9044', code: 'E_EDI' }] },
                value: '319996028@edi.example',
              },
            ],
          },
        ],
      },
    });
    expect(answer.sources.map(({ source, status, count }) => [source, status, count]).sort()).toEqual([
      ['ADRESSEREGISTERET', 'FRESH', 1],
      ['FASTLEGEREGISTERET', 'FRESH', 1],
      ['HELSEPERSONELLREGISTERET', 'FRESH', 1],
    ]);
    expect(JSON.stringify(answer)).not.toContain('08707925079'); // the doctor's own number, which both registers give
    for (const { url } of Object.values(rig.simulators).flatMap(({ calls }) => calls))
      expect(url).not.toMatch(/\d{11}/);
  });

  it('are an empty group when the register says that there is no contract', async () => {
    const { patient, answer } = await ask('dnr', fields);
    expect(answer.errors).toBeUndefined();
    expect(patient).toMatchObject({
      generalPractitioners: { status: 'FRESH', absence: { code: 'NONE_REGISTERED' }, nodes: [] },
    });
    expect(rig.simulators.fastlegeregisteret.calls).toHaveLength(1);
  });

  it('show the substitute, and whom for, with the authorisation that is no longer in force', async () => {
    const own = rig.practitioners.find(({ hprNumber }) => hprNumber === '9990007')!;
    const colleague = rig.practitioners.find(({ hprNumber }) => hprNumber === '9990004')!;
    const [{ revoked }, { organisation }] = [own, colleague];
    own.revoked = true;
    colleague.organisation = own.organisation;
    const contract = rig.person('fjordarm').generalPractitioner;
    rig.change('fjordarm', { generalPractitioner: { hprNumber: '9990007', herId: 8_999_950, since: '2024-01-01' } });
    const { patient } = await ask('fjordarm', fields);
    expect(patient).toMatchObject({
      generalPractitioners: {
        nodes: [
          {
            practitioner: { identifier: { value: '9990004' }, name: 'Stille Elg' },
            relationship: { text: 'Vikar' },
            substituteFor: { identifier: { value: '9990007' }, name: 'Varsom Bre' },
          },
        ],
      },
    });
    const answer = await askSubgraph(
      subgraph,
      '{ practitioner(hprNumber: "9990007") { authorizations { active } } }',
      {},
      assertionFor(null),
    );
    expect(answer.data).toEqual({ practitioner: { authorizations: [{ active: false }] } });
    rig.change('fjordarm', { generalPractitioner: contract });
    Object.assign(own, { revoked });
    Object.assign(colleague, { organisation });
  });

  const failures: [string, Fault, string][] = [
    ['is down', { down: true }, 'SOURCE_UNAVAILABLE'],
    ['hangs', { hang: true }, 'SOURCE_UNAVAILABLE'],
    ['answers with a fault of its own', { status: 500 }, 'SOURCE_UNAVAILABLE'],
    ['answers with HTML', { garbage: 'html' }, 'SOURCE_INVALID'],
    ['answers with half a document', { garbage: 'truncated' }, 'SOURCE_INVALID'],
    ['answers about somebody else', { garbage: 'otherPatient' }, 'SOURCE_INVALID'],
  ];
  it.each(failures)('are an error when Fastlegeregisteret %s', async (_case, fault, code) => {
    rig.simulators.fastlegeregisteret.fault.current = fault;
    if (fault.hang) subgraph = await rig.open({}, impatient);
    const { patient, answer } = await ask('fjordarm', `name { text } ${fields}`);
    expect(patient).toMatchObject({ name: { text: 'STILLE FJORDARM' }, generalPractitioners: null });
    expect(answer.errors?.map(({ extensions }) => extensions)).toMatchObject([{ code, source: 'FASTLEGEREGISTERET' }]);
    expect(JSON.stringify(answer)).not.toContain('Intern feil');
  });

  it.each(failures)('are shown with what is left when Helsepersonellregisteret %s', async (_case, fault, absence) => {
    rig.simulators.helsepersonellregisteret.fault.current = fault;
    if (fault.hang) subgraph = await rig.open({}, impatient);
    const { patient, answer } = await ask('fjordarm', fields);
    expect(answer.errors).toBeUndefined();
    expect(patient).toMatchObject({
      generalPractitioners: {
        status: 'FRESH',
        nodes: [
          {
            practitioner: { identifier: { value: '999000101' }, name: 'ANE DEMOLEGE', role: null },
            authorizations: null,
            organization: { name: 'Eksempelvik legekontor' },
          },
        ],
      },
    });
    expect(answer.sources).toContainEqual({
      source: 'HELSEPERSONELLREGISTERET',
      status: 'UNAVAILABLE',
      asOf: null,
      count: null,
      absence,
    });
  });

  it.each(failures)('are shown with what is left when Adresseregisteret %s', async (_case, fault, absence) => {
    rig.simulators.adresseregisteret.fault.current = fault;
    if (fault.hang) subgraph = await rig.open({}, impatient);
    const { patient, answer } = await ask('fjordarm', fields);
    expect(answer.errors).toBeUndefined();
    expect(patient).toMatchObject({
      generalPractitioners: {
        nodes: [
          {
            practitioner: { name: 'ANE DEMOLEGE', role: { coding: [{ code: 'LE' }] } },
            organization: null,
            electronicAddresses: null,
          },
        ],
      },
    });
    expect(answer.sources).toContainEqual({
      source: 'ADRESSEREGISTERET',
      status: 'UNAVAILABLE',
      asOf: null,
      count: null,
      absence,
    });
  });

  it('refuse a password that the register does not know, as denied', async () => {
    const stranger = await rig.open({ FLR_PASSWORD: 'wrong' });
    const { answer } = await askPatient(stranger, await known('fjordarm'), 'generalPractitioners { status }');
    expect(answer.errors?.[0]?.extensions).toMatchObject({ absence: 'NO_ACCESS', source: 'FASTLEGEREGISTERET' });
  });

  it('refuse a page of none', async () => {
    const { answer } = await ask('fjordarm', 'generalPractitioners(first: 0) { status }');
    expect(answer.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });
});

describe('Patient.representatives', () => {
  const fields = (args = '') => `representatives${args} { ${head} pageInfo { hasNextPage endCursor } nodes {
    provenance { source } kind name { text } type { text } scope { text } personalMatters period { start } } }`;

  it('are both parents with joint responsibility, by name and never by number', async () => {
    const { patient, answer } = await ask('humle', fields());
    expect(answer.errors).toBeUndefined();
    const parent = {
      provenance: { source: 'PERSONTJENESTEN' },
      kind: 'PARENTAL_RESPONSIBILITY',
      type: { text: 'Joint' },
      scope: null,
      personalMatters: true,
      period: { start: '2017-06-21' },
    };
    expect(patient).toMatchObject({
      representatives: {
        status: 'FRESH',
        absence: null,
        nodes: [
          { ...parent, name: { text: 'TROFAST BJØRKELØV' } },
          { ...parent, name: { text: 'ROLIG HAVBRIS' } },
        ],
      },
    });
    expect(JSON.stringify(answer)).not.toMatch(/30818522025|17878313380/);
    const calls = rig.simulators.persontjenesten.calls;
    expect(calls).toHaveLength(2); // the person, and both names in one call
    expect(calls[1]?.body).toBe('nins=30818522025&nins=17878313380');
    expect(calls[1]?.url).not.toContain('Address');
  });

  it('page, and a cursor is good for this patient and list only', async () => {
    const first = await ask('humle', fields('(first: 1)'));
    const { representatives } = first.patient as unknown as {
      representatives: { pageInfo: { hasNextPage: boolean; endCursor: string }; nodes: unknown[] };
    };
    expect(representatives.pageInfo.hasNextPage).toBe(true);
    const after = `(first: 1, after: "${representatives.pageInfo.endCursor}")`;
    const second = await ask('humle', fields(after));
    expect(second.patient).toMatchObject({
      representatives: { nodes: [{ name: { text: 'ROLIG HAVBRIS' } }], pageInfo: { hasNextPage: false } },
    });
    const stranger = await ask('bekkasin', fields(after));
    expect(stranger.answer.errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });

  it('are the guardian, whose name comes with the guardianship', async () => {
    const { patient } = await ask('verge-har', fields());
    const { givenName, familyName } = rig.person('verge-er');
    expect(patient).toMatchObject({
      representatives: {
        nodes: [
          {
            kind: 'GUARDIANSHIP',
            name: { text: `${givenName} ${familyName}`.toUpperCase() },
            type: { text: 'Adult' },
            scope: { text: 'PersonalAndFinancialInterests' },
            personalMatters: true,
          },
        ],
      },
    });
    expect(rig.simulators.persontjenesten.calls).toHaveLength(1);
  });

  it('are none registered for an adult without a guardian, also for a parent', async () => {
    for (const key of ['fjordarm', 'bjørkeløv'])
      expect((await ask(key, fields())).patient).toMatchObject({
        representatives: { status: 'FRESH', absence: { code: 'NONE_REGISTERED' }, nodes: [] },
      });
  });

  it('are an error, not fewer, when their names cannot be had', async () => {
    const identity = await known('humle');
    rig.simulators.persontjenesten.fault.current = { status: 503 };
    const { patient, answer } = await askPatient(subgraph, identity, `birthDate ${fields()}`, { traceId });
    expect(patient).toMatchObject({ birthDate: '2017-06-21', representatives: null });
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'SOURCE_UNAVAILABLE', source: 'PERSONTJENESTEN' });
  });

  it('never take another person’s name for a parent’s', async () => {
    const identity = await known('humle');
    rig.simulators.persontjenesten.fault.current = { garbage: 'otherPatient' };
    const { answer } = await askPatient(subgraph, identity, fields(), { traceId });
    expect(JSON.stringify(answer)).not.toContain('FJORDARM');
  });
});

describe('Query', () => {
  const practitioner =
    'query ($n: String!) { practitioner(hprNumber: $n) { identifier { value } name { text } provenance { source } authorizations { active } } }';
  const organization =
    'query ($h: Int!) { organization(herId: $h) { identifier { system value } type name organization { identifier { value } name } partOf { value } electronicAddresses { value } municipality { code } } }';
  const staff = () => assertionFor(null);

  it('practitioner is a professional by HPR number, for staff', async () => {
    const answer = await askSubgraph(subgraph, practitioner, { n: '999000202' }, staff());
    expect(answer.data).toEqual({
      practitioner: {
        identifier: { value: '999000202' },
        name: { text: 'SIV DEMOSYKEPLEIER' },
        provenance: { source: 'HELSEPERSONELLREGISTERET' },
        authorizations: [{ active: true }],
      },
    });
    expect(JSON.stringify(answer)).not.toContain('19759014866');
  });

  it('practitioner is null for a number that nobody has, and refuses what is none', async () => {
    const unknown = await askSubgraph(subgraph, practitioner, { n: '1' }, staff());
    expect(unknown).toMatchObject({ data: { practitioner: null } });
    expect(unknown.errors).toBeUndefined();
    for (const n of ['', '0', 'abc', '1234567890', '14834841291', '12<x/>'])
      expect((await askSubgraph(subgraph, practitioner, { n }, staff())).errors?.[0]?.extensions.code).toBe(
        'BAD_REQUEST',
      );
  });

  it('organization is an organisation, or a person and where they work', async () => {
    const answer = await askSubgraph(subgraph, organization, { h: 8_999_901 }, staff());
    expect(answer.data).toEqual({
      organization: {
        identifier: { system: 'urn:oid:2.16.578.1.12.4.1.2', value: '8999901' },
        type: 'Organization',
        name: 'Eksempelvik hjemmetjeneste sone nord',
        organization: { identifier: { value: '319988777' }, name: 'Eksempelvik hjemmetjeneste sone nord' },
        partOf: { value: '8999900' },
        electronicAddresses: [{ value: '319988777@edi.example' }],
        municipality: { code: '5001' },
      },
    });
    const person = await askSubgraph(subgraph, organization, { h: 8_999_951 }, staff());
    expect(person.data).toMatchObject({
      organization: { type: 'Person', name: 'ANE DEMOLEGE', organization: { name: 'Eksempelvik legekontor' } },
    });
  });

  it('organization is null for an unknown HER-id, and refuses what is none', async () => {
    const unknown = await askSubgraph(subgraph, organization, { h: 1 }, staff());
    expect(unknown).toMatchObject({ data: { organization: null } });
    expect(unknown.errors).toBeUndefined();
    expect((await askSubgraph(subgraph, organization, { h: 0 }, staff())).errors?.[0]?.extensions.code).toBe(
      'BAD_REQUEST',
    );
  });

  it('neither is for citizens, and no register is asked', async () => {
    const asked = assertionFor(null, { caller: citizen('14834841291') });
    for (const [text, variables] of [
      [practitioner, { n: '999000202' }],
      [organization, { h: 8_999_901 }],
    ] as const)
      expect((await askSubgraph(subgraph, text, variables, asked)).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    expect(Object.values(rig.simulators).flatMap(({ calls }) => calls)).toEqual([]);
  });

  it('both are errors when their register is down', async () => {
    rig.simulators.helsepersonellregisteret.fault.current = { down: true };
    rig.simulators.adresseregisteret.fault.current = { down: true };
    for (const [text, variables, source] of [
      [practitioner, { n: '999000202' }, 'HELSEPERSONELLREGISTERET'],
      [organization, { h: 8_999_901 }, 'ADRESSEREGISTERET'],
    ] as const)
      expect((await askSubgraph(subgraph, text, variables, staff())).errors?.[0]?.extensions).toMatchObject({
        code: 'SOURCE_UNAVAILABLE',
        source,
      });
  });
});

describe('health', () => {
  it('tells which register is down', async () => {
    rig.simulators.adresseregisteret.fault.current = { down: true };
    const up = Object.fromEntries((await subgraph.health()).map((it) => [it.source, it.up]));
    expect(up).toEqual({
      PERSONTJENESTEN: true,
      FASTLEGEREGISTERET: true,
      HELSEPERSONELLREGISTERET: true,
      ADRESSEREGISTERET: false,
      KILDE: true,
    });
  });
});
