import { describe, expect, it } from 'vitest';
import { createCalendar } from '../../sandbox/population/calendar.ts';
import file from '../../sandbox/population/data/people.json' with { type: 'json' };
import { generate } from '../../sandbox/population/generated.ts';
import type { SyntheticPerson } from '../../sandbox/population/model.ts';
import { firstNationalId, nationalIdOf, organisationNumberOf } from '../../sandbox/population/nationalIds.ts';
import { news2Score } from '../../sandbox/population/news2.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { employees } from '../../sandbox/population/practitioners.ts';
import { parseNationalId } from '../../schema/nationalId.ts';

const now = new Date('2026-11-21T09:30:00Z');
const population = createPopulation({ now });
const { people, organisations, practitioners } = population;
const person = (key: string): SyntheticPerson => {
  const found = population.byKey(key);
  if (!found) throw new Error(`nobody has the key ${key}`);
  return found;
};

const everyString = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(everyString) : [];
};
const historyOf = ({ nationalId: _id, formerNationalIds: _former, ...rest }: SyntheticPerson) => rest;
/** When things happened to somebody, epoch milliseconds. */
const happenedTo = (it: SyntheticPerson): number[] =>
  [
    ...[...it.criticalInformation, ...it.documents, ...it.labReports, ...it.imagingReports].map(
      ({ recorded }) => recorded,
    ),
    ...it.labReports.map(({ collected }) => collected),
    ...it.imagingReports.map(({ performed }) => performed),
    ...it.news2.map(({ measured }) => measured),
    ...it.services.flatMap(({ start, end }) => [start, ...(end ? [end] : [])]),
    ...it.medication.flatMap(({ prescribed, dispenses }) => [prescribed, ...dispenses.map((d) => d.dispensed)]),
    ...(it.medicationList ? [it.medicationList.signedAt] : []),
  ].map((text) => Date.parse(text));
const codes = (of: readonly { code?: string }[]) => of.map(({ code }) => code);

