import { type AccessTokenClaims, type Attest, AttestDetail, type Caller, type Role } from '../../schema/caller.ts';
import { Unauthenticated } from './verify.ts';

/** Health personnel category (9060) -> row of the role matrix. Others have no row: they see nothing. */
const rolesByAuthorization: Record<string, Role> = {
  LE: 'doctor',
  SP: 'nurse',
  VP: 'nurse',
  JO: 'nurse',
  HF: 'healthWorker',
  HP: 'healthWorker',
  OA: 'healthWorker',
  FT: 'therapist',
  ET: 'therapist',
  FA1: 'pharmacist',
  FA2: 'pharmacist',
};

const readAttest = (claims: AccessTokenClaims): Attest | null => {
  const detail = claims.authorization_details.find(({ type }) => type === 'nhn:tillitsrammeverk:parameters');
  if (!detail) return null;
  const read = AttestDetail.safeParse(detail);
  if (!read.success) throw new Unauthenticated('attest');
  const { practitioner, patients, relation } = read.data;
  return {
    patient: patients[0]?.identifier.id ?? null,
    purpose: relation.purpose_of_use.code,
    purposeDetail: relation.purpose_of_use_details?.code ?? null,
    healthcareService: relation.healthcare_service?.code ?? null,
    decisionRef: relation.decision_ref?.id ?? null,
    authorization: practitioner?.authorization?.code ?? null,
  };
};

const roleOf = (attest: Attest | null, hprNumber: string | null): Role | null => {
  if (attest?.authorization && hprNumber) return rolesByAuthorization[attest.authorization] ?? null;
  return attest?.purpose === 'COC' ? 'serviceAllocationOfficer' : null;
};

/**
 * Verified claims -> who asks. Citizens, professionals and systems are told apart by scope and by what the token says of a
 * person; a person needs security level 4.
 *
 * @throws Unauthenticated for claims that fit nobody
 */
export const toCaller = (claims: AccessTokenClaims): Caller => {
  const client = { clientId: claims.client_id, clientName: claims['helseid://claims/client/client_name'] };
  const has = (scope: string) => claims.scope.includes(`kilde:api/${scope}`);
  const nin = claims['helseid://claims/identity/pid'];
  const legalEntity = claims['helseid://claims/client/claims/orgnr_parent'];
  const organisation = legalEntity
    ? { legalEntity, pointOfCare: claims['helseid://claims/client/claims/orgnr_child'] ?? null }
    : null;

  if (!nin) {
    if (!organisation || !has('events.write')) throw new Unauthenticated('system');
    return { kind: 'system', role: 'system', organisation, ...client };
  }
  if (claims['helseid://claims/identity/security_level'] !== '4') throw new Unauthenticated('security level');
  const person = { nin, name: claims.name ?? '', ...client };
  if (has('citizen')) return { kind: 'citizen', role: 'citizen', ...person };
  if (!organisation) throw new Unauthenticated('organisation');

  const hprNumber = claims['helseid://claims/hpr/hpr_number'] ?? null;
  const attest = readAttest(claims);
  const role = has('admin') ? 'administrator' : has('read') ? roleOf(attest, hprNumber) : null;
  if (!role) throw new Unauthenticated('role');
  const authorization = attest?.authorization ?? null;
  return { kind: 'professional', role, hprNumber, authorization, organisation, attest, ...person };
};
