import { readFileSync } from 'node:fs';
import { parse } from 'graphql';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkDocument, checkText, limits } from '../../../gateway/operation/limits.ts';
import { createMaker } from '../../../gateway/plan/maker.ts';
import { createPlannerWith } from '../../../gateway/plan/planner.ts';
import { createPlanningProcess, type PlanningProcess } from '../../../gateway/plan/planningProcess.ts';
import { repeat } from '../../support/attacks.ts';
import { compose } from '../../support/federation.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes are started, and kept busy on purpose

const [levels, subgraphs] = [4, 10];
const each = (count: number, piece: (index: number) => string) => repeat(count, piece);

/** A graph in the shape of CVE-2024-43414: every step of a path can be taken in every subgraph. */
const maze = compose(
  Object.fromEntries(
    Array.from({ length: subgraphs }, (_, graph) => {
      const type = (level: number) =>
        `type T${level} @key(fields: "id") { id: ID! ${each(4, (i) => `f${i}: T${level + 1} @shareable`)} }`;
      const last = `type T${levels} @key(fields: "id") { id: ID! own${graph}: Int shared: Int @shareable }`;
      return [`s${graph}`, { sdl: `type Query { start: T0 @shareable } ${each(levels, type)} ${last}`, resolvers: {} }];
    }),
  ),
);
const walk = (level: number): string => {
  if (level === levels) return `{ shared ${each(subgraphs, (i) => `own${i}`)} }`;
  return `{ ${each(4, (i) => `f${i} ${level < 3 || i === 0 ? walk(level + 1) : '{ id }'}`)} }`;
};
const hard = `{ start ${walk(0)} }`;
const easy = '{ start { id } }';

const childrenOfThis = () =>
  readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);

let planning: PlanningProcess | undefined;
afterEach(() => {
  planning?.close();
  vi.unstubAllEnvs();
});
const start = (planner: 'native' | 'apollo', supergraph = maze) => {
  planning = createPlanningProcess(supergraph, planner);
  return planning;
};

describe('the document that planners find hard', () => {
  it('is within every limit on documents', () => {
    expect(() => checkText(hard, limits)).not.toThrow();
    expect(() => checkDocument(parse(hard), limits, false)).not.toThrow();
  });

  it.each(['native', 'apollo'] as const)('keeps the %s planner busy for more than a budget of 50 ms', (planner) => {
    const make = createMaker(maze, planner);
    const before = performance.now();
    make(hard);
    expect(performance.now() - before).toBeGreaterThan(50);
  });
});

describe.each(['native', 'apollo'] as const)('a process with the %s planner', (planner) => {
  it('says what the planner says here', async () => {
    expect(await start(planner).make(easy, 5_000)).toEqual(
      JSON.parse(JSON.stringify(createMaker(maze, planner)(easy))),
    );
  });

  it('is killed when a document takes longer than its budget, and the next one is planned', async () => {
    const { ready, make } = start(planner);
    await ready;
    const [before] = childrenOfThis();
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    await expect(make(hard, 50)).rejects.toMatchObject({
      message: 'Milliseconds to plan an operation: 50 at most',
      extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } },
    });
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(2); // this thread had time for others meanwhile
    await vi.waitFor(() => expect(childrenOfThis()).not.toContain(before));
    expect(await make(easy, 5_000)).toHaveProperty('node.kind');
  });

  it('plans what waits behind a document that is too hard', async () => {
    const { make } = start(planner);
    const answers = await Promise.allSettled([make(hard, 50), make(easy, 5_000), make(hard, 50), make(easy, 5_000)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('passes on that something cannot be planned, and goes on', async () => {
    const { make } = start(planner);
    await expect(make('{ nothing }', 5_000)).rejects.toThrow(/nothing/);
    expect(await make(easy, 5_000)).toHaveProperty('node.kind');
  });
});

describe('a planning process', () => {
  it('may come down over a document without harm to anything else', async () => {
    const { ready, make } = start('apollo');
    await ready;
    const [child] = childrenOfThis();
    const made = make(hard, 20_000);
    process.kill(Number(child), 'SIGKILL'); // as the system does to a process that takes all memory
    await expect(made).rejects.toMatchObject({ extensions: { code: 'LIMIT_EXCEEDED' } });
    expect(await make(easy, 5_000)).toHaveProperty('node.kind');
  });

  it('is given nothing of the gateway’s environment', async () => {
    vi.stubEnv('KILDE_KEY', 'a-key-of-this-process');
    await start('native').ready;
    for (const child of childrenOfThis())
      expect(readFileSync(`/proc/${child}/environ`, 'utf8')).not.toContain('a-key-of-this-process');
  });

  it('refuses what comes when 256 documents wait', async () => {
    const { make } = start('native');
    const waiting = Array.from({ length: 256 }, () => make(easy, 5_000));
    await expect(make(easy, 5_000)).rejects.toMatchObject({
      extensions: { code: 'OVERLOADED', http: { status: 503 } },
    });
    expect(await Promise.all(waiting)).toHaveLength(256);
  });

  it('ends when it is closed, and still answers a request that began before', async () => {
    const { ready, make, close } = start('native');
    await ready;
    const [child] = childrenOfThis();
    const inHand = make(easy, 5_000);
    close();
    await inHand;
    await vi.waitFor(() => expect(childrenOfThis()).not.toContain(child));
    expect(await make(easy, 5_000)).toHaveProperty('node.kind');
    await vi.waitFor(() => expect(childrenOfThis()).toEqual([]));
  });

  it.each(['native', 'apollo'] as const)('says that no %s planner can be made of a supergraph', async (planner) => {
    await expect(start(planner, 'no schema').ready).rejects.toThrow();
  });
});

describe('a plan', () => {
  const document = parse('query ($y: Boolean!) { start { id f0 @include(if: $y) { id } } }');
  let asked: string[] = [];
  let broken = false;
  const planner = createPlannerWith(maze, {
    name: 'native',
    make: async (text) => {
      asked.push(text);
      if (broken) throw new Error('not now');
      return createMaker(maze, 'native')(text);
    },
    close: () => {},
  });
  beforeAll(() => {
    asked = [];
  });

  it('is made once for two who ask for it at the same time', async () => {
    const plan = planner.plan(document, undefined);
    const [one, other] = await Promise.all([plan({ y: true }), plan({ y: true })]);
    expect(one).toBe(other);
    await plan({ y: true });
    expect(asked).toHaveLength(1);
  });

  it('that could not be made is made when it is asked for again', async () => {
    const plan = planner.plan(document, undefined);
    broken = true;
    await expect(plan({ y: false })).rejects.toThrow('not now');
    broken = false;
    expect(await plan({ y: false })).toMatchObject({ kind: 'fetch' });
  });
});
