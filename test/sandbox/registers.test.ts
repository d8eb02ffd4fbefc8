import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Simulator } from '../../sandbox/_shared/simulator.ts';
import { registerCredentials } from '../../sandbox/_shared/soap.ts';
import { createPopulation } from '../../sandbox/population/population.ts';
import { startAdresseregisteret } from '../../sandbox/sources/adresseregisteret.ts';
import { startFastlegeregisteret } from '../../sandbox/sources/fastlegeregisteret.ts';
import { startHelsepersonellregisteret } from '../../sandbox/sources/helsepersonellregisteret.ts';
import { startPersontjenesten } from '../../sandbox/sources/persontjenesten.ts';
import type { Caller } from '../../schema/caller.ts';
import { assertionFor, doctor } from '../support/ask.ts';
import { createTestTokens } from '../support/tokens.ts';

const population = createPopulation();
const person = (key: string) => population.byKey(key)!;
type TestTokens = Awaited<ReturnType<typeof createTestTokens>>;

describe('Persontjenesten', () => {
  let access: TestTokens;
  let simulator: Simulator;
  let today = new Date('2026-03-05T12:00:00Z');
  beforeAll(async () => {
    access = await createTestTokens();
    simulator = await startPersontjenesten({ population, checkAccess: access.checkAccess, now: () => today });
  });
  afterEach(() => {
    simulator.fault.current = {};
    today = new Date('2026-03-05T12:00:00Z');
  });
  afterAll(() => Promise.all([simulator.close(), access.close()]));

  const right = {
    as: 'machine',
    audience: 'nhn:hgd-persontjenesten-api',
    scope: 'nhn:hgd-persontjenesten-api/read-with-legal-basis',
  } as const;
  const allParts =
    'informationParts=Name&informationParts=NorwegianIdentificationNumber&informationParts=AddressProtection';
  const ask = async (
    body: string,
    {
      query = allParts,
      authentication = right,
      headers = {},
      caller = doctor(null),
      path = 'get-by-nin',
    }: {
      query?: string;
      authentication?: { as: 'user' | 'machine'; audience: string; scope: string };
      headers?: Record<string, string>;
      caller?: Caller;
      path?: string;
    } = {},
  ) => {
    const url = `${simulator.url}/api/legal-basis/person/${path}?${query}`;
    const { tokens } = access;
    const authorization = await tokens.headersFor(
      'PERSONTJENESTEN',
      authentication,
      { method: 'POST', url: url.split('?')[0]! },
      { assertion: assertionFor(null, { caller }), subjectToken: null, signal: AbortSignal.timeout(5_000) },
    );
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'api-version': '2',
        ...(authorization.ok ? authorization.value : {}),
        ...headers,
      },
      body,
    });
    const text = await response.text();
    return { status: response.status, type: response.headers.get('content-type'), body: JSON.parse(text) };
  };

  it('gives the parts asked for and no other, with members that no documentation names', async () => {
    const { status, body } = await ask('nin=21861761093', { query: 'informationParts=ParentalResponsibility' });
    expect(status).toBe(200);
    expect(body.id).toBe(person('humle').registerId);
    expect(body.name).toBeUndefined();
    expect(body.parentalResponsibility).toMatchObject([
      {
        responsibilityType: 'Joint',
        subjectOfResponsibility: '21861761093',
        responsible: '30818522025',
        isValid: true,
      },
      {
        responsibilityType: 'Joint',
        subjectOfResponsibility: '21861761093',
        responsible: '17878313380',
        isValid: true,
      },
    ]);
    expect(Object.keys(body).some((key) => /^q[\da-f]{4}$/.test(key))).toBe(true);
  });

  it.each([
    ['without api-version', { headers: { 'api-version': '' } }],
    ['a call to version 1', { headers: { 'api-version': '1' } }],
    ['without informationParts', { query: 'includeHistory=false' }],
    ['an information part it does not have', { query: 'informationParts=Diagnosis' }],
    ['JSON', { headers: { 'content-type': 'application/json' } }],
    ['a number in the address', { query: `${allParts}&nin=21861761093` }],
  ])('refuses %s', async (_case, change) => {
    const { status, type, body } = await ask('nin=21861761093', change);
    expect(status).toBe(400);
    expect(type).toContain('application/problem+json');
    expect(body).toMatchObject({ title: 'Bad Request', status: 400 });
  });

  it.each([
    ['another audience', { ...right, audience: 'nhn:pps' }, 401],
    ['another scope', { ...right, scope: 'nhn:hgd-persontjenesten-api/read-no-legal-basis' }, 403],
    ['a person’s token', { ...right, as: 'user' as const }, 403],
  ])('refuses a token with %s', async (_case, authentication, status) => {
    const answer = await ask('nin=21861761093', { authentication });
    expect(answer).toMatchObject({ status, body: { status } });
  });

  it.each([
    ['nin=14834841292', 400],
    ['nin=1483484129', 400],
    ['nin=24527030176', 400], // a local H-number
    ['', 400],
    ['nin=15813250214', 404],
  ])('answers %j with %i', async (body, status) => {
    expect(await ask(body)).toMatchObject({ status, body: { status, instance: null } });
  });

  it('finds a person by a number no longer in use, and lists it with history only', async () => {
    const { nationalId, formerNationalIds } = person('flyttet-mellom');
    const listed = async (history: boolean) => {
      const query = `${allParts}&includeHistory=${history}`;
      const { body } = await ask(`nin=${formerNationalIds[0]}`, { query });
      return body.norwegianIdentificationNumber.map((it: Record<string, unknown>) => [
        it['identificationNumber'],
        it['identificationNumberType'],
        it['status'],
      ]);
    };
    const current = [nationalId, 'NationalIdentityNumber', 'InUse'];
    expect(await listed(false)).toEqual([current]);
    expect(await listed(true)).toEqual([[formerNationalIds[0], 'DNumber', 'Discontinued'], current]);
  });

  it('marks protected addresses, and leaves out strictly confidential ones', async () => {
    const query = 'informationParts=AddressProtection&informationParts=ResidentialAddress';
    const open = await ask('nin=14834841291', { query });
    const confidential = await ask(`nin=${person('kode-7').nationalId}`, { query });
    const strictly = await ask(`nin=${person('kode-6').nationalId}`, { query });
    expect(open.body).toMatchObject({
      addressProtection: [{ protectionLevel: 'Unclassified' }],
      residentialAddress: [{ streetAddress: { municipalityNumber: '5001' } }],
    });
    expect(confidential.body).toMatchObject({
      addressProtection: [{ protectionLevel: 'Confidential' }],
      residentialAddress: [{ addressConfidentiality: 'Confidential' }],
    });
    expect(strictly.body).toMatchObject({
      addressProtection: [{ protectionLevel: 'StrictlyConfidential' }],
      residentialAddress: [],
    });
  });

  it('ends parental responsibility on the eighteenth birthday', async () => {
    const { nationalId, birthDate } = person('ungdom-16');
    const query = 'informationParts=ParentalResponsibility';
    const birthday = `${Number(birthDate.slice(0, 4)) + 18}${birthDate.slice(4)}`;
    today = new Date(Date.parse(birthday) - 1_000);
    expect((await ask(`nin=${nationalId}`, { query })).body.parentalResponsibility).toHaveLength(1);
    today = new Date(birthday);
    expect((await ask(`nin=${nationalId}`, { query })).body.parentalResponsibility).toHaveLength(0);
  });

  it('gives single responsibility, guardianship and death', async () => {
    const of = async (key: string, part: string) =>
      (await ask(`nin=${person(key).nationalId}`, { query: `informationParts=${part}` })).body;
    expect(await of('ungdom-15', 'ParentalResponsibility')).toMatchObject({
      parentalResponsibility: [{ responsibilityType: 'Father' }],
    });
    expect(await of('verge-har', 'GuardianshipOrFuturePowerOfAttorney')).toMatchObject({
      guardianshipOrFuturePowerOfAttorney: [
        { guardian: { identificationNumber: person('verge-er').nationalId, isGuardianshipInPersonalScope: true } },
      ],
    });
    expect(await of('død', 'Death')).toMatchObject({ death: { isValid: true } });
  });

  it('gives many by their numbers, and leaves out whom it does not know', async () => {
    const { body } = await ask('nins=30818522025&nins=15813250214&nins=17878313380', { path: 'bulk-by-nin' });
    expect(body.map((it: { id: string }) => it.id)).toEqual([
      person('bjørkeløv').registerId,
      person('havbris').registerId,
    ]);
    const tooMany = Array.from({ length: 101 }, () => 'nins=30818522025').join('&');
    expect((await ask(tooMany, { path: 'bulk-by-nin' })).status).toBe(400);
    expect((await ask('', { path: 'bulk-by-nin' })).status).toBe(400);
  });

  it('fails in its own format, and empty when overloaded', async () => {
    simulator.fault.current = { status: 503 };
    expect(await ask('nin=14834841291')).toMatchObject({ status: 503, body: { title: 'Service Unavailable' } });
    simulator.fault.current = { status: 429 };
    const response = await fetch(`${simulator.url}/api/legal-basis/person/get-by-nin`, { method: 'POST' });
    expect([response.status, await response.text()]).toEqual([429, '']);
  });

  it('answers about another person when told to', async () => {
    simulator.fault.current = { garbage: 'otherPatient' };
    const { body } = await ask('nin=14834841291');
    expect(body.id).toBe(population.somebodyElse(person('fjordarm')).registerId);
  });
});

