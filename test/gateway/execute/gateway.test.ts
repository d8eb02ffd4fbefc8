import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { getOperationAST, parse, printSchema } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createKildeGateway, type KildeGateway } from '../../../gateway/execute/gateway.ts';
import type { Scope } from '../../../gateway/execute/scope.ts';
import { followSupergraph } from '../../../gateway/follow.ts';
import { log } from '../../../gateway/log.ts';
import { planning, schemaLoads } from '../../../gateway/metrics.ts';
import { createManifest, readApiSchema } from '../../../gateway/operation/publish.ts';
import { readSupergraph, subgraphNames } from '../../../schema/compose.ts';
import { subgraphSdl } from '../../../schema/sdl.ts';
import type { Subgraph } from '../../../schema/subgraph.ts';
import { doctor } from '../../support/ask.ts';

vi.setConfig({ testTimeout: 60_000 }); // each new schema takes a second of a machine that has nothing else to do

const committed = readSupergraph();
const examples = fileURLToPath(new URL('../../../examples/operations/', import.meta.url));
const texts = new Map(Object.entries(createManifest(examples, readApiSchema())));
const root = subgraphSdl(readFileSync(new URL('../../../schema/kilde.graphql', import.meta.url), 'utf8'));

const unused = (name: string): Subgraph => ({
  name,
  execute: () => Promise.reject(new Error('nobody asks')),
  handle: async () => ({ status: 404 }),
  health: async () => [],
  close: async () => {},
});
const create = (annotatedSdl = committed, known: ReadonlyMap<string, string> = texts): KildeGateway =>
  createKildeGateway({
    annotatedSdl,
    root,
    trusted: { texts: known, required: true },
    planningMs: 5_000,
    environment: 'sandbox',
    subgraphs: new Map(subgraphNames().map((name) => [name, unused(name)])),
    accessLog: { write: async () => {}, isUp: async () => true, close: async () => {} },
  });
const load = (gateway: KildeGateway) =>
  gateway.load({ apollo: { key: undefined, keyHash: undefined, graphRef: undefined } as never });

/** A change to the committed supergraph that does change it. */
const changed = (from: string, to: string): string => {
  expect(committed).toContain(from);
  return committed.replace(from, to);
};
const described = (text: string) => changed('never derived from the number. «Fødselsdato»', text);
const birthDateFor = (category: string) =>
  changed(
    'birthDate: Date @join__field(graph: GRUNNDATA) @policy(policies: [["person"]])',
    `birthDate: Date @join__field(graph: GRUNNDATA) @policy(policies: [["${category}"]])`,
  );

const refused: [name: string, supergraph: () => string, reason: RegExp][] = [
  ['is cut off', () => committed.slice(0, committed.length / 2), /Syntax Error/],
  ['is empty', () => '', /Syntax Error/],
  ['names a type that it does not hold', () => changed('): LabReportGroup @join', '): Nothing @join'), /Nothing/],
  [
    'has a field on Patient without a class',
    () => changed(' @policy(policies: [["restrictions"]])', ''),
    /Patient\.restrictions has no @policy/,
  ],
  [
    'has a field on Patient without a source',
    () =>
      changed(
        ' @policy(policies: [["restrictions"]]) @source(name: "PERSONVERN")',
        ' @policy(policies: [["restrictions"]])',
      ),
    /Patient\.restrictions has no @source/,
  ],
  [
    'names a subgraph that is not mounted',
    () =>
      changed('enum join__Graph {', 'enum join__Graph {\n  SYSVAK @join__graph(name: "sysvak", url: "kilde://sysvak")'),
    /no subgraph sysvak is mounted here/,
  ],
  [
    'has a security feature that nobody enforces',
    () => changed('schema\n', 'schema\n  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)\n'),
    /No enforcer for the security feature requiresScopes/,
  ],
  [
    'does not say who patients are',
    () => changed(') : Identity'.replace(' ', ''), '): Identity').replace('identify(', 'recognise('),
    /no subgraph offers Query\.identify/,
  ],
  [
    'gives the gateway a field that it does not know',
    () =>
      changed(
        'type Query\n',
        'extend type Query {\n  "w" weather: String @join__field(graph: KILDE)\n}\n\ntype Query\n',
      ),
    /Query\.weather: this version of the gateway does not answer it/,
  ],
  [
    'has lost a field of a known operation',
    () => changed('birthDate: Date @join__field(graph: GRUNNDATA)', 'born: Date @join__field(graph: GRUNNDATA)'),
    /known operations could no longer be answered: [0-9a-f]{64}/,
  ],
];

const planned = async (): Promise<number> =>
  (await planning.get()).values
    .filter((it) => it.metricName?.endsWith('_count'))
    .reduce((sum, it) => sum + it.value, 0);

