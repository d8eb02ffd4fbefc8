import { describe, expect, it } from 'vitest';
import { loadPolicies } from '../../../gateway/policy/cedar.ts';
import { createPolicy } from '../../../gateway/policy/decide.ts';
import { ageAt, type PersonFacts } from '../../../gateway/policy/person.ts';
import type { Caller, Role } from '../../../schema/caller.ts';
import { categories as all, type Category } from '../../../schema/categories.ts';
import { readPolicies, readPolicySchema } from '../../../schema/policy/read.ts';
import type { ElevatedBasis } from '../../../schema/sources.ts';
import { citizen, doctor } from '../../support/ask.ts';

const patient = '14834841291';
const mother = '30818522025';
const person = (change: Partial<PersonFacts> = {}): PersonFacts => ({
  id: '7d0f5a52-0000-4000-8000-00000000a001',
  nins: [patient],
  name: null,
  birthDate: '1948-03-14',
  deceased: false,
  addressProtection: 'Unclassified',
  responsible: [],
  guardians: [],
  settings: [],
  status: 'FRESH',
  asOf: null,
  ...change,
});
const today = '2026-11-21';
const schema = readPolicySchema();
const { decide, decideAtMost } = createPolicy(loadPolicies(readPolicies(), schema));
const ask = (categories: readonly Category[]) => ({ categories, sourcesOf: () => new Set<string>() });
const categories = ask(all);
const permitted = (caller: Caller, about = person()) =>
  [...decide(caller, about, categories, today).categories.values()]
    .filter(({ effect }) => effect === 'permit')
    .map(({ category }) => category);
const professional = (role: Role): Caller => ({
  ...(doctor(patient) as Extract<Caller, { kind: 'professional' }>),
  role,
});
const clinical = ['laboratory', 'imaging', 'medication', 'documents', 'criticalInformation', 'measurements', 'events'];

describe('decide', () => {
  it('gives nobody the decision about somebody else who differs in a setting, a fact or the caller’s role', () => {
    const restricted = person({ settings: [{ type: 'restriction', source: '*', scope: 'laboratory' }] });
    const sees = (role: Role, about: PersonFacts) => permitted(professional(role), about).includes('laboratory');
    expect([sees('doctor', person()), sees('doctor', restricted), sees('doctor', person())]).toEqual([
      true,
      false,
      true,
    ]);
    expect(decide(citizen(patient), person(), categories, today).rule).not.toBe(
      decide(professional('doctor'), person(), categories, today).rule,
    );
    expect(permitted(professional('nurse'))).not.toEqual(permitted(professional('serviceAllocationOfficer')));
    expect(
      decide(citizen(mother), person({ responsible: [mother], birthDate: '2016-03-14' }), categories, today),
    ).not.toEqual(
      decide(citizen(mother), person({ responsible: [mother], birthDate: '2009-03-14' }), categories, today),
    );
  });
  it('gives a doctor with an attest for the patient everything but the citizen’s own categories', () => {
    expect(permitted(professional('doctor'))).toEqual(all.filter((it) => it !== 'accessLog' && it !== 'restrictions'));
  });

  it('gives a pharmacist person, critical information and medication only', () => {
    expect(permitted(professional('pharmacist'))).toEqual(['person', 'criticalInformation', 'medication']);
  });

  it('gives a health worker no laboratory, imaging or documents', () => {
    const given = permitted(professional('healthWorker'));
    expect(given).toContain('measurements');
    expect(given).not.toEqual(expect.arrayContaining(['laboratory']));
    expect(given.filter((it) => ['laboratory', 'imaging', 'documents'].includes(it))).toEqual([]);
  });

  it('gives a service allocation officer no clinical category', () => {
    expect(permitted(professional('serviceAllocationOfficer')).filter((it) => clinical.includes(it))).toEqual([]);
  });

  it.each(['administrator', 'system'] as const)('gives a professional in the role %s nothing', (role) => {
    expect(permitted(professional(role))).toEqual([]);
    expect(decide(professional(role), person(), categories, today).mayKnow).toBe(false);
  });

  it('does not let a professional know of a patient that the attest does not name', () => {
    for (const other of [null, '02915631153']) {
      const decision = decide(doctor(other), person(), categories, today);
      expect(decision.mayKnow).toBe(false);
      expect([...decision.categories.values()].every(({ effect }) => effect === 'deny')).toBe(true);
    }
  });

  it('knows the patient of an attest by a former number', () => {
    expect(decide(doctor('51829135594'), person({ nins: [patient, '51829135594'] }), categories, today).mayKnow).toBe(
      true,
    );
  });

  it('gives citizens all of their own record and nothing of others’', () => {
    expect(permitted(citizen(patient))).toEqual([...all]);
    expect(permitted(citizen(mother))).toEqual([]);
  });

  it.each([
    ['2017-06-21', 13],
    ['2014-11-22', 13], // 11 until tomorrow
    ['2014-11-21', 1], // 12 today
    ['2010-11-22', 1], // 15 until tomorrow
    ['2010-11-21', 0], // 16 today
    ['1990', 0], // age unknown
  ])('gives a parent of a child born %s %i categories', (birthDate, count) => {
    expect(permitted(citizen(mother), person({ birthDate, responsible: [mother] }))).toHaveLength(count);
  });

  it('lets nobody represent a person with a protected address, or one whose protection is unknown', () => {
    for (const addressProtection of ['Confidential', 'StrictlyConfidential', null]) {
      const child = person({ birthDate: '2020-01-01', responsible: [mother], addressProtection });
      expect(permitted(citizen(mother), child)).toEqual([]);
    }
  });

  it.each([
    ['restriction', 'ERESEPT', null, 'restricted', 'permit'],
    ['reservation', 'ERESEPT', null, 'deny', 'deny'],
    ['block', '*', '9990004', 'deny', 'deny'],
  ] as const)('lets an elevated basis open a %s of %s or not', (type, source, scope, ordinary, elevated) => {
    const about = person({ settings: [{ type, source, scope }] });
    const asked = { categories: ['medication'], sourcesOf: () => new Set(['ERESEPT']) };
    const effectOn = (basis: ElevatedBasis | null) =>
      decide(doctor(patient), about, asked, today, basis).categories.get('medication')?.effect;
    expect([null, 'FORHOYET_SAMTYKKE' as const, 'FORHOYET_AKUTT' as const].map(effectOn)).toEqual([
      ordinary,
      elevated,
      elevated,
    ]);
  });

  it('gives nobody more of what is not restricted for an elevated basis, nor a person whom they may not know of', () => {
    const elevated = decide(professional('pharmacist'), person(), categories, today, 'FORHOYET_AKUTT');
    expect(elevated).toEqual(decide(professional('pharmacist'), person(), categories, today));
    expect(decide(doctor('02915631153'), person(), categories, today, 'FORHOYET_AKUTT').mayKnow).toBe(false);
  });

  it('names the rule that decided', () => {
    expect(decide(professional('nurse'), person(), ask(['laboratory']), today).categories.get('laboratory')).toEqual({
      category: 'laboratory',
      effect: 'permit',
      rule: 'role/clinician',
      absence: 'NO_ACCESS',
      requires: null,
    });
  });
});

