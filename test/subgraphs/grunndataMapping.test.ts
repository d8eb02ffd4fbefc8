import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { isReadInPlace, readBy } from '../../subgraphs/_shared/readBy.ts';
import type { Source } from '../../subgraphs/_shared/source.ts';
import { escapeXml } from '../../subgraphs/_shared/xml.ts';
import { CommunicationParty } from '../../subgraphs/grunndata/adapter/adresseregisteret/client.ts';
import { mapParty } from '../../subgraphs/grunndata/adapter/adresseregisteret/mapping.ts';
import { PatientGPDetails } from '../../subgraphs/grunndata/adapter/fastlegeregisteret/client.ts';
import { mapDoctors } from '../../subgraphs/grunndata/adapter/fastlegeregisteret/mapping.ts';
import { HprPerson } from '../../subgraphs/grunndata/adapter/helsepersonellregisteret/client.ts';
import { mapProfessional } from '../../subgraphs/grunndata/adapter/helsepersonellregisteret/mapping.ts';
import { RegisterPerson } from '../../subgraphs/grunndata/adapter/persontjenesten/client.ts';
import { mapPerson } from '../../subgraphs/grunndata/adapter/persontjenesten/mapping.ts';
import {
  callSoap,
  splitEndpoint,
  XmlOptional,
  XmlText,
  xmlList,
  xmlOptional,
} from '../../subgraphs/grunndata/adapter/soap.ts';
import { parseXml } from '../../subgraphs/grunndata/adapter/xml.ts';
import { createRecentCache } from '../../subgraphs/grunndata/personCache.ts';
import { assertionFor } from '../support/ask.ts';

const now = '2026-03-05T08:00:00Z';
const numbers = {
  id: 'a4b1d8c2-0000-4000-8000-00000000c001',
  norwegianIdentificationNumber: [
    { identificationNumber: '51829135594', status: 'Discontinued', isValid: false },
    { identificationNumber: '200012345678', status: 'InUse', isValid: true }, // a DUF number has twelve digits
    { identificationNumber: '14834841291', status: 'InUse', isValid: true },
  ],
};
const person = (change: Record<string, unknown>) => mapPerson(RegisterPerson.parse({ ...numbers, ...change }));

