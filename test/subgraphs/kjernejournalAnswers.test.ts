import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Subgraph } from '../../schema/subgraph.ts';
import { createKjernejournal } from '../../subgraphs/kjernejournal/subgraph.ts';
import { askSubgraph, assertionFor, patientOf } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';

/** Answers that the simulators do not give: one part failing, records withdrawn or mixed up, lists without end. */
const own = '14834841291';
const another = '02915631153';

type Answer = { status?: number; body: unknown };
let answers: Record<string, Answer>;
let requests: number;
let server: Server;
let subgraph: Subgraph;
let access: Awaited<ReturnType<typeof createTestTokens>>;

const bundle = (resources: unknown[], members: Record<string, unknown> = {}): Answer => ({
  body: { resourceType: 'Bundle', type: 'searchset', entry: resources.map((resource) => ({ resource })), ...members },
});
const subject = (value: string) => ({ identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.1', value } });
const status = (code: string) => ({ coding: [{ code }] });
const allergy = (id: string, patient = own, verification = 'confirmed') => ({
  resourceType: 'AllergyIntolerance',
  id,
  code: { text: 'Nøtter' },
  patient: subject(patient),
  verificationStatus: status(verification),
});
const documentOf = (id: string, change: Record<string, unknown> = {}) => ({
  resourceType: 'DocumentReference',
  id,
  status: 'current',
  subject: subject(own),
  securityLabel: [status('N')],
  ...change,
});

const env = (environment: 'sandbox' | 'production') => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    KILDE_ENVIRONMENT: environment,
    KILDE_KEY: randomBytes(32).toString('base64'),
    KRITISK_INFORMASJON_URL: url,
    PJD_URL: url,
  };
};

beforeAll(async () => {
  access = await createTestTokens();
  server = createServer((request, response) => {
    requests += 1;
    const { status: code = 200, body } = answers[request.url?.split('/').at(-1) ?? ''] ?? bundle([]);
    response.writeHead(code, { 'content-type': 'application/fhir+json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(() => {
  answers = {};
  requests = 0;
  subgraph = createKjernejournal(env('sandbox'), access);
});
afterEach(() => subgraph.close());
afterAll(async () => {
  await access.close();
  await new Promise((resolve) => server.close(resolve));
});

const ask = async (fields: string, asked = subgraph) => {
  const patient = patientOf(own);
  const assertion = assertionFor(patient, { categories: ['criticalInformation', 'documents'] });
  const query = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Patient { ${fields} } } }`;
  const answer = await askSubgraph(asked, query, { of: [{ __typename: 'Patient', id: patient.id }] }, assertion);
  const [entity] = (answer.data?.['_entities'] ?? []) as (Record<string, unknown> | null)[];
  return { ...answer, entity };
};
const lists = `criticalInformation {
  status absence { code retryable } treatmentLimitations { id } allergies { id } implants { id } conditions { id }
}`;

describe('Patient.criticalInformation', () => {
  it('gives the lists that could be read, and null with an error for those that could not', async () => {
    answers = { AllergyIntolerance: bundle([allergy('a1')]), Condition: { status: 503, body: {} } };
    const { entity, errors, sources } = await ask(lists);
    expect(entity?.['criticalInformation']).toEqual({
      status: 'FRESH',
      absence: { code: 'SOURCE_UNAVAILABLE', retryable: true },
      treatmentLimitations: [],
      allergies: [{ id: 'a1' }],
      implants: null,
      conditions: null,
    });
    expect(errors?.map(({ path }) => path?.at(-1))).toEqual(['implants', 'conditions']);
    expect(sources).toMatchObject([{ status: 'FRESH', count: 1, absence: 'SOURCE_UNAVAILABLE' }]);
  });

  it('does not give what has been refuted or recorded in error', async () => {
    const consent = { resourceType: 'Consent', patient: subject(own) };
    answers = {
      AllergyIntolerance: bundle([
        allergy('a1'),
        allergy('a2', own, 'refuted'),
        allergy('a3', own, 'entered-in-error'),
      ]),
      Consent: bundle([
        { ...consent, id: 'c1', status: 'active' },
        { ...consent, id: 'c2', status: 'inactive' },
      ]),
    };
    const { entity } = await ask(lists);
    expect(entity?.['criticalInformation']).toMatchObject({
      allergies: [{ id: 'a1' }],
      treatmentLimitations: [{ id: 'c1' }],
    });
  });

  it('drops and counts records of another person', async () => {
    answers = { AllergyIntolerance: bundle([allergy('a1'), allergy('a2', another)]) };
    const { entity, sources } = await ask(lists);
    expect(entity?.['criticalInformation']).toMatchObject({ allergies: [{ id: 'a1' }], absence: null });
    expect(sources).toMatchObject([{ count: 1, dropped: 1 }]);
  });

  it.each([
    ['says that more pages follow', bundle([allergy('a1')], { link: [{ relation: 'next', url: 'x' }] })],
    ['holds a record that lacks what it must have', bundle([allergy('a1'), { resourceType: 'AllergyIntolerance' }])],
    ['holds another kind of resource', bundle([{ ...allergy('a1'), resourceType: 'Observation' }])],
  ])('gives no list for an answer that %s', async (_title, answer) => {
    const limitation = {
      resourceType: 'Consent',
      id: 'c1',
      status: 'active',
      patient: subject(own),
      category: [{ coding: [{ code: '11' }] }],
    };
    answers = { AllergyIntolerance: answer, Consent: bundle([limitation]) };
    const { entity } = await ask(lists);
    expect(entity?.['criticalInformation']).toMatchObject({ allergies: null, absence: { code: 'SOURCE_INVALID' } });
  });

  it('is missing as a whole when one part cannot be used and the others hold nothing', async () => {
    answers = { AllergyIntolerance: bundle([{ resourceType: 'AllergyIntolerance' }]) };
    const { entity, errors } = await ask(lists);
    expect(entity?.['criticalInformation']).toBeNull();
    expect(errors).toMatchObject([{ extensions: { absence: 'SOURCE_INVALID' } }]);
  });

  it('shows a treatment limitation past its date, and transplants among the implants', async () => {
    const extension = (name: string, value: Record<string, string>) => ({
      url: `http://nhn.no/kj/fhir/StructureDefinition/${name}`,
      ...value,
    });
    answers = {
      Consent: bundle([
        {
          resourceType: 'Consent',
          id: 'c1',
          status: 'active',
          patient: subject(own),
          category: [{ coding: [{ code: '11', display: 'HLR-minus og behandlingsavklaringer' }] }],
          extension: [
            extension('KjValidUntil', { valueDateTime: '2021-03-30T00:00:00+02:00' }),
            extension('behandlingsavklaring-hlr-minus-reason', { valueString: 'Utbredt kreft' }),
          ],
        },
      ]),
      Condition: bundle([
        {
          resourceType: 'Condition',
          id: 'k1',
          subject: subject(own),
          category: [{ coding: [{ code: '7' }] }],
          code: { text: 'Transplantert nyre' },
          onsetDateTime: '2012',
        },
      ]),
    };
    const { entity } = await ask(`criticalInformation {
      treatmentLimitations { limitation { text } statement validUntil }
      implants { device { text } since } conditions { id }
    }`);
    expect(entity?.['criticalInformation']).toEqual({
      treatmentLimitations: [
        {
          limitation: { text: 'HLR-minus og behandlingsavklaringer' },
          statement: 'Utbredt kreft',
          validUntil: '2021-03-30T00:00:00+02:00',
        },
      ],
      implants: [{ device: { text: 'Transplantert nyre' }, since: '2012' }],
      conditions: [],
    });
  });

  it('never gives the national id of the one who recorded', async () => {
    const recorder = {
      resourceType: 'PractitionerRole',
      id: 'r',
      practitioner: { identifier: { system: 'urn:oid:2.16.578.1.12.4.1.4.1', value: '19759014866' }, display: 'Siv' },
    };
    answers = {
      AllergyIntolerance: bundle([{ ...allergy('a1'), contained: [recorder], recorder: { reference: '#r' } }]),
    };
    const { entity } = await ask(
      'criticalInformation { allergies { provenance { author { name identifier { value } } } } }',
    );
    expect(entity?.['criticalInformation']).toEqual({
      allergies: [{ provenance: { author: { name: 'Siv', identifier: null } } }],
    });
  });

  it('does not send a test person’s national id from a production installation', async () => {
    const production = createKjernejournal(env('production'), access);
    const { errors, sources } = await ask(lists, production);
    await production.close();
    expect(errors).toMatchObject([{ extensions: { code: 'INTERNAL' } }]);
    expect(sources).toEqual([]);
    expect(requests).toBe(0);
  });
});