describe('the policies', () => {
  const load = (text: string) => () => loadPolicies(new Map([...readPolicies(), ['new.cedar', text]]), schema);
  it.each([
    ['that does not parse', 'permit (principal action resource);', /^new\.cedar: /],
    ['without an id', 'permit (principal, action, resource);', 'new.cedar: a policy has no @id'],
    [
      'with another’s id',
      '@id("own-record") forbid (principal, action, resource);',
      'two policies with the id own-record',
    ],
    [
      'about what the schema does not know',
      '@id("x") permit (principal, action, resource) when { context.rich };',
      /^x: /,
    ],
    [
      'about a role type that is renamed',
      '@id("x") permit (principal in Kilde::Rolle::"doctor", action, resource);',
      /^x: /,
    ],
  ])('are refused with one %s', (_title, text, message) => {
    expect(load(text)).toThrow(message);
  });
  it('let a new source bring its own category', () => {
    const policies = loadPolicies(
      new Map([
        ...readPolicies(),
        [
          'sysvak/policy.cedar',
          '@id("role/vaccines") permit (principal in Kilde::Role::"nurse", action == Kilde::Action::"read", resource == Kilde::Category::"vaccines") when { context.relation == "attested" };',
        ],
      ]),
      schema,
    );
    const seen = (role: Role) =>
      createPolicy(policies)
        .decide(professional(role), person(), ask(['vaccines']), today)
        .categories.get('vaccines');
    expect(seen('nurse')).toMatchObject({ effect: 'permit', rule: 'role/vaccines' });
    expect(seen('doctor')).toMatchObject({ effect: 'deny', rule: 'no-rule' });
  });
});

describe('decideAtMost', () => {
  it('never lets anybody know of a person', () => {
    expect(decideAtMost(doctor(patient), categories).mayKnow).toBe(false);
  });
});

describe('ageAt', () => {
  it.each([
    ['2000-02-29', '2018-02-28', 17],
    ['2000-02-29', '2018-03-01', 18],
    ['1899-12-31', '2026-11-21', 126],
    ['2026-11-21', '2026-11-21', 0],
    ['2014-04', '2026-11-21', null],
    [null, '2026-11-21', null],
  ])('of %s on %s is %s', (born, day, age) => {
    expect(ageAt(born, day)).toBe(age);
  });
});
