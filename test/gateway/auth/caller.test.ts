import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Door, openDoor } from '../../support/door.ts';
import {
  attest,
  nowSeconds,
  nurse,
  nurseClaims,
  patient,
  place,
  startTestIssuer,
  type TestIssuer,
} from '../../support/testIssuer.ts';

// Row J15 of the attack table (security reference 2.2), and the trust framework's attest (national-services 11).

let issuer: TestIssuer;
let door: Door;
beforeAll(async () => {
  issuer = await startTestIssuer();
});
afterAll(() => issuer.close());
beforeEach(() => {
  door = openDoor(issuer);
});

const pid = 'helseid://claims/identity/pid';
const level = 'helseid://claims/identity/security_level';
const hpr = 'helseid://claims/hpr/hpr_number';
const parent = 'helseid://claims/client/claims/orgnr_parent';
const child = 'helseid://claims/client/claims/orgnr_child';

const knock = async (claims: object) => door.bearer(await issuer.sign(claims));
const withAttest = (change: (it: ReturnType<typeof attest>) => unknown) =>
  knock({ authorization_details: [change(attest())].flat() });

/** Refused with 403, with an entry in the access log that names the person and the rule, and not the attest's patient. */
const expectForbidden = async (answer: Promise<unknown>, rule: string, text?: string) => {
  expect(await answer).toMatchObject({ status: 403, rule, ...(text ? { text } : {}) });
  expect(door.entries).toHaveLength(1);
  const [{ decision, person, sources, scope } = {}] = door.entries;
  expect({ decision, person, sources }).toMatchObject({
    decision: { mayKnow: false, rule },
    person: null,
    sources: [],
  });
  expect(scope).toMatchObject({ traceId: 'trace', caller: { clientId: 'epj' } });
  expect(JSON.stringify(scope)).not.toContain(patient);
};

it('a professional is made of the token and its attest', async () => {
  const answer = await withAttest((it) => it);
  expect(answer).toMatchObject({
    status: 200,
    caller: {
      kind: 'professional',
      role: 'nurse',
      nin: nurse,
      hprNumber: '9990002',
      authorization: 'SP',
      organisation: { legalEntity: place.legalEntity, pointOfCare: place.unit },
      attest: {
        patient,
        purpose: 'TREAT',
        purposeDetail: null,
        healthcareService: 'KP02',
        decisionRef: 'vedtak-1',
        authorization: 'SP',
      },
    },
  });
  expect(door.entries).toEqual([]);
});

