import { describe, expect, it } from 'vitest';
import { noCache } from '../../subgraphs/_shared/cache/cache.ts';
import type { Result, Source, SourceAnswer, SourceCall, SourceError } from '../../subgraphs/_shared/source.ts';
import { searchReports } from '../../subgraphs/provesvar/adapter/client.ts';
import { createLoaders } from '../../subgraphs/provesvar/loaders.ts';
import { assertionFor, patientOf } from '../support/ask.ts';

const nationalId = '14834841291';
const everything = { from: null, to: null, codes: null };
const context = () => ({
  assertion: assertionFor(patientOf(nationalId)),
  subjectToken: null,
  signal: AbortSignal.timeout(5_000),
});

type Reply = { status?: number; body: unknown };
type Answered = Result<{ value: unknown; headers: Record<string, string> }>;

/** PPS as a function of what is searched and how much is skipped: for answers that the simulator never gives. */
const ppsThat = (reply: (searched: string, skip: number) => Reply): Source & { asked: string[] } => {
  const asked: string[] = [];
  const understand = <T>(call: SourceCall<T>, answer: SourceAnswer, body: unknown): Answered => {
    const refusal: SourceError | null = call.refusal?.(answer) ?? null;
    if (refusal) return { ok: false, error: refusal };
    if (answer.status >= 300) return { ok: false, error: { kind: 'unavailable', source: 'PROVESVAR', status: 500 } };
    const { data, error } = call.shape.safeParse(body);
    return error
      ? { ok: false, error: { kind: 'invalid', source: 'PROVESVAR', paths: [] } }
      : { ok: true, value: { value: data, headers: {} } };
  };
  return {
    name: 'PROVESVAR',
    asked,
    async call(call) {
      const searched = call.path.split('/')[0]!;
      const skip = Number((call.body as URLSearchParams).get('_skip'));
      asked.push(`${searched} ${skip}`);
      const { status = 200, body } = reply(searched, skip);
      return understand(call, { status, headers: {}, text: JSON.stringify(body) }, body) as never;
    },
    reachable: async () => true,
    close: async () => {},
  };
};

const report = (id: string) => ({
  resourceType: 'DiagnosticReport',
  id,
  status: 'final',
  subject: { identifier: { value: nationalId } },
});
const bundle = (resources: object[], more: object = {}) => ({
  resourceType: 'Bundle',
  type: 'searchset',
  total: resources.length,
  entry: resources.map((resource) => ({ resource })),
  ...more,
});
const outcome = (code: string, severity = 'information', details?: object) => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity, code, ...(details ? { details } : {}) }],
});
const privacy = (...codes: string[]) => ({
  coding: codes.map((code) => ({ system: 'http://nhn.no/fhir/nilar/CodeSystem/pvk-outcome-cs', code })),
});
const onlyReports = (reply: (skip: number) => Reply) => (searched: string, skip: number) =>
  searched === 'DiagnosticReport' ? reply(skip) : { body: bundle([]) };
const search = (reply: (skip: number) => Reply) =>
  searchReports(ppsThat(onlyReports(reply)), nationalId, everything, context());
const ids = (answer: Awaited<ReturnType<typeof search>>) =>
  answer.ok && answer.value.content.reports.map(({ id }) => id);

describe('PPS adapter: pages', () => {
  it('goes by what came, when PPS gives fewer at a time than it was asked for', async () => {
    const all = Array.from({ length: 7 }, (_, i) => report(`r${i}`));
    const source = ppsThat(onlyReports((skip) => ({ body: bundle(all.slice(skip, skip + 3), { total: 7 }) })));
    const answer = await searchReports(source, nationalId, everything, context());
    expect(ids(answer)).toEqual(all.map(({ id }) => id));
    expect(source.asked.filter((it) => it.startsWith('D'))).toEqual(
      [0, 3, 6].map((skip) => `DiagnosticReport ${skip}`),
    );
  });
  it('counts a hit that comes on two pages once, and misses the one that it took the place of', async () => {
    const pages: Record<number, object[]> = { 0: [report('a'), report('b')], 2: [report('b')] };
    expect(await search((skip) => ({ body: bundle(pages[skip]!, { total: 3 }) }))).toEqual({
      ok: false,
      error: { kind: 'invalid', source: 'PROVESVAR', paths: ['total'] },
    });
  });
  it.each([
    ['a total without a hit', bundle([], { total: 3 })],
    ['a total beyond reason', bundle([report('a')], { total: 100_000 })],
    ['a next page but no total', bundle([report('a')], { total: undefined, link: [{ relation: 'next', url: 'x' }] })],
  ])('takes %s for an invalid answer', async (_what, body) => {
    expect(await search(() => ({ body }))).toMatchObject({ ok: false, error: { kind: 'invalid', paths: ['total'] } });
  });
  it('does without a total when there is no next page', async () => {
    expect(ids(await search(() => ({ body: bundle([report('a')], { total: undefined }) })))).toEqual(['a']);
  });
  it('fails when a later page fails', async () => {
    const reply = (skip: number): Reply =>
      skip === 0 ? { body: bundle([report('a')], { total: 2 }) } : { status: 500, body: {} };
    expect(await search(reply)).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
  });
});

