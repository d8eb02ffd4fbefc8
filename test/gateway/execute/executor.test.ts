import { readFileSync } from 'node:fs';
import { ApolloGateway } from '@apollo/gateway';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type DocumentNode, execute, GraphQLError, getOperationAST, parse, print } from 'graphql';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessLog, Lookup } from '../../../gateway/audit/accessLog.ts';
import { createExecutor, type Generation } from '../../../gateway/execute/executor.ts';
import { createRoot } from '../../../gateway/execute/root.ts';
import type { Scope } from '../../../gateway/execute/scope.ts';
import type { Elevation } from '../../../gateway/operation/elevation.ts';
import { createPlanner } from '../../../gateway/plan/planner.ts';
import { createPlans } from '../../../gateway/plan/plans.ts';
import { readFacts } from '../../../gateway/plan/supergraph.ts';
import type { Caller } from '../../../schema/caller.ts';
import { composeSupergraph, withoutSecurity } from '../../../schema/compose.ts';
import type { PrivacySetting } from '../../../schema/privacySetting.ts';
import { remoteAnswer } from '../../../schema/remote.ts';
import { subgraphSdl } from '../../../schema/sdl.ts';
import type { Subgraph, SubgraphAnswer, SubgraphRequest } from '../../../schema/subgraph.ts';
import { citizen, doctor } from '../../support/ask.ts';
import { policy } from '../../support/policy.ts';

const patient = '14834841291';
const id = '7d0f5a52-0000-4000-8000-00000000a001';

const people = subgraphSdl(`
  extend enum Source { "p" PERSONTJENESTEN }
  extend type Query { identify(nationalId: String, id: ID): Identity @inaccessible }
  type Identity @inaccessible {
    id: ID! nationalIds: [String!]! givenName: String familyName: String birthDate: String deceased: Boolean!
    addressProtection: String responsible: [String!]! guardians: [String!]! status: SourceStatus! asOf: DateTime
  }
  extend type Patient implements Group {
    "s" status: SourceStatus! @policy(policies: [["person"]]) @source(name: "PERSONTJENESTEN")
    "a" absence: Absence @policy(policies: [["person"]]) @source(name: "PERSONTJENESTEN")
    "p" provenance: Provenance @policy(policies: [["person"]]) @source(name: "PERSONTJENESTEN")
    "b" birthDate: Date @policy(policies: [["person"]]) @source(name: "PERSONTJENESTEN")
  }
`);
const laboratory = subgraphSdl(`
  extend enum Source { "l" PROVESVAR }
  extend type Patient {
    "l" labReports("f" first: Int = 20): LabReportGroup @policy(policies: [["laboratory"]]) @source(name: "PROVESVAR")
    "i" imagingReports: LabReportGroup @policy(policies: [["imaging"]]) @source(name: "PROVESVAR")
  }
  "g"
  type LabReportGroup implements Group {
    "s" status: SourceStatus! "a" absence: Absence "p" provenance: Provenance "n" nodes: [LabReport!]
  }
  "r"
  type LabReport { "i" id: ID! "p" provenance: Provenance! }
`);
const kilde = subgraphSdl(readFileSync(new URL('../../../schema/kilde.graphql', import.meta.url), 'utf8'));

/** What a resolver throws without a code of ours, the subgraph itself makes INTERNAL. */
const typed = ({ message, path, extensions }: GraphQLError) => ({
  message,
  path,
  extensions: 'code' in extensions ? extensions : { code: 'INTERNAL' },
});

const asked: SubgraphRequest[] = [];
type Resolvers = Record<string, Record<string, unknown>>;
const fake = (name: string, typeDefs: DocumentNode, resolvers: Resolvers): Subgraph => {
  const schema = buildSubgraphSchema([{ typeDefs, resolvers: resolvers as never }]);
  return {
    name,
    async execute(request): Promise<SubgraphAnswer> {
      asked.push(request);
      const result = await execute({ schema, document: request.document, variableValues: request.variables });
      return remoteAnswer.parse(
        JSON.parse(JSON.stringify({ ...result, errors: result.errors?.map(typed), sources: [] })),
      ) as SubgraphAnswer;
    },
    handle: async () => ({ status: 404 }),
    health: async () => [],
    close: async () => {},
  };
};

