import fc from 'fast-check';
import { expect, it } from 'vitest';
import news2 from '../../subgraphs/hendelseslager/data/news2.json' with { type: 'json' };
import { readPanel } from '../../subgraphs/hendelseslager/readModels/panel.ts';
import { type Measured, parts, scorePanel } from '../../subgraphs/hendelseslager/readModels/score.ts';

/** The chart walked by hand: Royal College of Physicians 2017, chart 1, from the paper and not from our table. */
const byHand = (m: { [K in keyof Measured]: NonNullable<Measured[K]> }): number[] => {
  const rr = m.respiratoryRate;
  const sat = m.oxygenSaturation;
  const bp = m.systolicBloodPressure;
  const hr = m.heartRate;
  const t = m.temperature;
  const scale1 = sat >= 96 ? 0 : sat >= 94 ? 1 : sat >= 92 ? 2 : 3;
  const high = m.supplementalOxygen ? (sat >= 97 ? 3 : sat >= 95 ? 2 : 1) : 0;
  const scale2 = sat >= 93 ? high : sat >= 88 ? 0 : sat >= 86 ? 1 : sat >= 84 ? 2 : 3;
  return [
    rr >= 25 ? 3 : rr >= 21 ? 2 : rr >= 12 ? 0 : rr >= 9 ? 1 : 3,
    m.scale === 2 ? scale2 : scale1,
    m.supplementalOxygen ? 2 : 0,
    bp >= 220 ? 3 : bp >= 111 ? 0 : bp >= 101 ? 1 : bp >= 91 ? 2 : 3,
    hr >= 131 ? 3 : hr >= 111 ? 2 : hr >= 91 ? 1 : hr >= 51 ? 0 : hr >= 41 ? 1 : 3,
    m.consciousness === 'A' ? 0 : 3,
    t > 39 ? 2 : t > 38 ? 1 : t > 36 ? 0 : t > 35 ? 1 : 3,
  ];
};
const riskByHand = (points: number[]): string => {
  const total = points.reduce((sum, it) => sum + it, 0);
  if (total >= 7) return 'HIGH';
  if (total >= 5) return 'MEDIUM';
  return points.includes(3) ? 'LOW_MEDIUM' : 'LOW';
};

const measured = fc.record({
  respiratoryRate: fc.integer({ min: 0, max: 60 }),
  oxygenSaturation: fc.integer({ min: 50, max: 100 }),
  scale: fc.constantFrom(1 as const, 2 as const),
  supplementalOxygen: fc.boolean(),
  systolicBloodPressure: fc.integer({ min: 40, max: 260 }),
  heartRate: fc.integer({ min: 20, max: 200 }),
  consciousness: fc.constantFrom('A' as const, 'C' as const, 'V' as const, 'P' as const, 'U' as const),
  temperature: fc.integer({ min: 300, max: 430 }).map((tenths) => tenths / 10),
});

it('NEWS2 gives the points, total and risk that the chart gives, for any measurement', () => {
  fc.assert(
    fc.property(measured, (it) => {
      const points = byHand(it);
      const score = scorePanel(it);
      expect(parts.map((part) => score.points[part])).toEqual(points);
      expect(score.total).toBe(points.reduce((sum, point) => sum + point, 0));
      expect(score.risk).toBe(riskByHand(points));
    }),
    { numRuns: 3_000 },
  );
});

it('NEWS2 without one of its parts is incomplete, and never counts the part as 0', () => {
  const members = Object.keys({
    respiratoryRate: 0,
    oxygenSaturation: 0,
    scale: 0,
    supplementalOxygen: 0,
    systolicBloodPressure: 0,
    heartRate: 0,
    consciousness: 0,
    temperature: 0,
  }) as (keyof Measured)[];
  fc.assert(
    fc.property(measured, fc.constantFrom(...members), (it, missing) => {
      const { complete, total, risk } = scorePanel({ ...it, [missing]: null });
      expect({ complete, total, risk }).toEqual({ complete: false, total: null, risk: null });
    }),
  );
});

it('NEWS2 gives what the table’s own examples give', () => {
  for (const { inn, ut, medSkala2 } of news2.eksempler) {
    const values: Measured = {
      respiratoryRate: inn.rf,
      oxygenSaturation: inn.spo2,
      scale: 1,
      supplementalOxygen: inn.oksygen,
      systolicBloodPressure: inn.sbt,
      heartRate: inn.puls,
      consciousness: 'A',
      temperature: inn.temp,
    };
    expect(scorePanel(values).total).toBe(ut.total);
    expect(scorePanel(values).risk).toBe(ut.risiko === 'LAV' ? 'LOW' : 'LOW_MEDIUM');
    if (medSkala2) expect(scorePanel({ ...values, scale: 2 }).total).toBe(medSkala2.total);
  }
});