describe('mapPerson', () => {
  it('lists numbers with the one in use first, and no other kinds', () => {
    expect(person({}).nationalIds).toEqual(['14834841291', '51829135594']);
  });

  it('reads an empty person, with nothing made up', () => {
    expect(person({}).facts).toEqual({
      name: null,
      birthDate: null,
      sex: expect.objectContaining({ text: 'Ukjent' }),
      deceased: { isDeceased: false, date: null },
      addressProtection: 'Unclassified',
      municipality: null,
      responsible: [],
      guardians: [],
    });
  });

  it('takes valid versions only', () => {
    const { facts } = person({
      name: [
        { givenName: 'FØR', familyName: 'ELV', isValid: false },
        { givenName: 'NÅ', middleName: 'MELLOM', familyName: 'ELV', isValid: true },
      ],
      addressProtection: [
        { protectionLevel: 'StrictlyConfidential', isValid: true },
        { protectionLevel: 'Unclassified', isValid: false },
      ],
      death: { deceasedDate: '2025-02-03T00:00:00', isValid: false },
    });
    expect(facts).toMatchObject({
      name: { text: 'NÅ MELLOM ELV', given: ['NÅ', 'MELLOM'], family: 'ELV' },
      addressProtection: 'StrictlyConfidential',
      deceased: { isDeceased: false, date: null },
    });
  });

  it('keeps the precision of a birth date, and the day whatever the time zone', () => {
    expect(person({ birth: [{ birthDate: null, birthYear: '1931', isValid: true }] }).facts.birthDate).toBe('1931');
    const birth = [{ birthDate: '1931-05-07T00:00:00+02:00', birthYear: '1931', isValid: true }];
    expect(person({ birth }).facts.birthDate).toBe('1931-05-07');
  });

  it('keeps a word for sex that it does not know', () => {
    const { sex } = person({ gender: [{ gender: 'Undetermined', isValid: true }] }).facts;
    expect(sex).toEqual({
      text: 'Undetermined',
      coding: [{ system: null, code: 'Undetermined', display: null, version: null }],
    });
  });

  it.each([
    [
      'a street address',
      {
        streetAddress: {
          coAddressName: 'LUN ÅND',
          addressName: 'Elvegata',
          addressNumber: { houseNumber: '12', houseLetter: 'B' },
          separatelyOccupiedUnitNumber: 'H0201',
          municipalityNumber: '5001',
          municipalityName: 'Trondheim',
          city: { cityName: 'Trondheim', postalCode: '7030' },
        },
      },
      {
        lines: ['c/o LUN ÅND', 'Elvegata 12B H0201'],
        postalCode: '7030',
        city: 'Trondheim',
        municipality: { code: '5001', name: 'Trondheim' },
      },
    ],
    [
      'a farm',
      {
        cadastralAddress: {
          addressAdditionalName: 'Nordigarden',
          cadastralNumber: { municipalityNumber: '3419' },
          city: { cityName: 'Våler', postalCode: '2436' },
        },
      },
      { lines: ['Nordigarden'], postalCode: '2436', city: 'Våler', municipality: { code: '3419', name: null } },
    ],
    [
      'a municipality alone',
      { unknownResidence: { municipalityNumber: '1804', municipalityName: 'Bodø' } },
      { lines: [], postalCode: null, city: null, municipality: { code: '1804', name: 'Bodø' } },
    ],
  ])('reads %s', (_case, content, expected) => {
    const mapped = person({ residentialAddress: [{ ...content, isValid: true }] });
    expect(mapped.residential).toEqual(expected);
    expect(mapped.facts.municipality).toEqual(expected.municipality);
  });

  it.each([
    [{ streetAddress: { addressName: 'Myrveien', addressNumber: { houseNumber: '3' } } }, ['Myrveien 3']],
    [
      { postBoxAddress: { postBoxOwner: 'NØKTERN BRE', postBoxIdentification: 'Postboks 7' } },
      ['NØKTERN BRE', 'Postboks 7'],
    ],
    [{ freeFormPostalAddress: { addressLine: ['Hytta', 'Innerst i dalen'] } }, ['Hytta', 'Innerst i dalen']],
  ])('reads a postal address %#', (content, lines) => {
    expect(person({ postalAddress: [{ ...content, isValid: true }] }).postal?.lines).toEqual(lines);
  });

  it('gives decisions the guardians for personal matters, and shows the others too', () => {
    const guardian = (identificationNumber: string, isGuardianshipInPersonalScope: boolean | null) => ({
      guardianshipType: 'Adult',
      isValid: true,
      guardian: { identificationNumber, guardianshipScope: 'FinancialInterests', isGuardianshipInPersonalScope },
    });
    const { facts, relations } = person({
      guardianshipOrFuturePowerOfAttorney: [
        guardian('30818522025', true),
        guardian('17878313380', false),
        guardian('08707925079', null),
      ],
    });
    expect(facts.guardians).toEqual(['30818522025']);
    expect(relations.map(({ personalMatters }) => personalMatters)).toEqual([true, false, false]);
  });

  it('counts responsibility for this person only, by any of their numbers, and keeps parents without a number', () => {
    const type = { responsibilityType: 'Joint', isValid: true };
    const { facts, relations } = person({
      parentalResponsibility: [
        { ...type, subjectOfResponsibility: '51829135594', responsible: '30818522025' },
        { ...type, subjectOfResponsibility: '21861761093', responsible: '14834841291' },
        {
          ...type,
          subjectOfResponsibility: '14834841291',
          responsibleWithoutIdentifier: { name: { givenName: 'UTEN', familyName: 'NUMMER' } },
        },
      ],
    });
    expect(facts.responsible).toEqual(['30818522025']);
    expect(relations).toHaveLength(2);
    expect(relations[1]).toMatchObject({ nationalId: null, name: { text: 'UTEN NUMMER' } });
  });
});

describe('mapDoctors', () => {
  const details = (change: Record<string, unknown>) =>
    mapDoctors(PatientGPDetails.parse({ PatientNIN: '14834841291', GPHerId: '8999950', ...change }), now);
  const cycle = (HprNumber: string, From: string, To?: string) => ({
    HprNumber,
    Valid: { From, ...(To ? { To } : {}) },
  });

  it('takes those who hold the list now', () => {
    const found = details({
      DoctorCycles: [
        cycle('9990001', '2020-01-01T00:00:00', '2025-12-31T00:00:00'),
        cycle('9990004', '2026-01-01T00:00:00'),
        cycle('9990005', '2026-06-01T00:00:00'),
      ],
    });
    expect(found.map(({ hprNumber, period }) => [hprNumber, period])).toEqual([
      ['9990004', { start: '2026-01-01', end: null }],
    ]);
  });

  it('gives the list itself when nobody holds it, and when the register says no more than its HER-id', () => {
    for (const change of [{}, { DoctorCycles: [] }])
      expect(details(change)).toEqual([
        {
          hprNumber: null,
          name: null,
          herId: 8_999_950,
          relationship: null,
          substituteForHprNumber: null,
          period: null,
          patientPeriod: null,
        },
      ]);
  });
});