describe('PPS adapter: outcomes', () => {
  const inside = (resource: object) => bundle([resource], { total: 0 });

  it.each([
    ['alone', outcome('not-found')],
    ['in a searchset', inside(outcome('not-found'))],
    ['as an error', inside(outcome('not-found', 'error'))],
  ])('not-found %s is an empty answer', async (_where, body) => {
    expect(ids(await search(() => ({ body })))).toEqual([]);
  });
  it('a hint beside the hits takes nothing away', async () => {
    expect(
      ids(await search(() => ({ body: bundle([report('a'), outcome('informational', 'warning')], { total: 1 }) }))),
    ).toEqual(['a']);
  });
  it.each([
    ['Specific', { kind: 'blocked' }],
    ['General', { kind: 'restricted', requires: 'FORHOYET_SAMTYKKE' }],
    ['Reservation', { kind: 'reserved' }],
  ])('%s is understood alone, in a searchset, beside hits and with status 403', async (code, error) => {
    const told = outcome('suppressed', 'information', privacy(code));
    for (const reply of [
      { body: told },
      { body: inside(told) },
      { body: bundle([report('a'), told], { total: 1 }) },
      { status: 403, body: told },
    ])
      expect(await search(() => reply)).toMatchObject({ ok: false, error });
  });
  it('names what nothing opens before what something does', async () => {
    const body = inside(outcome('suppressed', 'information', privacy('General', 'Reservation', 'Specific')));
    expect(await search(() => ({ body }))).toMatchObject({ error: { kind: 'blocked' } });
    const two = inside(outcome('suppressed', 'information', privacy('General', 'Reservation')));
    expect(await search(() => ({ body: two }))).toMatchObject({ error: { kind: 'reserved' } });
  });
  it.each([
    ['a decision that nobody knows', inside(outcome('suppressed', 'information', privacy('Partial')))],
    ['an error', inside(outcome('exception', 'error'))],
    ['an outcome alone that says nothing', outcome('informational')],
    ['an outcome without an issue', inside({ resourceType: 'OperationOutcome' })],
    ['a report without a status', bundle([{ resourceType: 'DiagnosticReport', id: 'a' }])],
    ['another resource', { resourceType: 'Patient' }],
  ])('%s is an invalid answer, not an empty one', async (_what, body) => {
    expect(await search(() => ({ body }))).toMatchObject({ ok: false, error: { kind: 'invalid' } });
  });
  it('says where an answer breaks the profile, never what it holds', async () => {
    const body = bundle([{ ...report('a'), status: 17, issued: { secret: 'x' } }]);
    expect(await search(() => ({ body }))).toMatchObject({
      error: { paths: ['DiagnosticReport.status', 'DiagnosticReport.issued'] },
    });
  });
  it('is still restricted, with nothing to open it, when the elevated basis did not help', async () => {
    const told = inside(outcome('suppressed', 'information', privacy('General')));
    const source = ppsThat(() => ({ body: told }));
    const elevated = context();
    elevated.assertion.accessBasis = 'FORHOYET_AKUTT';
    expect(await searchReports(source, nationalId, everything, elevated)).toMatchObject({
      error: { kind: 'restricted', requires: null },
    });
    expect(source.asked).toHaveLength(6);
  });
});

describe('PPS loader', () => {
  const other = { ...report('other'), subject: { identifier: { value: '02915631153' } } };
  const nobody = { ...report('nobody'), subject: undefined };
  const load = (body: object, environment: 'sandbox' | 'production' = 'sandbox') => {
    const source = ppsThat(onlyReports(() => ({ body })));
    const loaders = createLoaders({ source, cache: noCache, environment }, { ...context(), report: () => {} });
    const answer = loaders.reports.load({ patient: patientOf(nationalId), filter: everything });
    return Object.assign(answer, { asked: source.asked });
  };
  it('drops and counts reports of other people and of nobody', async () => {
    const { records, dropped } = await load(bundle([report('own'), other, nobody]));
    expect(records.map(({ id }) => id)).toEqual(['own']);
    expect(dropped).toBe(2);
  });
  it('drops another person’s specimen from the patient’s own report', async () => {
    const specimen = { resourceType: 'Specimen', id: 's', type: { text: 'Plasma' } };
    const own = { ...report('own'), specimen: [{ reference: 'Specimen/s' }, { reference: 'Specimen/t' }] };
    const { records, dropped } = await load(
      bundle([own, { ...specimen, subject: other.subject }, { ...specimen, id: 't', subject: report('').subject }], {
        total: 1,
      }),
    );
    expect(records[0]!.specimen).toHaveLength(1);
    expect(dropped).toBe(1);
  });
  it('takes an answer about nobody but others for invalid', async () => {
    await expect(load(bundle([other]))).rejects.toMatchObject({ extensions: { code: 'SOURCE_INVALID' } });
  });
  it('never asks about a synthetic person in production', async () => {
    const answer = load(bundle([report('own')]), 'production');
    await expect(answer).rejects.toThrow('environment');
    expect(answer.asked).toEqual([]);
  });
});