describe('Patient.documents', () => {
  const documents = 'documents { nodes { id date } absence { code } withheld pageInfo { hasNextPage } }';

  it('drops what names another person, or nobody, as its subject, and what is not current', async () => {
    const contained = [{ resourceType: 'Patient', id: 'p', identifier: [subject(own).identifier] }];
    answers = {
      _search: bundle([
        documentOf('d1'),
        documentOf('d2', { subject: subject(another) }),
        documentOf('d3', { subject: undefined }),
        documentOf('d4', { status: 'superseded' }),
        documentOf('d5', { contained, subject: { reference: '#p' } }),
      ]),
    };
    const { entity, sources } = await ask(documents);
    expect(entity?.['documents']).toMatchObject({ nodes: [{ id: 'd1' }, { id: 'd5' }], withheld: null });
    expect(sources).toMatchObject([{ count: 2, dropped: 2 }]);
  });

  it('gives up on a list that never ends, and gives no first page of it as the whole', async () => {
    answers = { _search: bundle([documentOf('d1')], { link: [{ relation: 'next', url: 'x' }] }) };
    const { entity, errors } = await ask(documents);
    expect(entity?.['documents']).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_INVALID' } }]);
  });

  it('keeps the precision of dates, and documents without one, when it filters by date', async () => {
    answers = {
      _search: bundle([
        documentOf('year', { date: '2021' }),
        documentOf('undated'),
        documentOf('midnight', { date: '2021-06-30T22:30:00Z' }), // 1 July in Norway
        documentOf('before', { date: '2020-12-31' }),
      ]),
    };
    const { entity } = await ask(documents.replace('documents', 'documents(from: "2021-07", to: "2021-07-01")'));
    expect(entity?.['documents']).toMatchObject({
      nodes: [{ id: 'year', date: '2021' }, { id: 'undated' }, { id: 'midnight' }],
    });
  });
});