describe('the SOAP registers', () => {
  const registers = {
    fastlegeregisteret: {
      start: startFastlegeregisteret,
      contract: 'http://schemas.nhn.no/reg/flr/IFlrReadOperations',
      namespace: 'http://schemas.nhn.no/reg/flr',
      operation: 'GetPatientGPDetails',
      content: '<patientNin>14834841291</patientNin>',
      holds: '<GPHerId>8999950</GPHerId><PatientNIN>14834841291</PatientNIN>',
    },
    helsepersonellregisteret: {
      start: startHelsepersonellregisteret,
      contract: 'http://schemas.nhn.no/reg/HPRv2/IHPR2Service',
      namespace: 'http://schemas.nhn.no/reg/HPRv2',
      operation: 'HentPerson',
      content: '<hprNummer>999000101</hprNummer><påTidspunkt>2026-03-05T08:00:00Z</påTidspunkt>',
      holds: '<HPRNummer>999000101</HPRNummer>',
    },
    adresseregisteret: {
      start: startAdresseregisteret,
      contract: 'http://register.nhn.no/CommunicationParty/ICommunicationPartyService',
      namespace: 'http://register.nhn.no/CommunicationParty',
      operation: 'GetCommunicationPartyDetails',
      content: '<herId>8999901</herId>',
      holds: '<HerId>8999901</HerId>',
    },
  };
  type Name = keyof typeof registers;
  const simulators = new Map<Name, Simulator>();
  beforeAll(async () => {
    for (const [name, { start }] of Object.entries(registers))
      simulators.set(name as Name, await start({ population }));
  });
  afterEach(() => {
    for (const simulator of simulators.values()) simulator.fault.current = {};
  });
  afterAll(() => Promise.all([...simulators.values()].map((it) => it.close())));

  const message = (name: Name, content = registers[name].content) => {
    const { contract, namespace, operation } = registers[name];
    const action = `${contract}/${operation}`;
    return {
      action,
      contentType: `application/soap+xml; charset=utf-8; action="${action}"`,
      body: `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header><a:Action s:mustUnderstand="1">${action}</a:Action><a:MessageID>urn:uuid:0d0b6f0e-6f8e-4f3e-9a52-1f3d5f0c7b11</a:MessageID><a:To s:mustUnderstand="1">${simulators.get(name)!.url}</a:To></s:Header><s:Body><${operation} xmlns="${namespace}">${content}</${operation}></s:Body></s:Envelope>`,
    };
  };
  const { username, password } = registerCredentials;
  const basic = (word: string) => `Basic ${Buffer.from(`${username}:${word}`).toString('base64')}`;
  const send = async (
    name: Name,
    { body, contentType }: { body: string; contentType: string },
    authorization = basic(password),
  ) => {
    const response = await fetch(simulators.get(name)!.url, {
      method: 'POST',
      headers: { 'content-type': contentType, authorization },
      body,
    });
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
  };
  const names = Object.keys(registers) as Name[];

  it.each(names)('%s answers a proper call', async (name) => {
    const { status, type, text } = await send(name, message(name));
    expect(status).toBe(200);
    expect(type).toContain('application/soap+xml');
    expect(text).toContain(`<${registers[name].operation}Response xmlns="${registers[name].namespace}">`);
    expect(text).toContain(registers[name].holds);
  });

  it.each(names)('%s refuses an unknown password', async (name) => {
    expect(await send(name, message(name), basic('wrong'))).toMatchObject({ status: 401, text: '' });
    expect((await send(name, message(name), '')).status).toBe(401);
  });

  it.each(names)('%s refuses a call without action or addressing headers, and SOAP 1.1', async (name) => {
    const { body, contentType, action } = message(name);
    const broken = [
      { body, contentType: 'application/soap+xml; charset=utf-8' },
      { body, contentType: contentType.replace(action, `${action}X`) },
      { body: body.replace(/<a:Action.*<\/a:Action>/, ''), contentType },
      { body: body.replace(`>${action}<`, `>${action}X<`), contentType },
      { body: body.replace(/<a:MessageID>.*<\/a:MessageID>/, ''), contentType },
      { body: body.replace(/<a:To.*<\/a:To>/, ''), contentType },
      {
        body: body.replace('http://www.w3.org/2003/05/soap-envelope', 'http://schemas.xmlsoap.org/soap/envelope/'),
        contentType,
      },
      { body: body.replace(`xmlns="${registers[name].namespace}"`, 'xmlns="urn:other"'), contentType },
      { body: 'not xml', contentType },
    ];
    for (const call of broken) {
      const { status, text } = await send(name, call);
      expect(status).toBe(500);
      expect(text).toContain('<s:Value>s:Sender</s:Value>');
      expect(text).toContain('<GenericFault xmlns="http://register.nhn.no/Common">');
    }
  });

  it.each([
    ['fastlegeregisteret', '<patientNin>14834841292</patientNin>', 'patientNin er ugyldig'],
    ['fastlegeregisteret', '<patientNin>54828500743</patientNin>', 'Personen er ikke tilknyttet fastlegekontrakt'],
    [
      'helsepersonellregisteret',
      '<hprNummer>1</hprNummer><påTidspunkt>2026-03-05T08:00:00Z</påTidspunkt>',
      'HPR-nummer ikke funnet',
    ],
    ['helsepersonellregisteret', '<påTidspunkt>2026-03-05T08:00:00Z</påTidspunkt>', 'HPR-nummer må oppgis'],
    ['helsepersonellregisteret', '<hprNummer>999000101</hprNummer>', 'påTidspunkt må oppgis'],
    ['adresseregisteret', '<herId>1</herId>', '<ErrorCode>InvalidHerIdSupplied</ErrorCode>'],
  ] as const)('%s answers %s with its own fault', async (name, content, expected) => {
    const { status, text } = await send(name, message(name, content));
    expect(status).toBe(500);
    expect(text).toContain(expected);
  });

  it.each(names)('%s fails in its own format, and answers about somebody else when told to', async (name) => {
    const simulator = simulators.get(name)!;
    simulator.fault.current = { status: 503 };
    const failed = await send(name, message(name));
    expect(failed.status).toBe(503);
    expect(failed.text).toContain('<s:Value>s:Receiver</s:Value>');
    simulator.fault.current = { garbage: 'otherPatient' };
    const other = await send(name, message(name));
    expect(other.status).toBe(200);
    expect(other.text).not.toContain(registers[name].holds);
  });
});
