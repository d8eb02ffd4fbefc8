import { parse } from 'graphql';
import { register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { type Calls, createCalls } from '../../../gateway/execute/calls.ts';
import type { Scope } from '../../../gateway/execute/scope.ts';
import type { FetchStep } from '../../../gateway/plan/planner.ts';
import type { Assertion } from '../../../schema/assertion.ts';
import type { Subgraph, SubgraphAnswer, SubgraphRequest } from '../../../schema/subgraph.ts';
import { assertionFor, doctor, patientOf } from '../../support/ask.ts';

const step = (text = 'query ($n: Int) { reports(first: $n) }'): FetchStep => ({
  kind: 'fetch',
  subgraph: 'provesvar',
  document: parse(text),
  text,
  variables: ['n'],
  path: [],
  after: [],
  entities: null,
  types: { of: (name) => new Set([name]), interfaces: new Set(), needed: new Set() },
  clientPath: (path) => path,
});
const patient = patientOf('14834841291', '7d0f5a52-0000-4000-8000-00000000a001');
const other = patientOf('02915631153', '7d0f5a52-0000-4000-8000-00000000a002');

/** A subgraph that answers when it is told to. */
const setUp = () => {
  const asked: (SubgraphRequest & { answer(answer: SubgraphAnswer): void; fail(error: Error): void })[] = [];
  const subgraph: Subgraph = {
    name: 'provesvar',
    execute: (request) =>
      new Promise((answer, fail) => {
        asked.push({ ...request, answer, fail });
      }),
    handle: async () => ({ status: 404 }),
    health: async () => [],
    close: async () => {},
  };
  const open = createCalls(new Map([['provesvar', subgraph]]));
  const request = (change: Partial<Assertion> = {}, { token = 'token', timeoutMs = 5_000 } = {}) => {
    const leaving = new AbortController();
    const assertion = assertionFor(patient, { deadline: Date.now() + timeoutMs - 150, ...change });
    const scope: Scope = {
      caller: assertion.caller,
      token,
      traceId: assertion.traceId,
      eventId: assertion.eventId,
      signal: leaving.signal,
      deadline: assertion.deadline + 150,
    };
    const calls: Calls = open(scope, assertion);
    return { ...calls, leave: () => leaving.abort() };
  };
  return { asked, request };
};

const found = (): SubgraphAnswer => ({ data: { reports: [{ id: 'r1' }] }, sources: [] });
const sharedSoFar = async (): Promise<number> =>
  Number(
    (await register.getSingleMetricAsString('kilde_subgraph_calls_shared_total')).match(
      /\{subgraph="provesvar"\} (\d+)/,
    )?.[1] ?? 0,
  );

describe('two calls that are alike in all that an answer may depend on', () => {
  it('are one, and each request gets an answer of its own', async () => {
    const { asked, request } = setUp();
    const before = await sharedSoFar();
    const one = request().call(step(), { n: 5 });
    const two = request().call(step(), { n: 5 });
    expect(asked).toHaveLength(1);
    asked[0]?.answer(found());
    const [first, second] = await Promise.all([one, two]);
    expect(first).toEqual(found());
    expect(second).toEqual(found());
    expect(first.data?.['reports']).not.toBe(second.data?.['reports']);
    expect(await sharedSoFar()).toBe(before + 1);
  });

  it('are one within a request, too', async () => {
    const { asked, request } = setUp();
    const { call } = request();
    const both = [call(step(), { n: 5 }), call(step(), { n: 5 })];
    expect(asked).toHaveLength(1);
    asked[0]?.answer(found());
    const [first, second] = await Promise.all(both);
    expect(first).toEqual(second);
    expect(first?.data).not.toBe(second?.data);
  });

  it('are two when the first has been answered', async () => {
    const { asked, request } = setUp();
    const one = request().call(step(), { n: 5 });
    asked[0]?.answer(found());
    await one;
    void request().call(step(), { n: 5 });
    expect(asked).toHaveLength(2);
  });

  it('are two when the second would lose more than a second of its time', () => {
    const { asked, request } = setUp();
    void request({}, { timeoutMs: 3_000 }).call(step(), { n: 5 });
    void request({}, { timeoutMs: 5_000 }).call(step(), { n: 5 });
    expect(asked).toHaveLength(2);
  });

  it('fail together when the subgraph throws', async () => {
    const { asked, request } = setUp();
    const both = [request().call(step(), { n: 5 }), request().call(step(), { n: 5 })];
    asked[0]?.fail(new Error('down'));
    for (const answer of await Promise.all(both))
      expect(answer).toMatchObject({ data: null, errors: [{ extensions: { code: 'SOURCE_UNAVAILABLE' } }] });
  });
});

describe('a call is not shared', () => {
  const base = { categories: ['laboratory'], purpose: 'TREAT', accessBasis: 'UNNTAK' } as const;
  const nurse = { ...doctor(patient.nins[0]), role: 'nurse' } as Assertion['caller'];
  it.each<[string, Partial<Assertion>]>([
    ['another caller', { ...base, caller: { ...doctor(patient.nins[0]), nin: '24865395079' } as Assertion['caller'] }],
    ['the same person in another role', { ...base, caller: nurse }],
    ['another purpose', { ...base, purpose: 'ETREAT' }],
    ['another access basis', { ...base, accessBasis: 'SAMTYKKE' }],
    ['another patient', { ...base, patients: [other] }],
    ['no patient', { ...base, patients: [] }],
    ['other categories', { ...base, categories: ['laboratory', 'imaging'] }],
  ])('with %s', (_what, change) => {
    const { asked, request } = setUp();
    void request(base).call(step(), { n: 5 });
    void request(base).call(step(), { n: 5 });
    expect(asked, 'the same is shared').toHaveLength(1);
    void request(change).call(step(), { n: 5 });
    expect(asked).toHaveLength(2);
  });

  it('with another token of the same caller', () => {
    const { asked, request } = setUp();
    void request({}, { token: 'one' }).call(step(), { n: 5 });
    void request({}, { token: 'two' }).call(step(), { n: 5 });
    expect(asked.map(({ subjectToken }) => subjectToken)).toEqual(['one', 'two']);
  });

  it('with other variables or another document', () => {
    const { asked, request } = setUp();
    void request().call(step(), { n: 5 });
    void request().call(step(), { n: 6 });
    void request().call(step('query ($n: Int) { images(first: $n) }'), { n: 5 });
    expect(asked).toHaveLength(3);
  });

  it('when it changes something', () => {
    const { asked, request } = setUp();
    const mutation = 'mutation ($n: Int) { add(n: $n) }';
    void request().call(step(mutation), { n: 5 });
    void request().call(step(mutation), { n: 5 });
    expect(asked).toHaveLength(2);
  });
});

describe('a request that leaves', () => {
  const unanswered = { data: null, errors: [{ extensions: { code: 'SOURCE_UNAVAILABLE', retryable: true } }] };

  it('does not end a call that another waits for', async () => {
    const { asked, request } = setUp();
    const first = request();
    const second = request();
    const [one, two] = [first.call(step(), { n: 5 }), second.call(step(), { n: 5 })];
    first.leave();
    expect(await one).toMatchObject(unanswered);
    expect(asked[0]?.signal.aborted).toBe(false);
    asked[0]?.answer(found());
    expect(await two).toEqual(found());
  });

  it('ends the call when it is the last, and nobody joins what has ended', async () => {
    const { asked, request } = setUp();
    const first = request();
    const second = request();
    const both = [first.call(step(), { n: 5 }), second.call(step(), { n: 5 })];
    first.leave();
    second.leave();
    expect(asked[0]?.signal.reason).toMatchObject({ name: 'AbortError' });
    for (const answer of await Promise.all(both)) expect(answer).toMatchObject(unanswered);
    void request().call(step(), { n: 5 });
    expect(asked).toHaveLength(2);
    expect(asked[1]?.signal.aborted).toBe(false);
  });

  it('ends a call that it made twice', () => {
    const { asked, request } = setUp();
    const { call, leave } = request();
    void call(step(), { n: 5 });
    void call(step(), { n: 5 });
    leave();
    expect(asked[0]?.signal.aborted).toBe(true);
  });

  it('asks nothing more', async () => {
    const { asked, request } = setUp();
    const { call, leave } = request();
    leave();
    expect(await call(step(), { n: 5 })).toMatchObject(unanswered);
    expect(asked).toHaveLength(0);
  });
});

describe('the deadline of sources', () => {
  it('ends the call and leaves time for the subgraph’s own words', async () => {
    const { asked, request } = setUp();
    const answer = request({}, { timeoutMs: 200 }).call(step(), { n: 5 });
    await new Promise((resolve) => asked[0]?.signal.addEventListener('abort', resolve));
    expect(asked[0]?.signal.reason).toMatchObject({ name: 'TimeoutError' });
    asked[0]?.answer({
      data: null,
      errors: [{ message: 'too slow', extensions: { code: 'SOURCE_UNAVAILABLE' } }],
      sources: [],
    });
    expect(await answer).toMatchObject({ errors: [{ message: 'too slow' }] });
  });
});
