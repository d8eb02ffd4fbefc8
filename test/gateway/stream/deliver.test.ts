import { type FormattedExecutionResult, type OperationDefinitionNode, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { Begun, createSteps, Generation, Operation, Planned } from '../../../gateway/execute/executor.ts';
import type { Scope, Stream } from '../../../gateway/execute/scope.ts';
import type { Shaped } from '../../../gateway/execute/shape.ts';
import { requestError } from '../../../gateway/operation/errors.ts';
import { readApiSchema } from '../../../gateway/operation/publish.ts';
import { readFacts } from '../../../gateway/plan/supergraph.ts';
import type { Decision } from '../../../gateway/policy/decide.ts';
import { withoutDefer } from '../../../gateway/stream/defer.ts';
import { startStream } from '../../../gateway/stream/deliver.ts';
import type { Category, CategoryDecision } from '../../../schema/categories.ts';
import { readSupergraph } from '../../../schema/compose.ts';
import type { Subgraph } from '../../../schema/subgraph.ts';
import { doctor } from '../../support/ask.ts';

const nobody: Subgraph = {
  name: 'nobody',
  execute: () => Promise.reject(new Error('nobody is asked')),
  handle: async () => ({ status: 404 }),
  health: async () => [],
  close: async () => {},
};
const generation: Generation = {
  schema: readApiSchema(),
  facts: readFacts(readSupergraph()),
  plans: {
    planFor: () => {
      throw new Error('nothing is planned here');
    },
    seen: () => [],
  },
  registers: nobody,
  privacy: nobody,
  root: () => Promise.reject(new Error('nothing is fetched here')),
};

/** Categories by what the operation says: laboratory is the one that is denied. */
const categories = new Map<string, Category>([
  ['birthDate', 'person'],
  ['labReports', 'laboratory'],
  ['medication', 'medication'],
]);
const decided = (category: Category): [Category, CategoryDecision] => [
  category,
  {
    category,
    effect: category === 'laboratory' ? 'deny' : 'permit',
    rule: 'test',
    absence: 'NO_ACCESS',
    requires: null,
  },
];
const decision: Decision = { mayKnow: true, rule: 'test', categories: new Map([...categories.values()].map(decided)) };

const text = `{ patient(id: "p") {
  birthDate
  ... @defer(label: "medication") { medication { status } }
  ... @defer(label: "laboratory") { labReports { status } }
} }`;

const fieldsIn = ({ document }: Operation) =>
  [...categories.keys()].filter((it) => JSON.stringify(document).includes(it));

/** Runs `text` on steps whose every end is in the test's hand: `come` gives a field's part, `events` is what happened. */
const begin = (change: Partial<ReturnType<typeof createSteps>> = {}) => {
  const events: string[] = [];
  const waiting = new Map<string, { come: (shaped: Shaped) => void; fail: (error: Error) => void }>();
  const gone = new AbortController();
  let scope: Scope | null = null;
  const steps: ReturnType<typeof createSteps> = {
    begin: async (_generation, _asked, given): Promise<Begun> => {
      scope = given;
      const person = { id: 'p', nins: ['14834841291'] as [string], name: null, birthDate: null, deceased: false };
      const known = { ...person, addressProtection: null, responsible: [], guardians: [], settings: [] };
      const facts = { ...known, status: 'FRESH' as const, asOf: null };
      return {
        scope: given,
        variables: {},
        isAboutPerson: true,
        person: facts,
        patient: facts,
        decision,
        opened: new Set(),
        reports: [],
        at: new Date(0),
      };
    },
    plan: async (_generation, asked): Promise<Planned> => ({
      steps: null,
      categories: new Set(fieldsIn(asked).flatMap((it) => categories.get(it) ?? [])),
    }),
    run: (_generation, asked) => new Promise((come, fail) => void waiting.set(fieldsIn(asked).join(), { come, fail })),
    record: async (_begun, noted) => void events.push(`entry: ${[...noted].sort()}`),
    ...change,
  };
  const document = parse(text);
  const whole = withoutDefer(document);
  const asked: Operation = {
    document: whole,
    operation: whole.definitions[0] as OperationDefinitionNode,
    operationName: undefined,
    hash: 'hash',
    variables: {},
  };
  const given: Scope = {
    caller: doctor('14834841291'),
    token: 'token',
    traceId: 'trace',
    eventId: 'event',
    signal: gone.signal,
    deadline: Date.now() + 1_000,
  };
  const taken: Stream[] = [];
  const sent = { document, operation: document.definitions[0] as OperationDefinitionNode };
  const first = startStream(steps, generation, asked, sent, given, (stream) => void taken.push(stream));
  const shaped = (field: string): Shaped => ({
    data: { patient: { [field]: 'value' } },
    errors: [],
    sources: [{ source: field, status: 'FRESH', asOf: null, count: 1, absence: null }],
  });
  return {
    events,
    first,
    leave: () => gone.abort(),
    come: (field: string) => waiting.get(field)!.come(shaped(field)),
    fail: (field: string) => waiting.get(field)!.fail(new Error('a bug with 14834841291 in it')),
    stream: () => taken[0]!,
    signal: () => scope!.signal,
  };
};
/** All parts are under way. */
const started = async (change: Partial<ReturnType<typeof createSteps>> = {}) => {
  const it = begin(change);
  await new Promise(setImmediate);
  it.come('birthDate');
  return { ...it, answer: await it.first };
};
const labels = (it: unknown) => (it as { came: { part: { label: string } }[] }).came.map(({ part }) => part.label);

describe('deliveries', () => {
  it('leave as they are ready, each after its entry; what is denied anywhere is in the first entry', async () => {
    const { answer, events, stream, come } = await started();
    expect(answer.data).toEqual({ patient: { birthDate: 'value' } });
    expect(events).toEqual(['entry: laboratory,person']);
    const { first, rest } = stream();
    expect(first.promised.map(({ label }) => label)).toEqual(['medication', 'laboratory']);
    come('labReports');
    const second = await rest.next();
    expect([labels(second.value), events]).toEqual([['laboratory'], ['entry: laboratory,person']]); // nothing to tell
    come('medication');
    const third = await rest.next();
    expect([labels(third.value), events.at(-1)]).toEqual([['medication'], 'entry: medication']);
    expect(third.value).toMatchObject({ isLast: true });
    expect(await rest.next()).toEqual({ done: true, value: undefined });
  });

  it('that are ready together leave together, with one entry and the report of all sources until then', async () => {
    const { stream, come, events } = await started();
    come('medication');
    come('labReports');
    await new Promise(setImmediate);
    const { value } = await stream().rest.next();
    expect(labels(value)).toEqual(['medication', 'laboratory']);
    expect(events).toEqual(['entry: laboratory,person', 'entry: medication']);
    expect(value).toMatchObject({
      isLast: true,
      extensions: {
        kilde: {
          traceId: 'trace',
          sources: [{ source: 'birthDate' }, { source: 'labReports' }, { source: 'medication' }],
        },
      },
    });
  });

  it('end with what the access log says, and nothing goes on being asked', async () => {
    let entries = 0;
    const record = async () => {
      if (entries++ > 0) throw requestError('AUDIT_UNAVAILABLE', 'no log', 503);
    };
    const { stream, come, signal } = await started({ record });
    come('medication');
    const { value } = await stream().rest.next();
    expect(value).toMatchObject({
      unanswered: [{ label: 'medication' }, { label: 'laboratory' }],
      error: { message: 'no log', extensions: { code: 'AUDIT_UNAVAILABLE', retryable: false, traceId: 'trace' } },
    });
    expect(JSON.stringify(value)).not.toContain('503');
    expect(signal().aborted).toBe(false);
    expect((await stream().rest.next()).done).toBe(true);
    expect(signal().aborted).toBe(true);
  });

  it('of a part that fails by a bug say so without words, and the others are whole', async () => {
    const { stream, come, fail } = await started();
    fail('medication');
    const broken = await stream().rest.next();
    expect(broken.value).toMatchObject({
      came: [
        {
          data: null,
          errors: [
            { message: 'Internal error', path: ['patient'], extensions: { code: 'INTERNAL', traceId: 'trace' } },
          ],
        },
      ],
    });
    expect(JSON.stringify(broken.value)).not.toContain('14834841291');
    come('labReports');
    expect(await stream().rest.next()).toMatchObject({
      value: { came: [{ data: { patient: { labReports: 'value' } } }] },
    });
  });

  it('stop without an entry when the client has gone', async () => {
    const { stream, come, leave, events } = await started();
    const next = stream().rest.next();
    leave();
    come('medication');
    expect((await next).done).toBe(true);
    expect(events).toEqual(['entry: laboratory,person']);
  });

  it('are none when the first part fails: the request fails as one in one piece does', async () => {
    const refused = begin({
      plan: () => Promise.reject(requestError('BAD_REQUEST', 'cannot be planned')),
    });
    await expect(refused.first).rejects.toThrow('cannot be planned');
    const unlogged = begin({ record: () => Promise.reject(requestError('AUDIT_UNAVAILABLE', 'no log', 503)) });
    await new Promise(setImmediate);
    unlogged.come('birthDate');
    await expect(unlogged.first).rejects.toThrow('no log');
    expect([refused.stream(), unlogged.stream()]).toEqual([undefined, undefined]);
    expect(unlogged.signal().aborted).toBe(true);
  });

  it('do not wait for a first part whose object does not come', async () => {
    const { first, stream, events } = begin({
      run: async (): Promise<Shaped> => ({ data: { patient: null }, errors: [], sources: [] }),
    });
    const answer: FormattedExecutionResult = await first;
    expect(answer.data).toEqual({ patient: null });
    expect(stream()).toBeUndefined();
    expect(events).toHaveLength(1);
  });
});
