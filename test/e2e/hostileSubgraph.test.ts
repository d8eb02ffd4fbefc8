import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canary } from '../support/attacks.ts';
import { type Kilde, startKilde } from '../support/kilde.ts';
import { listOf, makeGatewayKeys } from '../support/overHttp.ts';

const patient = '14834841291';
const query = 'query ($p: PatientIdentifier!) { patient(identifier: $p) { id labReports { status nodes { id } } } }';

/** Stands in for the laboratory subgraph, and answers whatever a test wants. */
type Hostile = { body: string; headers?: Record<string, string> };
let hostile: Hostile = { body: '' };
const laboratory = fastify();
laboratory.post('/graphql', (_request, reply) =>
  reply.headers({ 'content-type': 'application/json', ...hostile.headers }).send(hostile.body),
);

let kilde: Kilde;
let authorization: string;
beforeAll(async () => {
  const url = await laboratory.listen({ host: '127.0.0.1', port: 0 });
  const { privateJwk } = await makeGatewayKeys();
  kilde = await startKilde({
    SUBGRAPHS: listOf([['provesvar', url]]),
    GATEWAY_SIGNING_KEY: JSON.stringify(privateJwk),
  });
  authorization = `Bearer ${await kilde.token({ persona: 'legevakt-doctor', patient })}`;
});
afterAll(async () => {
  await kilde?.stop();
  await laboratory.close();
});

type Answer = {
  data?: { patient?: Record<string, unknown> | null } | null;
  errors?: { message: string; path?: unknown; extensions: { code: string } }[];
};
const ask = async (answer: Hostile) => {
  hostile = answer;
  const body = JSON.stringify({ query, variables: { p: patient } });
  const { text, ...rest } = await kilde.post('/graphql', body, { authorization });
  return { ...rest, text, answer: JSON.parse(text) as Answer };
};

const malicious = '{"maliciousPayload":true,"status":"FRESH"}';
const expectUnharmed = () => {
  for (const value of [{}, [], () => {}]) expect(Reflect.get(value, 'maliciousPayload')).toBeUndefined();
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12);
  expect({}.constructor).toBe(Object);
};
const group = '{"__typename":"LabReportGroup","status":"FRESH","absence":null,"nodes":[]}';
const answered = (entity: string, rest = '') => `{"data":{"_entities":[${entity}]${rest}},"sources":[]}`;
const failed = (path: string, data = '{"_entities":[null]}') =>
  `{"data":${data},"errors":[{"message":"x","path":${path},"extensions":{"code":"INTERNAL"}}],"sources":[]}`;

describe('CVE-2026-32621, a subgraph that has fallen: its answer changes nothing but its own part', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__'];
  const bodies: [name: string, body: string][] = names.flatMap((name): [string, string][] => [
    [`${name} beside the data`, `{"${name}":${malicious},${answered(`{"labReports":${group}}`).slice(1)}`],
    [`${name} in the data`, answered(`{"labReports":${group}}`, `,"${name}":${malicious}`)],
    [`${name} in an entity`, answered(`{"__typename":"Patient","${name}":${malicious},"labReports":${group}}`)],
    [
      `${name} in a group`,
      answered(`{"labReports":{"status":"FRESH","${name}":${malicious},"nodes":[{"id":"1","${name}":${malicious}}]}}`),
    ],
    [`${name} for a type`, answered(`{"labReports":{"__typename":"${name}","status":"FRESH","nodes":[]}}`)],
    [`${name} in the path of an error`, failed(`["_entities",0,"${name}","maliciousPayload"]`)],
    [`${name} at the head of the path of an error`, failed(`["${name}","maliciousPayload"]`)],
    [`${name} deep in the path of an error`, failed(`["_entities",0,"labReports","${name}","${name}"]`)],
    [
      `${name} for a source`,
      `{"data":{"_entities":[{"labReports":${group}}]},"sources":[{"source":"${name}","status":"FRESH","asOf":null,"count":null,"absence":null}]}`,
    ],
  ]);
  it.each([
    ...bodies,
    [
      'constructor and prototype in the path of an error',
      failed('["_entities",0,"constructor","prototype","maliciousPayload"]'),
    ] as [string, string],
  ])('%s', async (_name, body) => {
    const { status, text, answer } = await ask({ body });
    expectUnharmed();
    expect(status).toBe(200);
    expect(text).not.toContain('maliciousPayload":true');
    expect(answer.data?.patient).toHaveProperty('id');
    expect(Object.keys(answer.data?.patient ?? {})).toEqual(['id', 'labReports']);
  });
});