describe('mapProfessional', () => {
  const approval = (change: Record<string, unknown>) =>
    mapProfessional(
      HprPerson.parse({
        HPRNummer: '9990004',
        Etternavn: 'Elg',
        Godkjenninger: [
          {
            Helsepersonellkategori: { OID: '9060', Verdi: 'LE', Beskrivelse: 'Lege' },
            Gyldig: { Fra: '2010-01-01T00:00:00' },
            ...change,
          },
        ],
      }),
      now,
    ).authorizations[0];

  it.each([
    ['in force', {}, true],
    ['ended', { Gyldig: { Fra: '2010-01-01T00:00:00', Til: '2026-03-01T00:00:00' } }, false],
    ['not begun', { Gyldig: { Fra: '2026-04-01T00:00:00' } }, false],
    ['without a period', { Gyldig: null }, false],
    ['suspended', { Suspensjonsperioder: [{ Periode: { Fra: '2026-01-01T00:00:00' } }] }, false],
    [
      'suspended once',
      {
        Suspensjonsperioder: [
          { Periode: { Fra: '2015-01-01T00:00:00', Til: '2016-01-01T00:00:00' } },
          { Periode: null },
        ],
      },
      true,
    ],
  ])('tells an authorisation that is %s', (_case, change, active) => {
    expect(approval(change)?.active).toBe(active);
  });

  it('leaves out specialties that are no longer in force', () => {
    const specialty = (Verdi: string, Til?: string) => ({
      Type: { OID: '7426', Verdi, Beskrivelse: Verdi },
      Gyldig: { Fra: '2012-01-01T00:00:00', ...(Til ? { Til } : {}) },
    });
    const Spesialiteter = [specialty('1'), specialty('2', '2020-01-01T00:00:00')];
    expect(approval({ Spesialiteter })?.specialties.map(({ text }) => text)).toEqual(['1']);
  });
});

describe('mapParty', () => {
  it('reads a service and the organisation it is in, without the parent that is none', () => {
    const party = CommunicationParty.parse({
      HerId: '8999901',
      Type: 'Service',
      Name: 'Legetjeneste',
      ParentHerId: '0',
      ParentName: 'Eksempelvik kommune',
      ParentOrganizationNumber: '312345676',
      ElectronicAddresses: [
        { Address: ' a@edi.example\n', TypeCodeValue: 'E_EDI' },
        { Address: null, TypeCodeValue: 'E_DS' },
      ],
      Municipality: null,
    });
    expect(mapParty(party)).toMatchObject({
      organization: { identifier: { value: '312345676' }, name: 'Eksempelvik kommune' },
      partOf: null,
      municipality: null,
      electronicAddresses: [
        { value: 'a@edi.example', type: { coding: [{ system: 'urn:oid:2.16.578.1.12.4.1.1.9044', code: 'E_EDI' }] } },
      ],
    });
  });
});