it('NEWS2 reads values in the chart’s precision, so that none falls between two rows', () => {
  const base: Measured = {
    respiratoryRate: 16,
    oxygenSaturation: 97,
    scale: 1,
    supplementalOxygen: false,
    systolicBloodPressure: 120,
    heartRate: 70,
    consciousness: 'A',
    temperature: 37,
  };
  expect(scorePanel({ ...base, heartRate: 90.5 }).points.heartRate).toBe(1);
  expect(scorePanel({ ...base, temperature: 36.04 }).points.temperature).toBe(1);
  expect(scorePanel({ ...base, temperature: 36.05 }).points.temperature).toBe(0);
  expect(scorePanel({ ...base, oxygenSaturation: 101 }).points.oxygenSaturation).toBeNull();
  expect(scorePanel({ ...base, respiratoryRate: -1 }).points.respiratoryRate).toBeNull();
});

const snomed = 'http://snomed.info/sct';
const loinc = 'http://loinc.org';
const coded = (system: string, code: string) => ({ code: { coding: [{ system, code }] } });
const number = (value: number, code: string) => ({ valueQuantity: { value, code } });
const component = {
  rr: { ...coded(loinc, '9279-1'), ...number(22, '/min') },
  sat: { ...coded(loinc, '2708-6'), ...number(91, '%') },
  scale2: { ...coded(snomed, '1104321000000108'), valueInteger: 0 },
  scale1: { ...coded(snomed, '1104311000000102'), valueInteger: 3 },
  oxygen: { ...coded(snomed, '1104331000000105'), valueInteger: 2 },
  bp: { ...coded(loinc, '8480-6'), ...number(120, 'mm[Hg]') },
  hr: { ...coded(snomed, '364075005'), ...number(70, '/min') },
  acvpu: { ...coded(snomed, '1104441000000107'), valueString: 'A' },
  temp: { ...coded(loinc, '8310-5'), ...number(37, 'Cel') },
};
const { scale1: _scale1, ...scale2Panel } = component;
const observation = (change: Record<string, unknown>) => ({
  resource: {
    resourceType: 'Observation',
    status: 'final',
    ...coded(snomed, '1104051000000101'),
    effectiveDateTime: '2026-03-05T08:00:00+01:00',
    valueInteger: 4,
    component: Object.values(scale2Panel),
    ...change,
  },
});
const stateOf = (entry: ReturnType<typeof observation>, others: Parameters<typeof readPanel>[1] = []) => {
  const read = readPanel(entry, [entry, ...others], 'unnamed');
  if (!read?.ok) throw new Error('not read');
  return read.value.state;
};

it('a NEWS2 panel is scored on scale 2 when it carries the subscore of scale 2, and keeps what was reported', () => {
  expect(stateOf(observation({}))).toMatchObject({
    scale: 2,
    supplementalOxygen: true,
    score: 4,
    reportedScore: 4,
    mismatch: false,
    risk: 'LOW',
  });
  expect(stateOf(observation({ valueInteger: 7 }))).toMatchObject({ score: 4, reportedScore: 7, mismatch: true });
});

it('a NEWS2 panel that claims both scales, misses a part, or has it in another unit is incomplete', () => {
  const all = Object.values(component);
  const { hr: _hr, ...withoutPulse } = scale2Panel;
  const fahrenheit = { ...scale2Panel, temp: { ...coded(loinc, '8310-5'), ...number(98.6, '[degF]') } };
  const below = {
    ...scale2Panel,
    sat: { ...coded(loinc, '2708-6'), valueQuantity: { value: 70, comparator: '<', code: '%' } },
  };
  const incomplete = { complete: false, score: null, mismatch: null, risk: null };
  expect(stateOf(observation({ component: all }))).toMatchObject({ ...incomplete, scale: null });
  for (const it of [withoutPulse, fahrenheit, below])
    expect(stateOf(observation({ component: Object.values(it) }))).toMatchObject(incomplete);
});

it('a NEWS2 panel takes its parts from members too, blood pressure within its own panel', () => {
  const { bp, ...rest } = scale2Panel;
  const member = {
    fullUrl: 'urn:uuid:99999999-9999-4999-8999-999999999999',
    resource: { resourceType: 'Observation', status: 'final', ...coded(loinc, '85354-9'), component: [bp] },
  };
  const panel = observation({ component: Object.values(rest), hasMember: [{ reference: member.fullUrl }] });
  expect(stateOf(panel, [member])).toMatchObject({ complete: true, score: 4 });
  expect(stateOf(panel)).toMatchObject({ complete: false });
  const withdrawn = { ...member, resource: { ...member.resource, status: 'entered-in-error' } };
  expect(stateOf(panel, [withdrawn])).toMatchObject({ complete: false });
});