describe('B53, B54: a subgraph’s answer', () => {
  const whole = answered(`{"__typename":"Patient","labReports":${group}}`);
  it('in order is taken, so that the rest says something', async () => {
    const { answer } = await ask({ body: whole });
    expect(answer).toMatchObject({ data: { patient: { labReports: { status: 'FRESH', nodes: [] } } } });
    expect(answer.errors).toBeUndefined();
  });

  it('gives no field that was not asked for, nor any of another type', async () => {
    const entity = `{"__typename":"Patient","secret":"${canary}","name":{"text":"${canary}"},"labReports":{"status":"FRESH","conclusion":"${canary}","nodes":[{"id":"1","secret":"${canary}"}]}}`;
    const { text, answer } = await ask({ body: answered(entity, `,"viewer":{"name":"${canary}"}`) });
    expect(text).not.toContain(canary);
    expect(answer.data?.patient).toMatchObject({ labReports: { status: 'FRESH', nodes: [{ id: '1' }] } });
  });

  it.each([
    [
      'of another type',
      `{"__typename":"Patient","labReports":{"__typename":"MedicationGroup","status":"FRESH","nodes":[]}}`,
    ],
    [
      'of a type that does not exist',
      `{"__typename":"Patient","labReports":{"__typename":"${canary}","status":"FRESH","nodes":[]}}`,
    ],
    ['that is a text', `{"__typename":"Patient","labReports":"${canary}"}`],
    ['that is a list', `{"__typename":"Patient","labReports":[{"status":"FRESH","nodes":[]}]}`],
    ['with a text for its list', `{"__typename":"Patient","labReports":{"status":"FRESH","nodes":"${canary}"}}`],
    ['with a value that its enum has not', `{"__typename":"Patient","labReports":{"status":"${canary}","nodes":[]}}`],
  ])('with a group %s is an error, in our words, and no data', async (_name, entity) => {
    const { status, text, answer } = await ask({ body: answered(entity) });
    expect(status).toBe(200);
    expect(text).not.toContain(canary);
    expect(answer.errors?.length).toBeGreaterThan(0);
    expect(answer.data?.patient).toHaveProperty('id');
    expect(answer.data?.patient).not.toMatchObject({ labReports: { status: 'FRESH', nodes: [] } });
  });

  const withErrors = (count: number) => {
    const error = (i: number) =>
      `{"message":"m${i}","path":["_entities",${i % 7},"${canary}${i}",${i}],"extensions":{"code":"INTERNAL"}}`;
    const errors = Array.from({ length: count }, (_, i) => error(i));
    return `{"data":{"_entities":[{"labReports":${group}}]},"errors":[${errors}],"sources":[]}`;
  };
  it('with errors at places that nobody asked about keeps its data, and the places to itself', async () => {
    const { status, text, answer } = await ask({ body: withErrors(1_000) });
    expect([status, answer.errors?.length]).toEqual([200, 1_000]);
    expect(answer.data?.patient).toMatchObject({ labReports: { status: 'FRESH' } });
    expect(text).not.toContain(canary);
  });

  it('with more errors than 1,000, or an endless one, is no answer', async () => {
    const endless = failed('["_entities",0]').replace('"x"', `"${canary.repeat(1_000)}"`);
    for (const body of [withErrors(1_001), endless]) {
      const { status, text, answer } = await ask({ body });
      expect([status, answer.errors?.length, text.includes(canary)]).toEqual([200, 1, false]);
      expect(answer.errors).toMatchObject([
        { path: ['patient', 'labReports'], extensions: { code: 'SOURCE_INVALID' } },
      ]);
    }
  });

  it('passes on no header (B54), and what it lacks makes nothing cacheable (Router #8933)', async () => {
    const headers = {
      'set-cookie': 'a=b',
      'cache-control': 'public, max-age=60',
      etag: '"x"',
      'access-control-allow-origin': '*',
      'x-canary': canary,
    };
    for (const body of [whole, 'no JSON']) {
      const { status, headers: received } = await ask({ body, headers });
      expect(status).toBe(200);
      expect(received.get('cache-control')).toBe('no-store');
      for (const name of ['set-cookie', 'etag', 'access-control-allow-origin', 'x-canary', 'location'])
        expect([name, received.get(name)]).toEqual([name, null]);
    }
  });
});
