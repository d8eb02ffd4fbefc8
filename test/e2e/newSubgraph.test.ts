import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeSupergraph, readSubgraphs, subgraphsHome } from '../../schema/compose.ts';
import { subgraphSdl } from '../../schema/sdl.ts';
import { type Kilde, startKilde } from '../support/kilde.ts';

const patient = '14834841291';
const homes = [subgraphsHome, new URL('./newSubgraph/', import.meta.url)];
const query = `query ($p: PatientIdentifier!) { patient(identifier: $p) {
  name { text }
  immunizations { status absence { code } provenance { source } nodes { id occurred provenance { source } } }
} }`;

const asked: string[] = [];
const sysvak = fastify();
sysvak.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, body),
);
sysvak.post('/Immunization/_search', (request) => {
  const form = new URLSearchParams(String(request.body));
  asked.push(request.url);
  return [{ id: 'v1', patient: form.get('patient'), occurrenceDateTime: '2021-03' }];
});

const folder = mkdtempSync(join(tmpdir(), 'kilde-new-subgraph-'));
const SUPERGRAPH_FILE = join(folder, 'supergraph.graphql');

let kilde: Kilde;
beforeAll(async () => {
  writeFileSync(SUPERGRAPH_FILE, composeSupergraph(readSubgraphs(homes)));
  const SYSVAK_URL = await sysvak.listen({ host: '127.0.0.1', port: 0 });
  kilde = await startKilde({ SYSVAK_URL, SUPERGRAPH_FILE }, { homes });
});
afterAll(async () => {
  await kilde?.stop();
  await sysvak.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a new folder with a subgraph in it', () => {
  it('is composed, served and said to be a source, with no edit under gateway/', async () => {
    const answer = await kilde.ask(await kilde.token({ persona: 'legevakt-doctor', patient }), query, { p: patient });
    expect(answer.errors).toBeUndefined();
    expect(answer.data).toMatchObject({
      patient: {
        name: { text: 'STILLE FJORDARM' },
        immunizations: {
          status: 'FRESH',
          absence: null,
          nodes: [{ id: 'v1', occurred: '2021-03', provenance: { source: 'SYSVAK' } }],
        },
      },
    });
    expect(answer.extensions?.kilde.sources).toContainEqual(
      expect.objectContaining({ source: 'SYSVAK', status: 'FRESH', count: 1 }),
    );
    const schema = await (await fetch(`${kilde.url}/schema.graphql`)).text();
    expect(schema).toContain('immunizations: ImmunizationGroup');
    const health = (await (await fetch(`${kilde.url}/health/ready`)).json()) as {
      sources: { source: string; up: boolean }[];
    };
    expect(health.sources).toContainEqual({ source: 'SYSVAK', up: true });
  });

  it('follows the role matrix: who may not see its category never makes it asked', async () => {
    const before = asked.length;
    const officer = await kilde.token({ persona: 'service-allocation-officer', patient });
    const answer = await kilde.ask(officer, query, { p: patient });
    expect(answer.data).toMatchObject({
      patient: { immunizations: { status: 'NOT_ASKED', absence: { code: 'NO_ACCESS' }, nodes: null } },
    });
    expect(asked).toHaveLength(before);
  });
});

describe('composition', () => {
  const compose = (own: string) => () =>
    composeSupergraph([...readSubgraphs(), { name: 'immunization', typeDefs: subgraphSdl(own) }]);

  it('refuses a field on Patient without a class', () => {
    expect(compose('extend type Patient { "d" vaccines: Int @source(name: "SYSVAK") }')).toThrow(
      'Patient.vaccines has no @policy',
    );
  });
  it('refuses a field on Patient without a source', () => {
    expect(compose('extend type Patient { "d" vaccines: Int @policy(policies: [["medication"]]) }')).toThrow(
      'Patient.vaccines has no @source',
    );
  });
  it('refuses a field, an argument or a type without a description', () => {
    const bare =
      'extend type Patient { "d" vaccines(first: Int): Bare @policy(policies: [["medication"]]) @source(name: "SYSVAK") } type Bare { id: ID }';
    expect(compose(bare)).toThrow(
      /Bare has no description[\s\S]*Bare\.id has no description[\s\S]*Patient\.vaccines\(first:\) has no description/,
    );
  });
});
