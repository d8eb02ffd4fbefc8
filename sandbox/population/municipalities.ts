import data from './data/municipalities.json' with { type: 'json' };

export type Municipality = { code: string; name: string };

/** Norway's municipalities from 2024, official names with all their languages. © Kartverket, CC BY 4.0. */
export const municipalities: readonly Municipality[] = data.kommuner.map(({ kommunenummer, kommunenavn }) => ({
  code: kommunenummer,
  name: kommunenavn,
}));

const byCode = new Map(municipalities.map((it) => [it.code, it]));

export const municipalityOf = (code: string): Municipality => {
  const found = byCode.get(code);
  if (!found) throw new RangeError(`no municipality has the number ${code}`);
  return found;
};

/** One name of a municipality with several, as an address has it. */
export const placeName = ({ name }: Municipality): string => name.split(' - ')[0]!;