describe('a gateway', () => {
  let gateway: KildeGateway;
  const told: string[] = [];
  beforeAll(async () => {
    gateway = create();
    gateway.onSchemaLoadOrUpdate(({ apiSchema }) => void told.push(printSchema(apiSchema)));
    await load(gateway);
  });
  afterAll(() => gateway.stop());

  it('makes plans for every known operation before it is loaded', async () => {
    const before = await planned();
    const other = create();
    await load(other);
    await other.stop();
    expect((await planned()) - before).toBeGreaterThanOrEqual(texts.size);
  });

  it('takes a new supergraph, tells who listens, and has its facts', async () => {
    expect(await gateway.update(described('changed'))).toBe(true);
    expect(told.at(-1)).toContain('changed');
    expect(printSchema(gateway.schema()!)).toBe(told.at(-1));
  });

  it('takes one in which only a class has changed', async () => {
    expect(await gateway.update(birthDateFor('documents'))).toBe(true);
    expect(gateway.facts().classesOf('Patient.birthDate')).toEqual([[['documents']]]);
    expect(await gateway.update(committed)).toBe(true);
    expect(gateway.facts().classesOf('Patient.birthDate')).toEqual([[['person']]]);
  });

  it('does nothing for the one that is in force', async () => {
    const before = [told.length, await planned()];
    expect(await gateway.update(committed)).toBe(false);
    expect([told.length, await planned()]).toEqual(before);
  });

  it.each(refused)('refuses one that %s, says why, and keeps the one before', async (_name, supergraph, reason) => {
    const before = gateway.schema();
    const bad = supergraph();
    await expect(gateway.update(bad)).rejects.toThrow(reason);
    await expect(gateway.update(bad)).rejects.toThrow(reason); // nor is it taken for known the second time
    expect(gateway.schema()).toBe(before);
  });

  it('takes a good one after bad ones', async () => {
    expect(await gateway.update(described('afterwards'))).toBe(true);
    expect(await gateway.update(committed)).toBe(true);
  });

  it('lets go of the schemas before', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const other = create(committed, new Map());
    await load(other);
    const before: WeakRef<object>[] = [];
    for (const marker of ['first', 'second', 'third']) {
      before.push(new WeakRef(other.schema()!), new WeakRef(other.facts()));
      await other.update(described(marker));
    }
    await vi.waitFor(() => {
      collect();
      expect(before.filter((it) => it.deref() !== undefined)).toEqual([]);
    }, 10_000);
    expect(other.schema()).not.toBeNull();
    await other.stop();
  });

  it('answers a request by the schema that it was validated with', async () => {
    const other = create(committed, new Map());
    const { executor } = await load(other);
    const schema = other.schema();
    const viewer =
      '  """Who you are to Kilde, and what you may see. «Den som spør»"""\n  viewer: Viewer! @join__field(graph: KILDE)\n';
    expect(await other.update(changed(viewer, ''))).toBe(true);
    expect(other.schema()?.getQueryType()?.getFields()).not.toHaveProperty('viewer');
    const document = parse('{ viewer { kind } }');
    const scope: Scope = {
      caller: doctor(null),
      token: '',
      traceId: 'a'.repeat(32),
      eventId: '',
      signal: AbortSignal.timeout(5_000),
      deadline: Date.now() + 5_000,
    };
    const context = {
      schema,
      document,
      operation: getOperationAST(document),
      queryHash: 'a',
      request: {},
      context: scope,
    };
    expect(await executor!(context as never)).toMatchObject({ data: { viewer: { kind: 'PROFESSIONAL' } } });
    await expect(executor!({ ...context, schema: readApiSchema() } as never)).rejects.toThrow('no such schema');
    await other.stop();
  });

  it('takes those that come at once one after the other', async () => {
    const texts = ['one', 'two', 'three'].map(described);
    expect(await Promise.all([...texts, committed].map((it) => gateway.update(it)))).toEqual([true, true, true, true]);
    expect(
      told
        .slice(-4)
        .map((it) => ['one', 'two', 'three'].find((word) => it.includes(`precision, ${word}`)) ?? 'committed'),
    ).toEqual(['one', 'two', 'three', 'committed']);
  });
});

describe('a gateway that starts', () => {
  it.each(refused.slice(0, -1))(
    'with a supergraph that %s does not start, and says why',
    async (_name, supergraph, reason) => {
      await expect(load(create(supergraph()))).rejects.toThrow(reason);
    },
  );

  it('with a known operation that the schema cannot answer says so in the log and starts', async () => {
    const warn = vi.spyOn(log, 'warn');
    const gateway = create(committed, new Map([['0'.repeat(64), '{ nothing }']]));
    await load(gateway);
    expect(warn).toHaveBeenCalledWith({ operations: ['0'.repeat(64)] }, expect.any(String));
    expect(await gateway.update(described('later'))).toBe(true); // it was not answered before either
    await gateway.stop();
  });
});

describe('a supergraph file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kilde-supergraph-'));
  const file = join(folder, 'supergraph.graphql');
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const outcomes = async () =>
    Object.fromEntries((await schemaLoads.get()).values.map(({ labels, value }) => [labels.outcome, value]));

  it('is offered when it changes, also by a rename over it, and no longer when that is stopped', async () => {
    writeFileSync(file, 'first');
    const offered: string[] = [];
    const following = followSupergraph(file, { update: async (it) => offered.push(it) > 0 });
    writeFileSync(file, 'second');
    await vi.waitFor(() => expect(offered).toEqual(['second']), 10_000);
    writeFileSync(`${file}.new`, 'third');
    renameSync(`${file}.new`, file);
    await vi.waitFor(() => expect(offered).toEqual(['second', 'third']), 10_000);
    following.stop();
    await following.reload();
    expect(offered).toEqual(['second', 'third', 'third']);
  });

  it('that is refused, or gone, is told of in the log and counted', async () => {
    const error = vi.spyOn(log, 'error').mockImplementation(() => {});
    writeFileSync(file, 'bad');
    const following = followSupergraph(file, {
      update: () => Promise.reject(new Error('no subgraph x is mounted here')),
    });
    const before = await outcomes();
    await following.reload();
    expect(error).toHaveBeenCalledWith({ reason: 'no subgraph x is mounted here' }, expect.stringContaining('refused'));
    rmSync(file);
    await following.reload();
    following.stop();
    expect((await outcomes())['refused']).toBe((before['refused'] ?? 0) + 2);
  });
});