describe('J15: what a token says of the person', () => {
  it.each([
    ['a client token with a person’s scope', { [pid]: undefined }, 'caller/person'],
    ['security level 3', { [level]: '3' }, 'caller/level'],
    ['security level 4 as a number', { [level]: undefined }, 'caller/level'],
    ['an authorization without an HPR number', { [hpr]: undefined }, 'caller/hpr'],
    ['no legal entity', { [parent]: undefined }, 'caller/organisation'],
    ['an attest of another legal entity', { [parent]: '310005010' }, 'attest/organisation'],
    ['an attest of another unit', { [child]: '310003018' }, 'attest/unit'],
    ['no attest', { authorization_details: [] }, 'caller/role'],
    ['the scope of events', { scope: ['kilde:api/events.write'] }, 'caller/role'],
    ['scopes of a citizen and an employee', { scope: ['kilde:api/citizen', 'kilde:api/read'] }, 'caller/scope'],
  ])('%s is refused and logged', async (_title, claims, rule) => {
    await expectForbidden(knock(claims), rule);
  });

  it('an unknown purpose of use is refused and logged, and told where it is', async () => {
    await expectForbidden(
      withAttest((it) => ({
        ...it,
        care_relationship: {
          ...it.care_relationship,
          purpose_of_use: { ...it.care_relationship.purpose_of_use, code: 'FUN' },
        },
      })),
      'attest/form',
      'The attest does not follow the trust framework: care_relationship.purpose_of_use.code',
    );
  });

  it('a system without an organisation is refused', async () => {
    const claims = { [pid]: undefined, scope: ['kilde:api/events.write'], authorization_details: [] };
    expect(await knock(claims)).toMatchObject({ status: 200, caller: { kind: 'system' } });
    await expectForbidden(knock({ ...claims, [parent]: undefined }), 'caller/organisation');
  });

  it.each([
    ['a security level that is no text', { [level]: 4 }],
    ['an HPR number that is none', { [hpr]: nurse }],
    ['an organisation number that is none', { [parent]: nurse }],
    ['a national id that is a list', { [pid]: [nurse] }],
  ])('%s makes the token unusable', async (_title, claims) => {
    expect(await knock(claims)).toMatchObject({ status: 401, challenge: 'invalid_token' });
  });

  it('a refusal stands when the access log cannot be written', async () => {
    const deaf = openDoor(issuer, {}, { write: () => Promise.reject(new Error('down')) });
    expect((await deaf.bearer(await issuer.sign({ [level]: '3' }))).status).toBe(403);
  });

  it('a citizen needs no organisation, and is no professional by bringing an attest', async () => {
    const answer = await knock({ scope: ['kilde:api/citizen'], [parent]: undefined });
    expect(answer).toMatchObject({ status: 200, caller: { kind: 'citizen', role: 'citizen', nin: nurse } });
    expect(answer).not.toHaveProperty('caller.attest');
    await expectForbidden(knock({ scope: ['kilde:api/citizen'], [level]: '3' }), 'caller/level');
  });

  it('an employee without an HPR number coordinates and does nothing else', async () => {
    const without = (code: string) => {
      const { practitioner, care_relationship: relation, ...rest } = attest();
      const { authorization: _none, ...place } = practitioner;
      const care_relationship = { ...relation, purpose_of_use: { ...relation.purpose_of_use, code } };
      return knock({ [hpr]: undefined, authorization_details: [{ ...rest, practitioner: place, care_relationship }] });
    };
    expect(await without('COC')).toMatchObject({ status: 200, caller: { role: 'serviceAllocationOfficer' } });
    expect(await without('TREAT')).toMatchObject({ status: 403, rule: 'caller/role' });
  });

  it('an authorization that is in no row of the role matrix gives no role', async () => {
    await expectForbidden(
      withAttest((it) => {
        const authorization = { ...it.practitioner.authorization, code: 'TL' };
        return { ...it, practitioner: { ...it.practitioner, authorization } };
      }),
      'caller/role',
    );
  });
});

