import people from './data/people.json' with { type: 'json' };
import type { SyntheticOrganisation } from './model.ts';
import { municipalities, placeName } from './municipalities.ts';
import { organisationNumberOf } from './nationalIds.ts';

export type Unit = { number: string; name: string };

const ediAddress = (number: string) => `${number}@edi.example`;

/** Testdal, Nordvik and the rest of the file, HER-ids invented. */
const named = people.virksomheter.map(({ orgnr, navn, kommunenummer, overordnet }, i): SyntheticOrganisation => {
  const parent = people.virksomheter.findIndex((it) => it.navn === overordnet);
  return {
    number: orgnr,
    name: navn,
    parent: people.virksomheter[parent]?.orgnr ?? null,
    municipality: kommunenummer,
    herId: 8_100_001 + i,
    parentHerId: parent < 0 ? null : 8_100_001 + parent,
    ediAddress: ediAddress(orgnr),
  };
});

/** Eksempelvik does not exist; the sandbox gives it a municipality number that nobody else in the cast answers for. */
const eksempelvik: SyntheticOrganisation[] = [
  { number: '312345676', name: 'Eksempelvik kommune', parent: null, herId: 8_999_900, parentHerId: null },
  {
    number: '319988777',
    name: 'Eksempelvik hjemmetjeneste sone nord',
    parent: '312345676',
    herId: 8_999_901,
    parentHerId: 8_999_900,
  },
  { number: '319996028', name: 'Eksempelvik legekontor', parent: null, herId: 8_999_950, parentHerId: null },
].map((it) => ({ ...it, municipality: '5001', ediAddress: ediAddress(it.number) }));

const kinds = ['kommune', 'hjemmetjeneste', 'sykehjem'] as const;

/** An invented municipality, home service and nursing home for each number, so that nobody is cared for by a far-off one. */
const derived = municipalities.flatMap((municipality, i): SyntheticOrganisation[] => {
  let serial = 0;
  const nextNumber = (): string => {
    const number = organisationNumberOf(`32${municipality.code}${String(serial++).padStart(2, '0')}`);
    return number ?? nextNumber();
  };
  const parent = nextNumber();
  return kinds.map((kind, k) => {
    const number = kind === 'kommune' ? parent : nextNumber();
    return {
      number,
      name: `${placeName(municipality)} ${kind}`,
      parent: kind === 'kommune' ? null : parent,
      municipality: municipality.code,
      herId: 8_200_000 + 10 * i + k,
      parentHerId: kind === 'kommune' ? null : 8_200_000 + 10 * i,
      ediAddress: ediAddress(number),
    };
  });
});

/** Everybody who can hold a record or send a message. All numbers start with 3: none can belong to a real organisation. */
export const organisations: readonly SyntheticOrganisation[] = [...named, ...eksempelvik, ...derived];

const asUnit = ({ number, name }: SyntheticOrganisation): Unit => ({ number, name });
const unit = (number: string): Unit => asUnit(organisations.find((it) => it.number === number)!);

/** The units that the stories name. */
export const units = {
  testdalNursingHome: unit('310001015'),
  testdalHomeCare: unit('310002011'),
  testdalEmergency: unit('310003018'),
  nordvikSurgery: unit('310005010'),
  hospital: unit('310006017'),
  eksempelvikHomeCare: unit('319988777'),
  eksempelvikSurgery: unit('319996028'),
};

const derivedByCode = Map.groupBy(derived, (it) => it.municipality);

/** Who gives home nursing and nursing-home care to those who live in a municipality. */
export const careUnits = (municipality: string): { homeCare: Unit; nursingHome: Unit } => {
  const [, homeCare, nursingHome] = derivedByCode.get(municipality)!;
  const own = { homeCare: asUnit(homeCare!), nursingHome: asUnit(nursingHome!) };
  if (municipality === '0301') return { homeCare: units.testdalHomeCare, nursingHome: units.testdalNursingHome };
  if (municipality === '5001') return { ...own, homeCare: units.eksempelvikHomeCare };
  return own;
};
