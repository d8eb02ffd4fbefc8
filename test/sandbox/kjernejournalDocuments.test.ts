import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Simulator } from '../../sandbox/_shared/simulator.ts';
import { startJournaldokumenter } from '../../sandbox/sources/journaldokumenter.ts';
import type { Assertion } from '../../schema/assertion.ts';
import { kjernejournalPopulation, nationalIdOf } from '../subgraphs/kjernejournalPeople.ts';
import { assertionFor, citizen, doctor } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';

const population = kjernejournalPopulation();
let access: Awaited<ReturnType<typeof createTestTokens>>;
let simulator: Simulator;

beforeAll(async () => {
  access = await createTestTokens();
  simulator = await startJournaldokumenter({ population, checkAccess: access.checkAccess });
});
afterAll(async () => {
  await Promise.all([simulator.close(), access.close()]);
});

const kjernejournal = 'nhn:phr/mhd/read-documentreferences/kjernejournalforskriften';
const care = 'nhn:phr/mhd/read-documentreferences';

type Options = {
  form?: Record<string, string>;
  headers?: Record<string, string>;
  scope?: string;
  caller?: Assertion['caller'];
  query?: string;
  asked?: Simulator;
  tokens?: typeof access.tokens;
};
const search = async (key: string, options: Options = {}) => {
  const { form = {}, headers = {}, scope = kjernejournal, caller = doctor(null), query = '' } = options;
  const { asked = simulator, tokens = access.tokens } = options;
  const url = `${asked.url}/R4/fhir/DocumentReference/_search`;
  const authorization = await tokens.headersFor(
    'JOURNALDOKUMENTER',
    { as: 'user', audience: 'nhn:phr/mhd', scope },
    { method: 'POST', url },
    { assertion: assertionFor(null, { caller }), subjectToken: null, signal: AbortSignal.timeout(5_000) },
  );
  const answer = await fetch(`${url}${query}`, {
    method: 'POST',
    headers: {
      accept: 'application/fhir+json; fhirVersion=4.0',
      'content-type': 'application/x-www-form-urlencoded',
      'nhn-source-system': 'DemoEPJ 4.2',
      'nhn-access-basis': 'SAMTYKKE',
      ...headers,
      ...(authorization.ok ? authorization.value : {}),
    },
    body: new URLSearchParams({
      'patient.identifier': nationalIdOf(population, key),
      status: 'current',
      ...form,
    }).toString(),
  });
  const body = (await answer.json()) as {
    total: number;
    link: { relation: string }[];
    entry: { resource: { content: { attachment: { title: string } }[] } }[];
  };
  return {
    status: answer.status,
    code: answer.headers.get('nhn-error-code'),
    withheld: answer.headers.get('nhn-securitylabel-nors-count'),
    body,
    titles: body.entry?.map(({ resource }) => resource.content[0]?.attachment.title.replace('Dokument ', '')),
  };
};

describe('the simulator of journaldokumenter', () => {
  it('shows under kjernejournalforskriften what its categories and ages allow', async () => {
    const { titles } = await search('fjordarm');
    expect(titles).toEqual(['new-summary', 'correspondence', 'imaging', 'old-summary']);
  });

  it('shows everything under helsepersonelloven § 45, without an access basis', async () => {
    const { titles } = await search('fjordarm', { scope: care, headers: { 'nhn-access-basis': '' } });
    expect(titles).toEqual(['new-summary', 'correspondence', 'old-results', 'imaging', 'old-summary']);
  });

  it('takes exactly one of the two list scopes in a token', async () => {
    const both = await createTestTokens({ scope: [care, kjernejournal] });
    const other = await startJournaldokumenter({ population, checkAccess: both.checkAccess });
    expect(await search('fjordarm', { asked: other, tokens: both.tokens })).toMatchObject({ status: 403 });
    await Promise.all([other.close(), both.close()]);
    expect(await search('fjordarm', { scope: 'nhn:phr/mhd/read-document' })).toMatchObject({ status: 403 });
  });

  it('pages, and says when more follows', async () => {
    const first = await search('mange-kilder', { form: { _count: '200', _sort: '-date' } });
    expect(first.body.total).toBe(250);
    expect(first.body.link.map(({ relation }) => relation)).toEqual(['self', 'next']);
    const second = await search('mange-kilder', { form: { _count: '200', _page: '2', _sort: '-date' } });
    expect(second.titles).toHaveLength(50);
    expect(second.body.link.map(({ relation }) => relation)).toEqual(['self']);
    expect((await search('fjordarm', { form: { _sort: 'date' } })).titles?.[0]).toBe('old-summary');
  });

  it('hides and counts restricted documents, and shows them on an elevated basis', async () => {
    expect(await search('sperret-dokument')).toMatchObject({ titles: ['open'], withheld: '1' });
    expect(await search('sperret-periode')).toMatchObject({ titles: [], withheld: '2' });
    const elevated = { headers: { 'nhn-access-basis': 'FORHOYET_AKUTT' } };
    expect(await search('sperret-dokument', elevated)).toMatchObject({ titles: ['open', 'restricted'], withheld: '0' });
    expect(await search('fjordarm', elevated)).toMatchObject({ status: 400, code: 'PHR-0096' });
  });

  it('refuses the blocked, about the reserved, and citizens about others', async () => {
    const elevated = { 'nhn-access-basis': 'FORHOYET_AKUTT' };
    expect(await search('blokkert-og-sperret', { headers: elevated })).toMatchObject({ status: 403, code: 'PHR-0098' });
    expect(await search('reservert')).toMatchObject({ status: 403, code: 'PHR-0097' });
    const caller = citizen(nationalIdOf(population, 'fjordarm'));
    expect(await search('sperret-dokument', { caller })).toMatchObject({ status: 403, code: 'PHR-0018' });
  });

  it('takes the identifier bare or with its own system', async () => {
    const nationalId = nationalIdOf(population, 'fjordarm');
    const withSystem = (system: string) => ({ form: { 'patient.identifier': `${system}|${nationalId}` } });
    expect(await search('fjordarm', withSystem('urn:oid:2.16.578.1.12.4.1.4.1'))).toMatchObject({ status: 200 });
    expect(await search('fjordarm', withSystem('urn:oid:2.16.578.1.12.4.1.4.2'))).toMatchObject({ status: 400 });
  });

  it.each([
    ['a national id in the address', { query: '?patient=x' }, 'PHR-0014'],
    ['another status', { form: { status: 'superseded' } }, 'PHR-0014'],
    ['an order it does not know', { form: { _sort: 'shoeSize' } }, 'PHR-0014'],
    ['a page that is no number', { form: { _page: 'two' } }, 'PHR-0014'],
    ['a basis it does not know', { headers: { 'nhn-access-basis': 'NYSGJERRIG' } }, 'PHR-0003'],
    ['no basis', { headers: { 'nhn-access-basis': '' } }, 'PHR-0002'],
    ['a name of system that is too short', { headers: { 'nhn-source-system': 'ab' } }, 'PHR-0003'],
    ['an Accept that is not FHIR', { headers: { accept: 'text/html' } }, 'PHR-0003'],
  ])('refuses %s', async (_title, options, code) => {
    expect(await search('fjordarm', options)).toMatchObject({ status: 400, code });
  });
});