const identity = {
  id,
  nationalIds: [patient],
  givenName: 'STILLE',
  familyName: 'FJORDARM',
  birthDate: '1948-03-14',
  deceased: false,
  addressProtection: 'Unclassified',
  responsible: [],
  guardians: [],
  status: 'FRESH',
  asOf: null,
};
const answering: Record<'people' | 'laboratory', Resolvers> = {
  people: {
    Query: {
      identify: (_: unknown, { nationalId }: { nationalId?: string }) => (nationalId === patient ? identity : null),
    },
    Patient: {
      __resolveReference: (it: object) => it,
      status: () => 'FRESH',
      birthDate: () => '1948-03-14',
    },
  },
  laboratory: {
    Patient: {
      __resolveReference: (it: object) => it,
      labReports: () => ({
        status: 'FRESH',
        provenance: { source: 'PROVESVAR', retrieved: 'now' },
        nodes: [{ id: 'r1', provenance: { source: 'PROVESVAR', retrieved: 'now' } }],
      }),
      imagingReports: () => ({ status: 'FRESH', nodes: [] }),
    },
  },
};

let written: Lookup[] = [];
const accessLog: AccessLog = {
  write: async (lookup) => void written.push(lookup),
  isUp: async () => true,
  close: async () => {},
};

const annotated = composeSupergraph([
  { name: 'kilde', typeDefs: kilde },
  { name: 'grunndata', typeDefs: people },
  { name: 'provesvar', typeDefs: laboratory },
]);
const stripped = withoutSecurity(annotated);

type Change = {
  people?: Resolvers;
  laboratory?: Resolvers | Subgraph;
  accessLog?: AccessLog;
  /** What the patient has set; `null` when nobody can say. */
  settings?: readonly PrivacySetting[] | null;
};
const privacyWith = (settings: readonly PrivacySetting[] | null): Subgraph => ({
  name: 'personvern',
  execute: async () =>
    settings
      ? { data: { privacySettings: settings }, sources: [] }
      : { data: null, errors: [{ message: 'down', extensions: { code: 'SOURCE_UNAVAILABLE' } }], sources: [] },
  handle: async () => ({ status: 404 }),
  health: async () => [],
  close: async () => {},
});

const setUp = async (change: Change = {}) => {
  const registers = fake('grunndata', people, { ...answering.people, ...change.people });
  const lab =
    change.laboratory && 'execute' in change.laboratory
      ? (change.laboratory as Subgraph)
      : fake('provesvar', laboratory, { ...answering.laboratory, ...(change.laboratory as Resolvers) });
  const apollo = new ApolloGateway({ supergraphSdl: stripped, buildService: () => ({ process: async () => ({}) }) });
  const { schema } = await apollo.load();
  await apollo.stop();
  const facts = readFacts(annotated);
  const generation: Generation = {
    schema,
    facts,
    plans: createPlans({ schema, facts, planner: createPlanner(stripped), budgetFor: () => 1_000 }),
    root: createRoot(kilde),
    registers,
    privacy: privacyWith(change.settings === undefined ? [] : change.settings),
  };
  const run = createExecutor({
    environment: 'sandbox',
    policy,
    subgraphs: new Map([
      ['grunndata', registers],
      ['provesvar', lab],
    ]),
    accessLog: change.accessLog ?? accessLog,
  });
  return (
    query: string,
    variables: Record<string, unknown> = {},
    caller: Caller = doctor(patient),
    timeoutMs = 2_000,
    elevation: Elevation | null = null,
  ) => {
    const document = parse(query);
    const scope: Scope = {
      caller,
      token: 'token',
      traceId: 'a'.repeat(32),
      eventId: id,
      signal: AbortSignal.timeout(timeoutMs),
      deadline: Date.now() + timeoutMs,
      ...(elevation ? { elevation } : {}),
    };
    return run(
      generation,
      { document, operation: getOperationAST(document)!, operationName: undefined, hash: query, variables },
      scope,
    );
  };
};

const summary = `query ($p: PatientIdentifier!) { patient(identifier: $p) {
  status absence { code } birthDate
  labReports { status absence { code text source retryable } nodes { id provenance { source } } }
  imagingReports { status absence { code } nodes { id } } } }`;
const variables = { p: patient };

beforeEach(() => {
  asked.length = 0;
  written = [];
});

