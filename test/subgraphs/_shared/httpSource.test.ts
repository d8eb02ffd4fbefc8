import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { register } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { createHttpSource, type HttpSourceOptions } from '../../../subgraphs/_shared/httpSource.ts';
import type { CallContext, Source, SourceCall } from '../../../subgraphs/_shared/source.ts';
import type { Tokens } from '../../../subgraphs/_shared/tokens.ts';
import { assertionFor } from '../../support/ask.ts';

/** A service that answers as the test says, and notes what it was asked. */
let server: Server;
let url: string;
let answer: RequestListener;
let asked: string[];
const sockets = new Set<Socket>();

const giveJson = (value: unknown, status = 200): RequestListener => {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
};
const fine = giveJson({ name: 'STILLE FJORDARM' });
const failing = giveJson({}, 500);
const silent: RequestListener = () => {};

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
});
beforeEach(() => {
  asked = [];
  answer = fine;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const made: Source[] = [];
const nobody: Tokens = {
  headersFor: async () => ({ ok: false, error: { kind: 'denied', source: 'SERVICE', status: 401 } }),
  close: async () => {},
};
const create = (options: Partial<HttpSourceOptions> = {}): Source => {
  const source = createHttpSource({ name: 'SERVICE', baseUrl: url, tokens: nobody, ...options });
  made.push(source);
  return source;
};
afterEach(async () => {
  vi.useRealTimers();
  for (const source of made.splice(0)) await source.close();
});

const Named = z.object({ name: z.string(), given: z.array(z.string()).default([]) });
const question: SourceCall<z.infer<typeof Named>> = {
  method: 'GET',
  path: 'person?part=name',
  authentication: { as: 'nobody' },
  shape: Named,
};
const contextUntil = (signal: AbortSignal): CallContext => ({
  assertion: assertionFor(null),
  subjectToken: null,
  signal,
});
const patient = () => contextUntil(new AbortController().signal);
const ask = (source: Source, context = patient()) => source.call(question, context);
const askOften = async (source: Source, times: number) => {
  const answers: Awaited<ReturnType<typeof ask>>[] = [];
  for (let i = 0; i < times; i += 1) answers.push(await ask(source));
  return answers;
};
const unavailable = { ok: false, error: { kind: 'unavailable', source: 'SERVICE', status: null } };
const unavailable500 = { ok: false, error: { kind: 'unavailable', source: 'SERVICE', status: 500 } };
const timeout = { ok: false, error: { kind: 'timeout', source: 'SERVICE', afterMs: 100 } };

describe('a source behind HTTP', () => {
  it('gives what the shape reads, and the headers', async () => {
    answer = (_request, response) =>
      void response.writeHead(200, { 'x-count': '3', 'x-many': ['a', 'b'] }).end('\uFEFF{"name":"Å","unknown":1}');
    const found = await ask(create());
    expect(found).toMatchObject({ ok: true, value: { value: { name: 'Å', given: [] }, headers: { 'x-count': '3' } } });
    expect(found.ok && found.value.headers['x-many']).toMatch(/^a, ?b$/);
    expect(asked).toEqual(['GET /v2/person?part=name']);
  });

  it('reads an answer that comes in pieces, cut in the middle of a letter', async () => {
    answer = (_request, response) => {
      const whole = Buffer.from(JSON.stringify({ name: 'Å'.repeat(50_000) }));
      response.writeHead(200);
      response.write(whole.subarray(0, 10_000));
      setImmediate(() => response.end(whole.subarray(10_000)));
    };
    expect(await ask(create())).toMatchObject({ ok: true, value: { value: { name: 'Å'.repeat(50_000) } } });
  });

  it.each([
    ['HTML', '<html>Service unavailable</html>', ['']],
    ['half an answer', '{"name":"STIL', ['']],
    ['nothing', '', ['']],
    ['JSON of another shape', '{"name":1,"given":[1]}', ['name', 'given.0']],
  ])('that answers 200 with %s is invalid, says where and not what', async (_case, text, paths) => {
    answer = (_request, response) => void response.end(text);
    expect(await ask(create())).toEqual({ ok: false, error: { kind: 'invalid', source: 'SERVICE', paths } });
    expect(asked).toHaveLength(1);
  });

  it('that answers more than it may is invalid before it is read to the end, and is not asked again', async () => {
    let sent = 0;
    answer = (_request, response) => {
      response.on('error', () => {});
      const more = () => {
        if (response.destroyed) return;
        sent += 1;
        if (response.write('x'.repeat(10_000))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    };
    const found = await ask(create({ maxAnswerBytes: 100_000, timeoutMs: 5_000 }));
    expect(found).toEqual({ ok: false, error: { kind: 'invalid', source: 'SERVICE', paths: ['size'] } });
    expect(asked).toHaveLength(1);
    expect(sent).toBeLessThan(2_000);
  });

  it.each([401, 403] as const)('that answers %i has denied the request', async (status) => {
    answer = giveJson({}, status);
    expect(await ask(create())).toEqual({ ok: false, error: { kind: 'denied', source: 'SERVICE', status } });
    expect(asked).toHaveLength(1);
  });

  it('is asked with a proof that holds its nonce when it wants one, once', async () => {
    const nonces: (string | undefined)[] = [];
    const tokens: Tokens = {
      headersFor: async (_source, _wanted, { nonce }) => {
        nonces.push(nonce);
        return { ok: true, value: { authorization: 'DPoP token', dpop: nonce ?? 'none' } };
      },
      close: async () => {},
    };
    answer = (request, response) => {
      const isKnown = request.headers['dpop'] === 'n1';
      response.writeHead(isKnown ? 200 : 401, { 'dpop-nonce': isKnown ? 'n2' : 'n1' }).end('{"name":"A"}');
    };
    const signed: typeof question = { ...question, authentication: { as: 'machine', audience: 'a', scope: 's' } };
    expect(await create({ tokens }).call(signed, patient())).toMatchObject({ ok: true });
    expect(nonces).toEqual([undefined, 'n1']);
    answer = (_request, response) => void response.writeHead(401, { 'dpop-nonce': 'again' }).end();
    expect(await create({ tokens }).call(signed, patient())).toMatchObject({ ok: false, error: { kind: 'denied' } });
    expect(nonces).toHaveLength(4);
  });
});

describe('a call', () => {
  it.each<[string, RequestListener]>([
    ['never answers', silent],
    ['hangs after the headers', (_request, response) => void response.writeHead(200).flushHeaders()],
    [
      'hangs after half the body',
      (_request, response) => void response.writeHead(200, { 'content-length': '50' }).write('{"name":'),
    ],
  ])('to a source that %s ends by its own time, and its connection with it', async (_case, listener) => {
    answer = listener;
    const source = create({ timeoutMs: 100 });
    const started = performance.now();
    expect(await ask(source)).toEqual(timeout);
    expect(performance.now() - started).toBeLessThan(600);
    await expect.poll(() => sockets.size).toBe(0);
    answer = fine;
    expect(await ask(source)).toMatchObject({ ok: true });
  });

  it('that nobody waits for any more ends at once, and its connection with it', async () => {
    answer = silent;
    const client = new AbortController();
    const waiting = ask(create(), contextUntil(client.signal));
    await expect.poll(() => asked).toHaveLength(1);
    client.abort();
    const started = performance.now();
    expect(await waiting).toMatchObject({ ok: false, error: { kind: 'timeout' } });
    await expect.poll(() => sockets.size, { interval: 5 }).toBe(0);
    expect(performance.now() - started).toBeLessThan(50);
  });

  it('on behalf of a request that has ended is not made', async () => {
    expect(await ask(create(), contextUntil(AbortSignal.abort()))).toMatchObject({ ok: false });
    expect(asked).toEqual([]);
  });
});

describe('retry', () => {
  it('is made once where there was no answer, and finds what has healed', async () => {
    answer = (request, response) => (asked.length === 1 ? request.socket.destroy() : fine(request, response));
    expect(await ask(create())).toMatchObject({ ok: true });
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['the answer was about the request', giveJson({}, 403)],
    ['the source is overloaded', giveJson({}, 429)],
    ['the answer cannot be used', giveJson({ name: 1 })],
  ])('is not made where %s', async (_case, listener) => {
    answer = listener;
    await ask(create());
    expect(asked).toHaveLength(1);
  });

  it('is not made for a call that took all its time', async () => {
    answer = silent;
    await ask(create({ timeoutMs: 100 }));
    expect(asked).toHaveLength(1);
  });

  it('is not made for a request that ended meanwhile', async () => {
    const client = new AbortController();
    answer = (request, response) => {
      failing(request, response);
      response.once('finish', () => client.abort());
    };
    await ask(create(), contextUntil(client.signal));
    expect(asked).toHaveLength(1);
  });

  it('adds no more than a tenth to the calls of a source of which every fifth fails', async () => {
    let count = 0;
    answer = (request, response) => {
      count += 1;
      (count % 5 === 0 ? failing : fine)(request, response);
    };
    const answers = await askOften(create(), 200);
    expect(asked.length).toBeGreaterThan(200); // it does try again
    expect(asked.length).toBeLessThanOrEqual(1.1 * 200 + 3);
    const succeeded = answers.filter(({ ok }) => ok).length;
    expect(succeeded).toBeGreaterThanOrEqual(0.87 * 200); // 80 %, and what a tenth of retries mends of the rest
  });
});

describe('circuit breaker', () => {
  const trip = async (source: Source) => {
    answer = failing;
    await askOften(source, 10);
    asked = [];
  };
  /** Later by so much, for the breaker: its clock alone is not the real one. */
  const pass = (ms: number) => vi.advanceTimersByTime(ms);
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));

  it('opens when the source answers with errors, within ten calls, and spares it from then on', async () => {
    const source = create();
    answer = failing;
    const answers = await askOften(source, 12);
    expect(asked.length).toBeLessThanOrEqual(10);
    expect(answers[0]).toEqual(unavailable500);
    expect(answers.at(-1)).toEqual(unavailable);
  });

  it('opens when the source times out', async () => {
    const source = create({ timeoutMs: 20 });
    answer = silent;
    await Promise.all(Array.from({ length: 10 }, () => ask(source)));
    asked = [];
    expect(await ask(source)).toEqual(unavailable);
    expect(asked).toEqual([]);
  });

  it('opens when the request’s deadline comes before the source answers', async () => {
    const source = create();
    answer = silent;
    await Promise.all(Array.from({ length: 10 }, () => ask(source, contextUntil(AbortSignal.timeout(50)))));
    asked = [];
    expect(await ask(source)).toEqual(unavailable);
    expect(asked).toEqual([]);
  });

  it('stays closed while fewer than half of the calls fail, and when the few that are made fail', async () => {
    const source = create();
    let count = 0;
    answer = (request, response) => {
      count += 1;
      (count % 3 === 0 ? failing : fine)(request, response);
    };
    await askOften(source, 60);
    answer = fine;
    expect(await ask(source)).toMatchObject({ ok: true });
    const other = create();
    answer = failing;
    await askOften(other, 4); // eight, with the retries that it is given
    answer = fine;
    expect(await ask(other)).toMatchObject({ ok: true });
  });

  it.each([403, 404, 200])('does not count a service’s own words (%i) as a fault', async (status) => {
    const source = create();
    answer = giveJson({ name: 1 }, status);
    await source.call({ ...question, refusal: () => null }, patient());
    const own: typeof question = {
      ...question,
      refusal: () => ({ kind: 'reserved', source: 'SERVICE' }),
    };
    for (let i = 0; i < 12; i += 1) await source.call(own, patient());
    answer = fine;
    expect(await ask(source)).toMatchObject({ ok: true });
  });

  it('is not tripped by clients that cancel', async () => {
    const source = create();
    answer = silent;
    for (let i = 0; i < 12; i += 1) {
      const client = new AbortController();
      const waiting = ask(source, contextUntil(client.signal));
      await expect.poll(() => asked.length).toBe(i + 1);
      client.abort();
      await waiting;
    }
    answer = fine;
    expect(await ask(source)).toMatchObject({ ok: true });
  });

  it('half-open lets one call through while the others are still spared', async () => {
    const source = create();
    await trip(source);
    pass(6_000);
    answer = silent;
    const client = new AbortController();
    const probe = ask(source, contextUntil(client.signal));
    await expect.poll(() => asked).toHaveLength(1);
    expect(await Promise.all([ask(source), ask(source)])).toEqual([unavailable, unavailable]);
    expect(asked).toHaveLength(1);
    client.abort();
    await probe;
  });

  it('half-open closes when its call succeeds', async () => {
    const source = create();
    await trip(source);
    pass(6_000);
    answer = fine;
    expect(await askOften(source, 3)).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
  });

  it('half-open opens again when its call fails, for as long as before', async () => {
    const source = create();
    await trip(source);
    pass(6_000);
    await ask(source);
    asked = [];
    answer = fine;
    expect(await ask(source)).toEqual(unavailable);
    pass(4_000);
    expect(await ask(source)).toEqual(unavailable);
    expect(asked).toEqual([]);
    pass(2_000);
    expect(await ask(source)).toMatchObject({ ok: true });
  });

  it('half-open takes the next call for its probe when the client of the first has cancelled', async () => {
    const source = create();
    await trip(source);
    pass(12_000); // what tripped it is no longer counted
    answer = silent;
    const client = new AbortController();
    const probe = ask(source, contextUntil(client.signal));
    await expect.poll(() => asked).toHaveLength(1);
    client.abort();
    await probe;
    answer = failing; // so it was not taken for a success either
    await ask(source);
    asked = [];
    expect(await ask(source)).toEqual(unavailable);
    expect(asked).toEqual([]);
  });

  it('is one for each source', async () => {
    await trip(create());
    answer = fine;
    expect(await ask(create())).toMatchObject({ ok: true });
  });
});

describe('bulkhead', () => {
  const many = (source: Source, count: number, context = patient()) =>
    Array.from({ length: count }, () => ask(source, context));

  it('has 48 calls under way, 96 waiting, and refuses the rest at once', async () => {
    const source = create();
    const held: (() => void)[] = [];
    answer = (request, response) => void held.push(() => void fine(request, response));
    const all = many(source, 150);
    expect(await Promise.all(all.slice(144))).toEqual(Array.from({ length: 6 }, () => unavailable));
    await expect.poll(() => held.length).toBe(48);
    answer = fine;
    for (const release of held) release();
    expect((await Promise.all(all.slice(0, 144))).every(({ ok }) => ok)).toBe(true);
    expect(asked).toHaveLength(144);
  });

  it('lets those go who have stopped waiting, and asks nothing for them', async () => {
    const source = create();
    const held: (() => void)[] = [];
    answer = (request, response) => void held.push(() => void fine(request, response));
    const underWay = many(source, 48);
    await expect.poll(() => held.length).toBe(48);
    const client = new AbortController();
    const waiting = many(source, 96, contextUntil(client.signal));
    client.abort();
    expect((await Promise.all(waiting)).some(({ ok }) => ok)).toBe(false);
    answer = fine;
    const next = ask(source);
    for (const release of held) release();
    expect(await next).toMatchObject({ ok: true });
    await Promise.all(underWay);
    expect(asked).toHaveLength(49);
  });
});

it('calls are counted by outcome, those that nobody waited for by themselves', async () => {
  const source = create({ name: 'COUNTED' });
  await ask(source);
  answer = giveJson({ name: 1 });
  await ask(source);
  answer = silent;
  const client = new AbortController();
  const waiting = ask(source, contextUntil(client.signal));
  await expect.poll(() => asked).toHaveLength(3);
  client.abort();
  await waiting;
  const text = await register.getSingleMetricAsString('kilde_source_call_duration_seconds');
  for (const outcome of ['ok', 'invalid', 'abandoned'])
    expect(text).toContain(`kilde_source_call_duration_seconds_count{source="COUNTED",outcome="${outcome}"} 1`);
});

it('reachable is whether anybody answers, with whatever status', async () => {
  answer = failing;
  expect(await create().reachable()).toBe(true);
  expect(await create({ baseUrl: 'http://127.0.0.1:1' }).reachable()).toBe(false);
});
