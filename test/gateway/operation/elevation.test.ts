import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type Elevation, readElevation, refuseElevation } from '../../../gateway/operation/elevation.ts';
import type { Caller, Purpose } from '../../../schema/caller.ts';
import { citizen, doctor } from '../../support/ask.ts';

const patient = '14834841291';
const reason = 'Pasienten er bevisstløs';
const consent = { accessBasis: 'FORHOYET_SAMTYKKE', reason } as const;
const emergency = { accessBasis: 'FORHOYET_AKUTT', reason } as const;

const refusal = (kilde: unknown): GraphQLError => {
  try {
    readElevation({ kilde });
  } catch (error) {
    if (error instanceof GraphQLError) return error;
  }
  throw new Error('not refused');
};

describe('extensions.kilde', () => {
  it.each([undefined, null, {}, { persistedQuery: { version: 1 } }, { kilde: null }, { other: { reason } }])(
    '%j asks for nothing out of the ordinary',
    (extensions) => {
      expect(readElevation(extensions)).toBeNull();
    },
  );

  it('is read with its basis and reason, the reason in one line', () => {
    expect(readElevation({ kilde: consent, persistedQuery: {} })).toEqual(consent);
    expect(readElevation({ kilde: { ...emergency, reason: '  Pasienten\ner \t bevisstløs ' } })).toEqual(emergency);
    expect(readElevation({ kilde: { reason } })).toEqual({ reason });
  });

  it.each([
    ['without a reason', { accessBasis: 'FORHOYET_AKUTT' }],
    ['with an empty reason', { ...consent, reason: '' }],
    ['with a reason of two characters', { ...consent, reason: ' ab \n ' }],
    ['with a reason of 501 characters', { ...consent, reason: 'x'.repeat(501) }],
    ['with a reason that is no text', { ...consent, reason: { text: reason } }],
    ['with a national id in the reason', { ...consent, reason: `Gjelder ${patient}` }],
    ['with a national id in two parts', { ...consent, reason: 'Gjelder 148348 41291' }],
    ['with a national id over two lines', { ...consent, reason: 'Gjelder 148348\n41291' }],
    ['with NUL in the reason', { ...consent, reason: 'abc\u0000def' }],
    ['with half a character in the reason', { ...consent, reason: 'abc\ud800def' }],
    ['with an ordinary basis', { ...consent, accessBasis: 'SAMTYKKE' }],
    ['with an unknown basis', { ...consent, accessBasis: 'FORHOYET' }],
    ['with an unknown member', { ...consent, patient }],
    ['that is a list', [consent]],
    ['that is a text', 'FORHOYET_AKUTT'],
    ['that is empty', {}],
  ])('%s is refused, and nothing of it is repeated', (_title, kilde) => {
    const error = refusal(kilde);
    expect(error.extensions).toMatchObject({ code: 'BAD_REQUEST', http: { status: 400 } });
    expect(JSON.stringify(error)).not.toMatch(/14834841291|41291|abc|Gjelder|xxx/);
  });

  it.each([3, 500])('with a reason of %i characters is read', (length) => {
    expect(readElevation({ kilde: { reason: 'x'.repeat(length) } })?.reason).toHaveLength(length);
  });
});

describe('refuseElevation', () => {
  const clinician = (purpose: Purpose | null): Caller => {
    const caller = doctor(patient) as Extract<Caller, { kind: 'professional' }>;
    return { ...caller, attest: purpose && caller.attest && { ...caller.attest, purpose } };
  };
  const ruleFor = (caller: Caller, elevation: Elevation | null) => refuseElevation(caller, elevation)?.rule ?? null;

  it.each<[purpose: Purpose | null, none: string | null, consent: string | null, emergency: string | null]>([
    ['TREAT', null, null, 'elevation/purpose'],
    ['ETREAT', null, null, null],
    ['COC', null, null, 'elevation/purpose'],
    ['BTG', 'elevation/reason', 'elevation/purpose', null],
    [null, null, 'elevation/purpose', 'elevation/purpose'],
  ])('of a professional with purpose %s', (purpose, none, withConsent, inEmergency) => {
    const caller = clinician(purpose);
    expect([null, consent, emergency].map((it) => ruleFor(caller, it))).toEqual([none, withConsent, inEmergency]);
  });

  it('lets a reason alone be given for breaking the glass, and for nothing else', () => {
    expect(ruleFor(clinician('BTG'), { reason })).toBeNull();
    expect(ruleFor(clinician('ETREAT'), { reason })).toBe('elevation/purpose');
  });

  it('refuses a citizen and a system, whatever they ask for', () => {
    const system: Caller = {
      kind: 'system',
      role: 'system',
      organisation: { legalEntity: '310000019', pointOfCare: null },
      clientId: 'fagsystem',
      clientName: 'Fagsystem',
    };
    for (const caller of [citizen(patient), system]) {
      for (const elevation of [consent, emergency, { reason }])
        expect(ruleFor(caller, elevation)).toBe('elevation/professional');
      expect(ruleFor(caller, null)).toBeNull();
    }
  });
});