describe('the executor', () => {
  it('answers in the order and with the names that were asked for', async () => {
    const ask = await setUp();
    const { data, errors } = await ask(
      `query ($p: PatientIdentifier!) { patient(identifier: $p) {
      lab: labReports { n: nodes { x: id } s: status } born: birthDate __typename } }`,
      variables,
    );
    expect(errors).toBeUndefined();
    expect(JSON.stringify(data)).toBe(
      '{"patient":{"lab":{"n":[{"x":"r1"}],"s":"FRESH"},"born":"1948-03-14","__typename":"Patient"}}',
    );
  });

  it('resolves the person before planning, so that no plan begins with an identity fetch', async () => {
    const ask = await setUp();
    await ask(summary, variables);
    expect(asked.map(({ text }) => text.includes('_entities'))).toEqual([false, true, true]);
    expect(asked[1]?.variables['representations']).toEqual([{ __typename: 'Patient', id }]);
  });

  it('fills in a group whose resolver failed, with one error, and leaves the others whole', async () => {
    const ask = await setUp({
      laboratory: {
        Patient: {
          ...answering.laboratory['Patient'],
          labReports: () => {
            throw new GraphQLError('PROVESVAR withholds restricted data', {
              extensions: {
                code: 'RESTRICTED',
                absence: 'RESTRICTED',
                source: 'PROVESVAR',
                canElevate: true,
                requires: 'FORHOYET_SAMTYKKE',
                retryable: false,
              },
            });
          },
        },
      },
    });
    const { data, errors, extensions } = await ask(summary, variables);
    expect(data).toMatchObject({
      patient: {
        labReports: { status: 'FRESH', absence: { code: 'RESTRICTED', source: 'PROVESVAR' }, nodes: null },
        imagingReports: { status: 'FRESH', absence: null, nodes: [] },
      },
    });
    expect(errors).toMatchObject([
      { path: ['patient', 'labReports'], extensions: { code: 'RESTRICTED', canElevate: true } },
    ]);
    expect(extensions).toMatchObject({ kilde: { sources: [{ source: 'PROVESVAR', absence: 'RESTRICTED' }] } });
  });

  it('gives every group of a subgraph that is down its absence', async () => {
    const ask = await setUp({
      laboratory: {
        ...fake('provesvar', laboratory, answering.laboratory),
        execute: () => Promise.reject(new Error('down')),
      },
    });
    const { data, errors } = await ask(summary, variables);
    const missing = { status: 'UNAVAILABLE', absence: { code: 'SOURCE_UNAVAILABLE' }, nodes: null };
    expect(data).toMatchObject({ patient: { birthDate: '1948-03-14', labReports: missing, imagingReports: missing } });
    expect(errors?.map(({ path }) => path)).toEqual([
      ['patient', 'labReports'],
      ['patient', 'imagingReports'],
    ]);
  });

  it('answers at the deadline although a subgraph never does', async () => {
    const ask = await setUp({
      laboratory: { ...fake('provesvar', laboratory, answering.laboratory), execute: () => new Promise(() => {}) },
    });
    const { data } = await ask(summary, variables, doctor(patient), 300);
    expect(data).toMatchObject({
      patient: { birthDate: '1948-03-14', labReports: { absence: { code: 'SOURCE_UNAVAILABLE', retryable: true } } },
    });
  });

  it('says so when the register’s part of the patient is missing', async () => {
    const ask = await setUp({
      people: {
        Patient: {
          __resolveReference: (it: object) => it,
          status: () => {
            throw new Error('bug');
          },
        },
      },
    });
    const { data, errors } = await ask(summary, variables);
    expect(data).toMatchObject({
      patient: { status: 'UNAVAILABLE', birthDate: null, labReports: { nodes: [{ id: 'r1' }] } },
    });
    expect(errors).toHaveLength(1);
  });

  it('says UNKNOWN, never empty, when nobody says why a group is missing', async () => {
    const ask = await setUp({
      laboratory: { Patient: { ...answering.laboratory['Patient'], labReports: () => null } },
    });
    const { data } = await ask(summary, variables);
    expect(data).toMatchObject({
      patient: { labReports: { status: 'UNAVAILABLE', absence: { code: 'UNKNOWN' }, nodes: null } },
    });
  });

  it('says NOT_ASKED for a group whose arguments were wrong: the source has no part in it', async () => {
    const ask = await setUp({
      laboratory: {
        Patient: {
          ...answering.laboratory['Patient'],
          labReports: () => {
            throw new GraphQLError('first: from 1 to 100', { extensions: { code: 'BAD_REQUEST' } });
          },
        },
      },
    });
    const { data, errors, extensions } = await ask(summary, variables);
    expect(data).toMatchObject({
      patient: { labReports: { status: 'NOT_ASKED', absence: { code: 'NOT_ASKED' }, nodes: null } },
    });
    expect(errors).toMatchObject([{ path: ['patient', 'labReports'], extensions: { code: 'BAD_REQUEST' } }]);
    expect(extensions).toMatchObject({ kilde: { sources: [{ source: 'PROVESVAR', status: 'NOT_ASKED' }] } });
  });

  it('never asks for what is not permitted, and says so', async () => {
    const ask = await setUp();
    const pharmacist = { ...doctor(patient), role: 'pharmacist' } as Caller;
    const { data, errors, extensions } = await ask(summary, variables, pharmacist);
    expect(asked.some(({ text }) => text.includes('labReports') || text.includes('imagingReports'))).toBe(false);
    expect(data).toMatchObject({
      patient: {
        birthDate: '1948-03-14',
        labReports: { status: 'NOT_ASKED', absence: { code: 'NO_ACCESS' }, nodes: null },
      },
    });
    expect(errors?.map(({ extensions: it }) => it?.['code'])).toEqual(['FORBIDDEN', 'FORBIDDEN']);
    expect(extensions).toMatchObject({
      kilde: { sources: [{ source: 'PROVESVAR', status: 'NOT_ASKED', absence: 'NO_ACCESS', count: null }] },
    });
  });

  it('judges a field by its coordinate, not by its alias or fragment', async () => {
    const ask = await setUp();
    const pharmacist = { ...doctor(patient), role: 'pharmacist' } as Caller;
    const { data } = await ask(
      `query ($p: PatientIdentifier!) { patient(identifier: $p) { ...a } } fragment a on Patient { birthDate: labReports { nodes { id } } }`,
      variables,
      pharmacist,
    );
    expect(data).toEqual({ patient: { birthDate: { nodes: null } } });
    expect(asked.some(({ text }) => text.includes('labReports'))).toBe(false);
  });

  it('answers alike for an unknown person and for one that is not the caller’s', async () => {
    const ask = await setUp();
    const unknown = await ask(summary, { p: '02915631153' }, doctor('02915631153'));
    const notTheirs = await ask(summary, variables, doctor('02915631153'));
    expect(unknown).toEqual(notTheirs);
    expect(unknown).toMatchObject({ data: { patient: null }, errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    expect(written.map(({ decision }) => decision.mayKnow)).toEqual([false, false]);
  });

  it('refuses two patients in one operation', async () => {
    const ask = await setUp();
    const two =
      'query ($p: PatientIdentifier!) { a: patient(identifier: $p) { id } b: patient(identifier: $p) { id } }';
    await expect(ask(two, variables)).rejects.toMatchObject({ extensions: { code: 'BAD_REQUEST' } });
  });

  it.each([
    ['14834841292', undefined],
    ['', undefined],
    [null, undefined],
    [patient, id],
    [null, 'not-a-uuid'],
  ])('refuses identifier %j with id %j and repeats neither', async (identifier, uuid) => {
    const ask = await setUp();
    const query = 'query ($i: PatientIdentifier, $u: ID) { patient(identifier: $i, id: $u) { id } }';
    const error = await ask(query, { i: identifier, u: uuid }).then(
      () => null,
      (it: Error) => it,
    );
    expect(error).toMatchObject({ extensions: { code: 'BAD_REQUEST' } });
    for (const value of [identifier, uuid]) if (value) expect(error?.message).not.toContain(value);
  });

  it.each([
    ['a restricted category', { type: 'restriction', source: 'PROVESVAR', scope: 'laboratory' }, 'RESTRICTED', true],
    ['a source that is opted out of', { type: 'reservation', source: 'PROVESVAR', scope: null }, 'RESERVED', false],
    ['a professional who is blocked', { type: 'block', source: '*', scope: '9990004' }, 'BLOCKED', false],
  ] as const)('says so of %s, and asks nobody', async (_title, setting, code, canElevate) => {
    const ask = await setUp({ settings: [setting] });
    const { data, errors } = await ask(summary, variables);
    expect(data).toMatchObject({ patient: { labReports: { status: 'NOT_ASKED', absence: { code }, nodes: null } } });
    expect(errors).toContainEqual(
      expect.objectContaining({
        path: ['patient', 'labReports'],
        extensions: expect.objectContaining({ code, canElevate, source: 'PROVESVAR', retryable: false }),
      }),
    );
    expect(asked.filter(({ text }) => text.includes('labReports'))).toEqual([]);
  });

  describe('with an elevated basis', () => {
    const consent: Elevation = { accessBasis: 'FORHOYET_SAMTYKKE', reason: 'Samtykke gitt i dag' };
    const restriction: PrivacySetting = { type: 'restriction', source: 'PROVESVAR', scope: 'laboratory' };
    const onlyPerson = 'query ($p: PatientIdentifier!) { patient(identifier: $p) { birthDate } }';
    const elevated = async (change: Change, query = summary, elevation: Elevation = consent) =>
      (await setUp(change))(query, variables, doctor(patient), 2_000, elevation);

    it('opens what the patient has restricted, says the basis to the source, and notes what it has opened', async () => {
      const { data, errors } = await elevated({ settings: [restriction] });
      expect(errors).toBeUndefined();
      expect(data).toMatchObject({ patient: { labReports: { status: 'FRESH', nodes: [{ id: 'r1' }] } } });
      const toLaboratory = asked.find(({ text }) => text.includes('labReports'));
      expect(toLaboratory?.assertion).toMatchObject({
        accessBasis: 'FORHOYET_SAMTYKKE',
        categories: expect.arrayContaining(['laboratory']),
      });
      expect(JSON.stringify(asked.map(({ assertion }) => assertion))).not.toContain(consent.reason);
      expect(written).toMatchObject([{ scope: { elevation: consent }, opened: new Set(['laboratory']) }]);
    });

    it('has opened nothing where nothing is restricted', async () => {
      await elevated({});
      expect(written).toMatchObject([{ scope: { elevation: consent }, opened: new Set() }]);
    });

    it('tells the access log when a source has opened what nobody else knew of', async () => {
      const sources = [
        { source: 'PROVESVAR', status: 'FRESH', asOf: null, count: 1, absence: null, opened: true } as const,
      ];
      const opening: Subgraph = {
        ...fake('provesvar', laboratory, answering.laboratory),
        execute: async () => ({ data: { _entities: [] }, sources }),
      };
      await elevated({ laboratory: opening });
      expect(written[0]?.sources).toContainEqual(expect.objectContaining({ source: 'PROVESVAR', opened: true }));
    });

    it('does not open a block', async () => {
      const { data } = await elevated({ settings: [restriction, { type: 'block', source: '*', scope: '9990004' }] });
      expect(data).toMatchObject({ patient: { labReports: { absence: { code: 'BLOCKED' }, nodes: null } } });
      expect(asked.filter(({ text }) => text.includes('labReports'))).toEqual([]);
      expect(written).toMatchObject([{ opened: new Set() }]);
    });

    it('that is not for the purpose is refused, with an entry that names the patient, and asks no source', async () => {
      const emergency: Elevation = { accessBasis: 'FORHOYET_AKUTT', reason: 'Det haster' };
      await expect(elevated({ settings: [restriction] }, onlyPerson, emergency)).rejects.toMatchObject({
        extensions: { code: 'FORBIDDEN', http: { status: 403 } },
      });
      expect(asked.map(({ text }) => text.includes('identify'))).toEqual([true]);
      expect(written).toMatchObject([
        { scope: { elevation: emergency }, person: { id }, decision: { mayKnow: false, rule: 'elevation/purpose' } },
      ]);
    });

    it('is refused where the operation is about nobody, too', async () => {
      const ask = await setUp();
      const answer = ask('{ viewer { kind } }', {}, citizen(patient), 2_000, consent);
      await expect(answer).rejects.toMatchObject({ extensions: { code: 'FORBIDDEN' } });
      expect(written).toMatchObject([{ person: null, decision: { rule: 'elevation/professional' } }]);
    });

    it('releases no refusal that the access log does not hold', async () => {
      const down = { ...accessLog, write: () => Promise.reject(new Error('AUDIT_UNAVAILABLE')) };
      const emergency: Elevation = { accessBasis: 'FORHOYET_AKUTT', reason: 'Det haster' };
      await expect(elevated({ accessLog: down }, onlyPerson, emergency)).rejects.toThrow('AUDIT_UNAVAILABLE');
    });
  });

  it('lets a setting for another source, another professional or a single period be', async () => {
    const settings: PrivacySetting[] = [
      { type: 'restriction', source: 'ERESEPT', scope: null },
      { type: 'restriction', source: 'PROVESVAR', scope: 'laboratory 2020-01-01/2021-01-01' },
      { type: 'block', source: '*', scope: '1234567' },
    ];
    const ask = await setUp({ settings });
    expect((await ask(summary, variables)).data).toMatchObject({ patient: { labReports: { status: 'FRESH' } } });
  });

  it('does not ask what a patient has restricted for somebody who may not know of them', async () => {
    const ask = await setUp({ settings: null }); // would fail
    const { data, errors } = await ask(summary, variables, doctor('02915631153'));
    expect(data).toEqual({ patient: null });
    expect(errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
  });

  it('decides nothing when nobody can say what the patient has restricted', async () => {
    const ask = await setUp({ settings: null });
    await expect(ask(summary, variables)).rejects.toMatchObject({ extensions: { code: 'SOURCE_UNAVAILABLE' } });
    expect(asked.filter(({ text }) => !text.includes('identify'))).toEqual([]);
  });

  it('releases nothing when the access log cannot be written', async () => {
    const ask = await setUp({
      accessLog: { ...accessLog, write: () => Promise.reject(new Error('AUDIT_UNAVAILABLE')) },
    });
    await expect(ask(summary, variables)).rejects.toThrow('AUDIT_UNAVAILABLE');
  });

  it('writes one entry with what was given before it answers', async () => {
    const ask = await setUp();
    await ask(summary, variables);
    expect(written).toHaveLength(1);
    expect(written[0]?.person?.id).toBe(id);
    expect([...(written[0]?.categories ?? [])].sort()).toEqual(['imaging', 'laboratory', 'person']);
  });

  it('writes only the categories that the operation asked for, the refused ones too', async () => {
    const ask = await setUp();
    await ask('query ($p: PatientIdentifier!) { patient(identifier: $p) { labReports { nodes { id } } } }', variables, {
      ...doctor(patient),
      role: 'pharmacist',
    } as Caller);
    expect([...(written[0]?.categories ?? [])]).toEqual(['laboratory']);
  });

  it('keeps a member called __proto__ a member', async () => {
    const ask = await setUp();
    const { data } = await ask(
      'query ($p: PatientIdentifier!) { patient(identifier: $p) { __proto__: birthDate constructor: id } }',
      variables,
    );
    expect(Object.getPrototypeOf({})).not.toHaveProperty('birthDate');
    expect(({} as Record<string, unknown>)['constructor']).toBe(Object);
    expect(Object.entries((data as { patient: object }).patient)).toEqual([
      ['__proto__', '1948-03-14'],
      ['constructor', id],
    ]);
  });

  it('tells who is asking', async () => {
    const ask = await setUp();
    const { data } = await ask('{ viewer { kind role access { category permitted } } }');
    expect(data).toMatchObject({
      viewer: { kind: 'PROFESSIONAL', role: 'doctor', access: [{ category: 'imaging', permitted: true }, {}, {}] },
    });
  });
});

describe('the supergraph without security features', () => {
  it('has the same types and fields as the annotated one', () => {
    const names = (sdl: string) =>
      print(parse(sdl))
        .split('\n')
        .filter((line) => /^\s*(type|interface|enum|input|union|\w+(\(.*\))?:)/.test(line))
        .map((line) => line.replace(/\s@policy\(.*?\]\]\)/g, ''));
    expect(names(stripped)).toEqual(names(annotated).filter((line) => !line.includes('policy__')));
    expect(stripped).not.toContain('@policy');
  });

  it('is refused when a feature has no enforcer', () => {
    const unknown = annotated.replace('specs.apollo.dev/policy/', 'specs.apollo.dev/requiresScopes/');
    expect(() => withoutSecurity(unknown)).toThrow('No enforcer');
  });
});
