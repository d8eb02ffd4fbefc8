import news2 from '../data/news2.json' with { type: 'json' };

/** The seven parts of NEWS2, in the order of the chart. */
export const parts = [
  'respiratoryRate',
  'oxygenSaturation',
  'airOrOxygen',
  'systolicBloodPressure',
  'heartRate',
  'consciousness',
  'temperature',
] as const;
export type Part = (typeof parts)[number];

/** New confusion counts as 3, like responding to voice or pain, or not at all. */
export const consciousnessLevels = ['A', 'C', 'V', 'P', 'U'] as const;
export type Consciousness = (typeof consciousnessLevels)[number];

/** What was measured; `null` is not measured, or not usable. Units: /min, %, mm[Hg], /min, Cel. */
export type Measured = {
  respiratoryRate: number | null;
  oxygenSaturation: number | null;
  /** SpO2 scale: 2 only where hypercapnic failure is confirmed. `null` when the panel claims both. */
  scale: 1 | 2 | null;
  supplementalOxygen: boolean | null;
  systolicBloodPressure: number | null;
  heartRate: number | null;
  consciousness: Consciousness | null;
  temperature: number | null;
};
export type Risk = 'LOW' | 'LOW_MEDIUM' | 'MEDIUM' | 'HIGH';
export type Score = {
  points: Record<Part, number | null>;
  /** All seven parts have points. */
  complete: boolean;
  /** 0 to 20; `null` when a part is missing, which never counts as 0. */
  total: number | null;
  risk: Risk | null;
};

type Interval = {
  poeng: number;
  min?: number | undefined;
  max?: number | undefined;
  vilkår?: string | undefined;
};
const { parametere: chart, respons: responses } = news2;

/** Rounds a decimal number half up as written: 36.05 is 36.1, although no binary number is 36.05. */
const round = (value: number, decimals: number): number =>
  Number(`${Math.round(Number(`${value}e${decimals}`))}e-${decimals}`);

/** Values are read in the chart's precision, so that nothing falls between two of its rows. */
const pointsOf = (
  value: number | null,
  { intervaller, desimaler = 0 }: { intervaller: readonly Interval[]; desimaler?: number },
  oxygen: boolean | null = null,
): number | null => {
  if (value === null || !Number.isFinite(value) || value < 0) return null;
  const read = round(value, desimaler);
  const row = intervaller.find(
    ({ min = -Infinity, max = Infinity, vilkår }) =>
      read >= min && read <= max && (vilkår === undefined || (oxygen !== null && (vilkår === 'oksygen') === oxygen)),
  );
  return row?.poeng ?? null;
};

const oxygenPoints = (saturation: number | null, scale: 1 | 2 | null, oxygen: boolean | null): number | null => {
  if (scale === null || (saturation !== null && saturation > 100)) return null;
  return pointsOf(saturation, scale === 2 ? chart.spo2Skala2 : chart.spo2Skala1, oxygen);
};

const risks: Record<string, Risk> = { LAV: 'LOW', LAV_MIDDELS: 'LOW_MEDIUM', MIDDELS: 'MEDIUM', HØY: 'HIGH' };

/** One part at 3 is a warning of its own while the total is low («rød skår»). */
const riskOf = (total: number, highestPart: number): Risk => {
  const response = responses.find((row) =>
    'total' in row && row.total ? total >= row.total.min && total <= row.total.max : false,
  );
  const red = responses.find((row) => 'enkeltparameter' in row && row.enkeltparameter === highestPart);
  const isRed = red?.totalMindreEnn !== undefined && total < red.totalMindreEnn;
  return risks[(isRed ? red : response)!.kliniskRisiko]!;
};

/**
 * NEWS2 from its parts, by the table of `data/news2.json`.
 * @see Royal College of Physicians: National Early Warning Score (NEWS) 2, 2017, chart 1
 */
export const scorePanel = (measured: Measured): Score => {
  const { supplementalOxygen, consciousness, scale, oxygenSaturation } = measured;
  const { romluft, oksygen } = chart.luftEllerOksygen.verdier;
  const points: Score['points'] = {
    respiratoryRate: pointsOf(measured.respiratoryRate, chart.respirasjonsfrekvens),
    oxygenSaturation: oxygenPoints(oxygenSaturation, scale, supplementalOxygen),
    airOrOxygen: supplementalOxygen === null ? null : supplementalOxygen ? oksygen : romluft,
    systolicBloodPressure: pointsOf(measured.systolicBloodPressure, chart.systoliskBlodtrykk),
    heartRate: pointsOf(measured.heartRate, chart.puls),
    consciousness: consciousness && chart.bevissthet.verdier[consciousness],
    temperature: pointsOf(measured.temperature, chart.temperatur),
  };
  const given = parts.map((part) => points[part]).filter((it) => it !== null);
  if (given.length < parts.length) return { points, complete: false, total: null, risk: null };
  const total = given.reduce((sum, it) => sum + it, 0);
  return { points, complete: true, total, risk: riskOf(total, Math.max(...given)) };
};