describe('who is in the population', () => {
  it('holds everybody of the file who has a number, and the nine of the cast', () => {
    const numbered = file.personer.filter(({ nummer }) => nummer !== null);
    expect(numbered).toHaveLength(44);
    for (const { id, nummer, fornavn, etternavn, fødselsdato, kommunenummer } of numbered) {
      expect(person(id)).toMatchObject({ nationalId: nummer, givenName: fornavn, familyName: etternavn });
      expect(person(id)).toMatchObject({ birthDate: fødselsdato, municipality: { code: kommunenummer } });
    }
    expect(people).toHaveLength(53);
    expect(population.byKey('århundre')).toBeUndefined();
  });

  it('has only valid synthetic national ids, and each of them once', () => {
    const ids = [
      ...people.flatMap(({ nationalId, formerNationalIds }) => [nationalId, ...formerNationalIds]),
      ...practitioners.map(({ nationalId }) => nationalId),
      ...employees.map(({ nationalId }) => nationalId),
    ];
    for (const id of ids) expect(parseNationalId(id)).toMatchObject({ synthetic: expect.any(String), rule: 'pre2032' });
    expect(new Set(ids).size).toBe(ids.length);
    for (const { nationalId } of [...practitioners, ...employees])
      expect(parseNationalId(nationalId)?.synthetic).toBe('nhn65');
  });

  it('finds a person by number, by the former D-number, by key and by register id', () => {
    const moved = person('flyttet-mellom');
    const [former] = moved.formerNationalIds;
    expect(parseNationalId(former!)).toMatchObject({ kind: 'dnr', synthetic: 'tenor80' });
    for (const found of [
      population.byNationalId(moved.nationalId),
      population.byNationalId(former!),
      population.byRegisterId(moved.registerId),
    ])
      expect(found).toBe(moved);
    expect(population.byNationalId('14834841292')).toBeUndefined();
  });

  it('has distinct keys, register ids and record ids', () => {
    const ids = people.flatMap((it) => [
      it.key,
      it.registerId,
      ...[it.criticalInformation, it.documents, it.labReports, it.imagingReports, it.services, it.news2]
        .flat()
        .map(({ id }) => id),
      ...it.labReports.flatMap(({ results }) => results.map(({ id }) => id)),
      ...it.medication.map(({ prescriptionId }) => prescriptionId),
    ]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has organisations and health personnel that could not be real, with references that hold', () => {
    const numbers = new Set(organisations.map(({ number }) => number));
    const herIds = organisations.map(({ herId }) => herId);
    expect(numbers.size).toBe(organisations.length);
    expect(new Set(herIds).size).toBe(herIds.length);
    for (const { number, parent, parentHerId } of organisations) {
      expect(number).toMatch(/^3\d{8}$/);
      expect(organisationNumberOf(number.slice(0, 8))).toBe(number);
      if (parent) expect(numbers).toContain(parent);
      if (parentHerId) expect(herIds).toContain(parentHerId);
    }
    for (const { orgnr } of file.virksomheter) expect(numbers).toContain(orgnr);
    for (const { hpr } of file.behandlere)
      if (hpr) expect(practitioners.map(({ hprNumber }) => hprNumber)).toContain(hpr);
    for (const { organisation } of [...practitioners, ...employees]) expect(numbers).toContain(organisation);
    expect(organisations).toContainEqual(
      expect.objectContaining({ number: '319988777', herId: 8_999_901, parent: '312345676', parentHerId: 8_999_900 }),
    );
  });

  it('names in its histories only organisations and health personnel that it has', () => {
    const numbers = new Set(organisations.map(({ number }) => number));
    const hprNumbers = new Set(practitioners.map(({ hprNumber }) => hprNumber));
    for (const it of people) {
      const records = [...it.criticalInformation, ...it.documents, ...it.labReports, ...it.imagingReports];
      for (const { organisation } of records) expect(numbers).toContain(organisation.number);
      for (const { unit } of [...it.services, ...it.news2]) expect(numbers).toContain(unit.number);
      for (const { author } of records) expect(hprNumbers).toContain(author.hprNumber);
      for (const { prescriber } of it.medication) expect(hprNumbers).toContain(prescriber.hprNumber);
      for (const { performer } of it.news2) expect(hprNumbers).toContain(performer.hprNumber);
    }
  });

  it('gives everybody but one a general practitioner, and nobody before birth', () => {
    expect(people.filter((it) => it.generalPractitioner === null).map(({ key }) => key)).toEqual(['dnr']);
    for (const { generalPractitioner, birthDate } of people)
      if (generalPractitioner) expect(generalPractitioner.since >= birthDate).toBe(true);
    expect(person('fjordarm').generalPractitioner).toMatchObject({ hprNumber: '999000101', herId: 8_999_950 });
  });

  it('has the relations of the file and the cast', () => {
    const joint = (...keys: string[]) => keys.map((key) => ({ key, responsibility: 'Joint' }));
    expect(person('humle').parents).toEqual(joint('bjørkeløv', 'havbris'));
    expect(person('bekkasin').parents).toEqual(joint('bjørkeløv', 'havbris'));
    expect(person('barn-11').parents).toEqual(joint('vanlig-3', 'dnr'));
    expect(person('nyfødt').parents).toEqual([{ key: 'vanlig-3', responsibility: 'Mother' }]);
    expect(person('ungdom-15').parents).toEqual([{ key: 'vanlig-2', responsibility: 'Father' }]);
    expect(person('verge-har').guardian).toBe('verge-er');
    expect(person('fullmakt-gir').representativeBy).toEqual(['fullmakt-får']);
    expect(person('kode-7').addressProtection).toBe('Confidential');
    expect(person('lykt').addressProtection).toBe('Confidential');
    expect(person('kode-6').addressProtection).toBe('StrictlyConfidential');
    expect(person('død').deathDate).toBe('2025-02-03');
    const keys = new Set(people.map(({ key }) => key));
    for (const { parents, guardian, representativeBy } of people)
      for (const key of [...parents.map((it) => it.key), ...(guardian ? [guardian] : []), ...representativeBy])
        expect(keys).toContain(key);
  });

  it('has the restrictions, blocks, reservations and delays of the file', () => {
    const set = (key: string) => person(key).privacy;
    const restricted = ['granskog', 'sperret-modul', 'sperret-periode', 'sperring-utløpt', 'blokkert-og-sperret'];
    expect(people.filter(({ privacy }) => privacy.restrictions.length > 0).map(({ key }) => key)).toEqual(restricted);
    expect(set('granskog').restrictions).toEqual([{ module: 'criticalInformation' }]);
    expect(set('sperret-modul').restrictions).toEqual([{ module: 'medication' }]);
    expect(set('sperret-periode').restrictions).toContainEqual({
      module: 'documents',
      from: '2019-01-01',
      to: '2020-12-31',
    });
    expect(set('sperring-utløpt').restrictions).toEqual([{ module: 'labReports', to: '2024-12-31', expired: true }]);
    expect(set('blokkert-person')).toMatchObject({ blockedProfessionals: ['9990007'], restrictions: [] });
    expect(set('blokkert-og-sperret')).toMatchObject({
      blockedProfessionals: ['9990007'],
      restrictions: [{ module: 'criticalInformation' }],
    });
    expect(set('reservert').reservations).toEqual(['kjernejournal']);
    expect(set('reservert-alt').reservations).toEqual(['*']);
    expect(set('utsatt-innsyn').delayedUntil).toBe('2027-02-19');
    expect(people.filter(({ privacy }) => privacy.blockedProfessionals.length > 0)).toHaveLength(2);
    expect(people.filter(({ privacy }) => privacy.reservations.length > 0)).toHaveLength(2);
    expect(people.filter(({ privacy }) => privacy.delayedUntil !== null)).toHaveLength(1);
    const inSpring = createPopulation({ now: new Date('2026-03-05T12:00:00Z') });
    expect(inSpring.byKey('utsatt-innsyn')?.privacy.delayedUntil).toBe('2026-06-01');
  });
});

describe('the histories', () => {
  it('are the same for the same seed and time, and others for another seed', () => {
    expect(createPopulation({ now }).people).toEqual(people);
    const other = createPopulation({ now, seed: 2 });
    expect(other.people).not.toEqual(people);
    expect(other.byKey('fjordarm')?.registerId).toBe(person('fjordarm').registerId);
  });

  it.each(['2026-01-01T00:00:00Z', '2026-03-29T01:30:00Z', '2026-11-21T22:59:00Z', '2031-07-01T12:00:00Z'])(
    'hold nothing that has yet to happen, nor anything before birth or after death, at %s',
    (time) => {
      for (const it of createPopulation({ now: new Date(time) }).people) {
        const happened = happenedTo(it);
        const end = it.deathDate ? Date.parse(it.deathDate) : Date.parse(time);
        expect(happened).not.toContain(Number.NaN);
        expect(Math.max(0, ...happened), it.key).toBeLessThanOrEqual(end);
        expect(Math.min(end, ...happened), it.key).toBeGreaterThanOrEqual(Date.parse(it.birthDate));
      }
    },
  );

  it('are refused before the youngest is born', () => {
    expect(() => createPopulation({ now: new Date('2025-06-01T00:00:00Z') })).toThrow(RangeError);
  });

  it('name nobody by number: no text holds eleven digits', () => {
    for (const it of people)
      for (const text of everyString(historyOf(it))) expect(text.replace(/[0-9a-f-]{36}/i, '')).not.toMatch(/\d{11}/);
  });

  it('put answers after samples, dispenses after prescriptions and expiry after prescribing', () => {
    for (const { labReports, medication } of people) {
      for (const { collected, recorded } of labReports)
        expect(Date.parse(recorded)).toBeGreaterThan(Date.parse(collected));
      for (const { prescribed, expires, dispenses } of medication) {
        expect(expires > prescribed).toBe(true);
        for (const { dispensed } of dispenses) expect(dispensed.slice(0, 10) >= prescribed).toBe(true);
      }
    }
  });

  it('mark a number as deviating exactly when it lies outside the laboratory range', () => {
    const marks = people.flatMap(({ labReports }) =>
      labReports.flatMap(({ results }) =>
        results.flatMap(({ value, referenceRange, deviation }) => {
          if (!('number' in value) || !referenceRange?.includes(' - ')) return [];
          const [low, high] = referenceRange.split(' - ').map((it) => Number(it.replace(',', '.')));
          return [{ expected: value.number > high! ? '1' : value.number < low! ? '2' : null, deviation }];
        }),
      ),
    );
    expect(marks.length).toBeGreaterThan(300);
    for (const { expected, deviation } of marks) expect(deviation).toBe(expected);
  });

  it('hang every member of a lab result in the same report', () => {
    for (const { labReports } of people)
      for (const { results } of labReports) {
        const ids = results.map(({ id }) => id);
        for (const { members = [] } of results) for (const member of members) expect(ids).toContain(member);
      }
  });

  it('give everybody of school age something in every source but those that the person exists to leave empty', () => {
    for (const it of people) {
      const { documents, labReports, imagingReports, medication, criticalInformation } = it;
      if (it.key === 'nyfødt') continue;
      for (const records of [documents, labReports, imagingReports, medication])
        expect(records.length, it.key).toBeGreaterThan(0);
      expect(criticalInformation.length > 0, it.key).toBe(it.key !== 'vanlig-3');
    }
  });

  it('give the municipal services of the file', () => {
    for (const { id, nummer, tjenester } of file.personer) {
      if (nummer === null) continue;
      const current = person(id).services.filter(({ status }) => status !== 'finished');
      const expected = id === 'død' ? [] : tjenester;
      expect(codes(current.map(({ type }) => type)).toSorted(), id).toEqual([...expected].toSorted());
    }
  });
});

describe('NEWS2', () => {
  it('is scored by the table: the examples of the Royal College', () => {
    const well = {
      respiratoryRate: 16,
      oxygenSaturation: 97,
      scale: 1,
      supplementalOxygen: false,
      systolicBloodPressure: 120,
      heartRate: 70,
      consciousness: 'A',
      temperature: 37,
    } as const;
    expect(news2Score(well)).toBe(0);
    expect(news2Score({ ...well, oxygenSaturation: 90 })).toBe(3);
    expect(news2Score({ ...well, oxygenSaturation: 90, scale: 2 })).toBe(0);
    expect(news2Score({ ...well, oxygenSaturation: 97, scale: 2 })).toBe(0);
    expect(news2Score({ ...well, oxygenSaturation: 97, scale: 2, supplementalOxygen: true })).toBe(5);
    expect(news2Score({ ...well, oxygenSaturation: 93, scale: 2, supplementalOxygen: true })).toBe(3);
    const worst = {
      respiratoryRate: 30,
      oxygenSaturation: 80,
      scale: 1,
      supplementalOxygen: true,
      systolicBloodPressure: 80,
      heartRate: 140,
      consciousness: 'U',
      temperature: 34.9,
    } as const;
    expect(news2Score(worst)).toBe(20);
  });

  it('is reported rightly everywhere but in one place, by one', () => {
    const wrong = people.flatMap(({ key, news2 }) =>
      news2.flatMap((it) => (it.reportedScore === news2Score(it) ? [] : [[key, it.reportedScore - news2Score(it)]])),
    );
    expect(wrong).toEqual([['fjordarm', -1]]);
  });

  it('is never taken of a child', () => {
    for (const { birthDate, news2 } of people) if (birthDate > '2010-11-21') expect(news2).toEqual([]);
  });

  it('has 5000 measurements of mange-målinger, each at a time of its own', () => {
    const { news2 } = person('mange-målinger');
    expect(new Set(news2.map(({ measured }) => measured)).size).toBe(5_000);
  });
});

describe('the stories', () => {
  it('STILLE FJORDARM: allergy, «Ikke HLR», pacemaker, medicines, labs, documents, services and a falling condition', () => {
    const it = population.byNationalId('14834841291')!;
    expect(it.key).toBe('fjordarm');
    expect(it.criticalInformation).toContainEqual(
      expect.objectContaining({
        kind: 'allergy',
        substance: expect.objectContaining({ code: 'J01CE02' }),
        reaction: expect.objectContaining({ display: 'Anafylaktisk reaksjon' }),
      }),
    );
    expect(it.criticalInformation).toContainEqual(
      expect.objectContaining({
        kind: 'treatmentLimitation',
        limitation: expect.objectContaining({ display: 'Ikke HLR' }),
        author: { hprNumber: '999000101', name: 'ANE DEMOLEGE' },
        statement: expect.stringContaining('samtale'),
        decided: '2026-10-28',
      }),
    );
    expect(it.criticalInformation).toContainEqual(
      expect.objectContaining({ kind: 'implant', device: expect.objectContaining({ display: 'Pacemaker' }) }),
    );
    const inUse = it.medication.filter((medicine) => medicine.inUse);
    expect(inUse).toHaveLength(8);
    for (const { dispenses } of inUse) expect(dispenses.length).toBeGreaterThan(0);
    expect(codes(it.medication.map(({ atc }) => atc))).not.toContain('J01CE02');
    expect(it.labReports.length).toBeGreaterThanOrEqual(5);
    const analyses = new Set(it.labReports.flatMap(({ results }) => codes(results.map(({ analysis }) => analysis))));
    for (const code of ['NPU04998', 'NPU19748', 'NOR05172', 'NOR15245', 'NPU03429', 'NPU03230', 'NPU01685'])
      expect(analyses).toContain(code);
    expect(it.imagingReports).toHaveLength(1);
    expect(it.documents.length).toBeGreaterThanOrEqual(4);
    expect(it.services.map(({ type, status }) => `${type.code} ${status}`)).toEqual([
      '15 active',
      '6 active',
      '19 finished',
    ]);
    const series = it.news2.toSorted((a, b) => Date.parse(a.measured) - Date.parse(b.measured));
    expect(series.map(news2Score)).toEqual([2, 3, 5, 7]);
    expect(series.map(({ reportedScore }) => reportedScore)).toEqual([2, 3, 4, 7]);
    expect(Date.parse(series[3]!.measured) - Date.parse(series[0]!.measured)).toBeLessThan(3 * 86_400_000);
  });

  it('Rolig Rogn: lives in a nursing home, and has declined resuscitation there', () => {
    const { services, criticalInformation } = population.byNationalId('02914800709')!;
    expect(services).toContainEqual(
      expect.objectContaining({ type: expect.objectContaining({ code: '21' }), status: 'active' }),
    );
    expect(criticalInformation).toContainEqual(
      expect.objectContaining({
        kind: 'treatmentLimitation',
        statement: expect.stringContaining('nei til hjerte-lunge-redning'),
        author: { hprNumber: '9990001', name: 'Frisk Fjord' },
        organisation: { number: '310001015', name: 'Testdal sykehjem' },
      }),
    );
  });

  it('Stødig Elv: worse each day on SpO2 scale 2 with oxygen', () => {
    const { news2 } = population.byNationalId('11835601481')!;
    const series = news2.toSorted((a, b) => Date.parse(a.measured) - Date.parse(b.measured));
    expect(series.map(({ reportedScore }) => reportedScore)).toEqual([2, 5, 6, 9, 14]);
    for (const { scale, supplementalOxygen } of series) expect([scale, supplementalOxygen]).toEqual([2, true]);
  });

  it('Hvit Bølge: many medicines, of group A and B, twice the same, one expired, one recalled, one locked, signed list', () => {
    const { medication, medicationList } = population.byNationalId('30864000041')!;
    const inUse = medication.filter((it) => it.inUse);
    expect(inUse.length).toBeGreaterThanOrEqual(14);
    const atcCodes = codes(inUse.map(({ atc }) => atc));
    expect(atcCodes).toContain('B01AA03');
    expect(inUse).toContainEqual(
      expect.objectContaining({ group: 'A', atc: expect.objectContaining({ code: 'N02AA05' }) }),
    );
    expect(inUse).toContainEqual(
      expect.objectContaining({ group: 'B', atc: expect.objectContaining({ code: 'N05BA04' }) }),
    );
    expect(atcCodes.filter((code) => code === 'N02BE01')).toHaveLength(2);
    expect(inUse.filter(({ expires }) => expires < '2026-11-21')).toHaveLength(1);
    expect(medication.filter(({ status }) => status.code === 'T')).toHaveLength(1);
    expect(medication.filter(({ locked }) => locked)).toHaveLength(1);
    expect(medicationList?.responsible.hprNumber).toBe('9990005');
  });

  it('vanlig-3: nothing critical and no municipal service', () => {
    expect(person('vanlig-3')).toMatchObject({ criticalInformation: [], services: [], news2: [] });
  });

  it('somebody has more documents than fit in one page of twenty', () => {
    expect(person('mange-målinger').documents.length).toBeGreaterThanOrEqual(37);
  });

  it('a culture, a report in words, and every status of a report exist', () => {
    const reports = people.flatMap(({ labReports }) => labReports);
    expect(new Set(reports.map(({ status }) => status))).toEqual(
      new Set(['final', 'preliminary', 'amended', 'cancelled']),
    );
    const culture = reports.find(({ area }) => area.code === 'MBIO')!.results;
    const [top] = culture;
    const microbe = culture.find(({ id }) => id === top!.members?.[0]);
    expect(microbe?.members?.length).toBeGreaterThan(2);
  });

  it('restricted, delayed and withheld documents carry the label that says so', () => {
    const labels = (key: string) => person(key).documents.map(({ securityLabel }) => securityLabel);
    expect(labels('sperret-dokument').filter((it) => it === 'NORS')).toHaveLength(1);
    expect(labels('utsatt-innsyn')).toContain('NORU');
    expect(labels('bekkasin')).toEqual(expect.arrayContaining(['NORN_FORANS', 'NORN_UNGDOM']));
  });

  it('sperret-periode: documents on both sides of both borders', () => {
    const days = person('sperret-periode').documents.map(({ recorded }) => recorded.slice(0, 10));
    expect(days).toEqual(expect.arrayContaining(['2018-12-31', '2019-01-01', '2020-12-31', '2021-01-01']));
  });

  it('another patient is always another, and has something in every source', () => {
    for (const it of people) {
      const other = population.somebodyElse(it);
      expect(other.nationalId).not.toBe(it.nationalId);
      for (const records of [
        other.criticalInformation,
        other.documents,
        other.labReports,
        other.imagingReports,
        other.medication,
        other.services,
        other.news2,
      ])
        expect(records.length).toBeGreaterThan(0);
    }
  });
});

describe('generated people', () => {
  const many = createPopulation({ now, generated: 100_000 });
  const sample = Array.from({ length: 200 }, (_, i) => many.byKey(`generert-${i * 500 + 1}`)!);

  it('are found by key, number and register id, the same each time, beside the fixed', () => {
    for (const it of sample) {
      expect(many.byNationalId(it.nationalId)).toBe(it);
      expect(many.byRegisterId(it.registerId)).toBe(it);
    }
    expect(many.people).toHaveLength(53);
    expect(many.byKey('fjordarm')?.nationalId).toBe('14834841291');
    for (const key of ['generert-0', 'generert-100001', 'generert-1.5', 'generert-', 'generert-01'])
      expect(many.byKey(key)).toBeUndefined();
    expect(many.byRegisterId('6b696c64-0000-4000-8000-000000000000')).toBeUndefined();
    const again = createPopulation({ now, generated: 100_000 });
    expect(again.byKey('generert-501')).toEqual(sample[1]);
  });

  it('keep who they are when their history has been forgotten', () => {
    const before = structuredClone(many.byKey('generert-7'));
    for (let i = 10; i < 620; i++) many.byKey(`generert-${i}`);
    expect(many.byKey('generert-7')).toEqual(before);
  });

  it('have valid synthetic numbers of their own, of the right day and sex', () => {
    const taken = new Set(people.map(({ nationalId }) => nationalId));
    for (const { nationalId, birthDate, sex } of sample) {
      expect(parseNationalId(nationalId)).toEqual({ kind: 'fnr', synthetic: 'tenor80', rule: 'pre2032' });
      expect(nationalId.slice(0, 2)).toBe(birthDate.slice(8));
      expect(Number(nationalId.slice(2, 4)) - 80).toBe(Number(birthDate.slice(5, 7)));
      expect(Number(nationalId[8]) % 2 === 0 ? 'female' : 'male').toBe(sex);
      expect(taken).not.toContain(nationalId);
      taken.add(nationalId);
    }
  });

  it('never share a number, nor take one that somebody has', () => {
    const numbersOf = (isTaken: (nationalId: string) => boolean) => {
      const { person: at } = generate(20_000, 1, createCalendar(now), isTaken);
      return Array.from({ length: 20_000 }, (_, i) => at(i).nationalId);
    };
    const first = new Set(numbersOf(() => false));
    expect(first.size).toBe(20_000);
    expect(numbersOf((it) => first.has(it)).filter((it) => first.has(it))).toEqual([]);
  });

  it('have lived what their history tells, small children too', () => {
    const { person: at } = generate(100_000, 1, createCalendar(now), () => false);
    const small = Array.from({ length: 20_000 }, (_, i) => at(i))
      .filter(({ birthDate }) => birthDate > '2025-01-01')
      .map(({ key }) => many.byKey(key)!);
    expect(small.flatMap(happenedTo).length).toBeGreaterThan(100);
    for (const it of [...small, ...sample]) {
      expect(Math.min(now.getTime(), ...happenedTo(it)), it.key).toBeGreaterThanOrEqual(Date.parse(it.birthDate));
      expect(Math.max(0, ...happenedTo(it))).toBeLessThan(now.getTime());
    }
  });

  it('have histories of the same kinds, with rightly reported scores', () => {
    const kinds = [
      'criticalInformation',
      'documents',
      'labReports',
      'imagingReports',
      'medication',
      'services',
    ] as const;
    for (const kind of kinds) expect(sample.filter((it) => it[kind].length > 0).length, kind).toBeGreaterThan(10);
    const scores = sample.flatMap(({ news2 }) => news2);
    expect(scores.length).toBeGreaterThan(50);
    for (const it of scores) expect(it.reportedScore).toBe(news2Score(it));
  });
});

describe('national ids', () => {
  it('are made as the reference computes them', () => {
    expect(nationalIdOf({ birthDate: '1948-03-14', individual: 412, synthetic: 'tenor80' })).toBe('14834841291');
    expect(nationalIdOf({ birthDate: '1979-05-08', individual: 250, synthetic: 'nhn65' })).toBe('08707925079');
    const dNumber = nationalIdOf({ birthDate: '1991-02-11', individual: 355, synthetic: 'tenor80', dNumber: true });
    expect(dNumber).toBe('51829135594');
  });

  it('give the next person of a day the next number', () => {
    const born = { birthDate: '1990-02-28', sex: 'female', synthetic: 'nhn65' } as const;
    const first = firstNationalId(born);
    const second = firstNationalId(born, (it) => it === first);
    expect(second).not.toBe(first);
    expect(() => firstNationalId(born, () => true)).toThrow(RangeError);
  });
});