describe('SOAP', () => {
  it('escapes what goes in', () => {
    expect(escapeXml(`<a b="c">&'`)).toBe('&#60;a b=&#34;c&#34;&#62;&#38;&#39;');
  });

  it('decodes what XML itself names, once, and refuses what a message would have to define', () => {
    expect(parseXml('<a>Elv &amp; Sønn &lt;AS&gt; &#229;&#xE5;</a>')).toEqual({ a: 'Elv & Sønn <AS> åå' });
    expect(parseXml('<a>&amp;lt;</a>')).toEqual({ a: '&lt;' });
    expect(() => parseXml('<a>&own;</a>')).toThrow('not well formed');
  });

  it('reads elements by local name: text, children, and lists of those that occur more than once', () => {
    const text = `<?xml version="1.0"?><!-- c --><x:a xmlns:x="urn:x" n="1"> <b i:nil="true" xmlns:i="urn:i"/>
      <x:c>1</x:c><c> 2 </c><c><![CDATA[<3>]]></c><d><e/></d></x:a>`;
    expect(parseXml(text)).toEqual({ a: { b: null, c: ['1', '2', '<3>'], d: { e: null } } });
  });

  it('takes an element’s name for a name, whatever it means to JavaScript', () => {
    const { a } = parseXml('<a><__proto__><polluted>1</polluted></__proto__><constructor>2</constructor></a>') as {
      a: object;
    };
    expect(Object.keys(a)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('reads lists of none, one and many', () => {
    const listIn = (text: string) => parseXml(`<a>${text}</a>`, { Items: 'Item' })['a'];
    expect(listIn('<Items/>')).toEqual({ Items: [] });
    expect(listIn('<Items><Item>1</Item></Items>')).toEqual({ Items: ['1'] });
    expect(listIn('<Items><Item>1</Item><Item><b>2</b></Item></Items>')).toEqual({ Items: ['1', { b: '2' }] });
    expect(listIn('<Items><Item/></Items>')).toEqual({ Items: [] });
  });

  it('reads shapes of elements that may be absent or empty in place', () => {
    for (const shape of [PatientGPDetails, HprPerson, CommunicationParty]) expect(isReadInPlace(shape)).toBe(true);
    const Shape = z.object({
      a: XmlText,
      b: XmlOptional,
      c: xmlOptional(z.object({ d: XmlText })),
      e: xmlList(XmlText),
    });
    expect(readBy(Shape, { a: '1', b: null })).toEqual({ ok: true, value: { a: '1', b: null, c: null, e: [] } });
    expect(readBy(Shape, { a: null, c: { d: null } })).toEqual({ ok: false, paths: ['a', 'c.d'] });
  });

  const read = (text: string) => {
    const source: Source = {
      name: 'ADRESSEREGISTERET',
      async call(call) {
        return { ok: true, value: { value: call.shape.parse(call.read?.(text)), headers: {} } };
      },
      reachable: async () => true,
      close: async () => {},
    };
    const register = {
      source,
      endpoint: 'https://ws.example/v1/AR',
      path: 'AR',
      authentication: { as: 'basic', username: 'a', password: 'b' },
    } as const;
    const question = {
      contract: 'I',
      namespace: 'urn:x',
      operation: 'Get',
      content: '',
      shape: z.object({ A: XmlText }),
      lists: {},
      isNothing: () => false,
    };
    return callSoap(register, question, {
      assertion: assertionFor(null),
      subjectToken: null,
      signal: AbortSignal.timeout(1_000),
    });
  };
  const whole =
    '<s:Envelope xmlns:s="urn:s"><s:Body><GetResponse><GetResult><A>1</A></GetResult></GetResponse></s:Body></s:Envelope>';

  it('reads a whole message', async () => {
    expect(await read(whole)).toEqual({ ok: true, value: { A: '1' } });
  });

  it.each([
    ['is cut, even after all that was asked for', whole.slice(0, whole.indexOf('</GetResult>'))],
    ['defines entities', `<!DOCTYPE s:Envelope [<!ENTITY a "b">]>${whole}`],
    ['is a page', '<!doctype html><html><body>Service unavailable</body></html>'],
    ['is nothing', ''],
    ['has two roots', `${whole}${whole}`],
    ['closes another element than it opened', whole.replace('</A>', '</B>')],
    ['uses a prefix that it does not bind', whole.replace(' xmlns:s="urn:s"', '')],
  ])('refuses a message that %s', async (_case, text) => {
    await expect(read(text)).rejects.toThrow('not well formed');
  });

  it('finds the folder and the last segment of an endpoint', () => {
    expect(splitEndpoint('https://ws.example/v2/flr')).toEqual({ baseUrl: 'https://ws.example/v2/', path: 'flr' });
    expect(splitEndpoint('http://127.0.0.1:1234')).toEqual({ baseUrl: 'http://127.0.0.1:1234/', path: '' });
  });
});

describe('the cache of recent people', () => {
  it('forgets by time, and the oldest when it is full', () => {
    let now = 0;
    const cache = createRecentCache<string>({ ttlMs: 30, maxKeys: 3, now: () => now });
    cache.put(['a', 'b'], 'first');
    cache.put(['c', 'd'], 'second');
    expect(['a', 'b', 'c', 'd'].map(cache.get)).toEqual([undefined, 'first', 'second', 'second']);
    now = 30;
    expect(['b', 'c', 'd'].map(cache.get)).toEqual([undefined, undefined, undefined]);
  });
});