describe('the attest', () => {
  it('is read in both spellings, and refused in both at once', async () => {
    const old = await withAttest(({ care_relationship, ...rest }) => ({ ...rest, care_relation: care_relationship }));
    expect(old).toMatchObject({
      status: 200,
      caller: { attest: { healthcareService: 'KP02', decisionRef: 'vedtak-1' } },
    });
    await expectForbidden(
      withAttest((it) => ({ ...it, care_relation: it.care_relationship })),
      'attest/form',
    );
  });

  it.each([
    ['of 59 minutes', -59 * 60, 200],
    ['of 60 minutes and a second', -60 * 60 - 1, 403],
    ['of a day', -86_400, 403],
    ['of now', 0, 200],
    ['a little ahead of our clock', 4, 200],
    ['from the future', 60, 403],
  ])('%s is judged by toa', async (_title, offset, status) => {
    const answer = await withAttest((it) => ({ ...it, attestation: { toa: nowSeconds() + offset } }));
    expect(answer.status).toBe(status);
    if (status === 403) expect(answer).toMatchObject({ rule: 'attest/age' });
  });

  it('that grows old while its token is remembered is refused', async () => {
    const token = await issuer.sign({
      authorization_details: [{ ...attest(), attestation: { toa: nowSeconds() - 3_598 } }],
    });
    expect((await door.bearer(token)).status).toBe(200);
    await expect.poll(async () => (await door.bearer(token)).status, { timeout: 5_000 }).toBe(403);
  });

  it('without toa is as old as the token', async () => {
    const { attestation: _none, ...without } = attest();
    expect((await knock({ authorization_details: [without] })).status).toBe(200);
  });

  it('with the service, the detail or both is accepted, and refused with neither', async () => {
    const detail = { purpose_of_use_details: { code: '15', system: 'urn:oid:2.16.578.1.12.4.1.1.9151' } };
    const of = (relation: (it: ReturnType<typeof attest>['care_relationship']) => object) =>
      withAttest((it) => ({ ...it, care_relationship: relation(it.care_relationship) }));
    expect(await of((it) => ({ ...it, ...detail }))).toMatchObject({
      caller: { attest: { healthcareService: 'KP02', purposeDetail: '15' } },
    });
    expect(await of(({ healthcare_service: _none, ...it }) => ({ ...it, ...detail }))).toMatchObject({
      caller: { attest: { healthcareService: null, purposeDetail: '15' } },
    });
    await expectForbidden(
      of(({ healthcare_service: _none, ...it }) => it),
      'attest/form',
    );
  });

  it('is for one patient at most; without one it is for no patient', async () => {
    expect(await withAttest(({ patients: _none, ...it }) => it)).toMatchObject({
      caller: { attest: { patient: null } },
    });
    await expectForbidden(
      withAttest((it) => ({ ...it, patients: [...it.patients, ...it.patients] })),
      'attest/form',
    );
  });

  it('comes once', async () => {
    await expectForbidden(
      withAttest((it) => [it, it]),
      'attest/several',
    );
  });

  const wrongSystem = 'urn:oid:2.16.578.1.12.4.1.1.9999';
  it.each<[string, (it: ReturnType<typeof attest>) => object]>([
    [
      'healthcare_service.system',
      (it) => ({ healthcare_service: { ...it.care_relationship.healthcare_service, system: wrongSystem } }),
    ],
    ['healthcare_service.system', () => ({ healthcare_service: { code: 'KP02' } })],
    [
      'healthcare_service.code',
      (it) => ({ healthcare_service: { ...it.care_relationship.healthcare_service, code: patient } }),
    ],
    [
      'purpose_of_use.system',
      (it) => ({ purpose_of_use: { ...it.care_relationship.purpose_of_use, system: wrongSystem } }),
    ],
    ['purpose_of_use_details.system', () => ({ purpose_of_use_details: { code: '15', system: wrongSystem } })],
    ['decision_ref', () => ({ decision_ref: undefined })],
    ['decision_ref.user_selected', () => ({ decision_ref: { id: 'x', user_selected: 'true' } })],
  ])('with a wrong %s is refused, naming the place', async (where, change) => {
    await expectForbidden(
      withAttest((it) => ({ ...it, care_relationship: { ...it.care_relationship, ...change(it) } })),
      'attest/form',
      `The attest does not follow the trust framework: care_relationship.${where}`,
    );
  });

  it.each<[string, (it: ReturnType<typeof attest>) => object, string]>([
    [
      'an authorization of another code system',
      (it) => ({ authorization: { ...it.practitioner.authorization, system: wrongSystem } }),
      'attest/form',
    ],
    ['no unit', () => ({ point_of_care: undefined }), 'attest/form'],
    [
      'a unit of another system',
      (it) => ({ point_of_care: { ...it.practitioner.point_of_care, system: wrongSystem } }),
      'attest/form',
    ],
    [
      'another person',
      () => ({ identifier: { id: patient, system: 'urn:oid:2.16.578.1.12.4.1.4.1' } }),
      'attest/practitioner',
    ],
    ['another HPR number', () => ({ hpr_nr: { id: '9990003' } }), 'attest/hpr'],
  ])('of a practitioner with %s is refused', async (_title, change, rule) => {
    await expectForbidden(
      withAttest((it) => ({ ...it, practitioner: { ...it.practitioner, ...change(it) } })),
      rule,
    );
  });

  it('of the person whom the token names is accepted', async () => {
    const own = { identifier: { id: nurse, system: 'urn:oid:2.16.578.1.12.4.1.4.1' }, hpr_nr: { id: '9990002' } };
    const answer = await withAttest((it) => ({ ...it, practitioner: { ...it.practitioner, ...own } }));
    expect(answer.status).toBe(200);
  });

  it('of a patient under another identifier system, or of nobody, is refused', async () => {
    const [identified] = attest().patients;
    for (const identifier of [
      { ...identified?.identifier, system: 'urn:oid:2.16.578.1.12.4.1.4.101' },
      { ...identified?.identifier, id: 'x' },
    ])
      expect(await withAttest((it) => ({ ...it, patients: [{ identifier }] }))).toMatchObject({ status: 403 });
  });
});

it('final sanity: the same claims as they are give a nurse', async () => {
  expect(await knock(nurseClaims())).toMatchObject({ status: 200, caller: { role: 'nurse' } });
});
