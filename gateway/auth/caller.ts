import { type AccessTokenClaims, type Attest, AttestDetail, type Caller, type Role } from '../../schema/caller.ts';
import { Forbidden } from './refusal.ts';

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

const attestType = 'nhn:tillitsrammeverk:parameters';
const attestLifeSeconds = 60 * 60;
const leewaySeconds = 5;

type Refuse = (rule: string, text: string) => never;

/** An attest is for this person at this place, or it is not theirs (trust framework, ATT-11). */
const checkHolder = ({ practitioner }: AttestDetail, claims: AccessTokenClaims, refuse: Refuse): void => {
  const { identifier, hpr_nr, authorization, legal_entity, point_of_care } = practitioner;
  const hprNumber = claims['helseid://claims/hpr/hpr_number'];
  const unit = claims['helseid://claims/client/claims/orgnr_child'];
  if (identifier && identifier.id !== claims['helseid://claims/identity/pid'])
    refuse('attest/practitioner', 'The attest is of another person than the token');
  if (authorization && !hprNumber)
    refuse('caller/hpr', 'The attest names an authorization, and the token has no HPR number');
  if (hpr_nr && hpr_nr.id !== hprNumber) refuse('attest/hpr', 'The attest has another HPR number than the token');
  if (legal_entity.id !== claims['helseid://claims/client/claims/orgnr_parent'])
    refuse('attest/organisation', 'The attest is of another organisation than the token');
  if (unit && point_of_care.id !== unit) refuse('attest/unit', 'The attest is of another unit than the token');
};

/**
 * The age is counted from `toa`. Without it from the token's `iat`: HelseID checks the attest when it makes a token, and
 * refuses an old one.
 */
const checkAge = ({ attestation }: AttestDetail, { iat }: AccessTokenClaims, now: number, refuse: Refuse): void => {
  const madeAt = attestation?.toa ?? iat;
  if (madeAt > now + leewaySeconds) refuse('attest/age', 'The attest is from the future');
  if (madeAt < now - attestLifeSeconds) refuse('attest/age', 'The attest is older than 60 minutes');
};

/** No attest is nobody's fault: then no patient's data are given. One that is not right is refused, and never ignored. */
const readAttest = (claims: AccessTokenClaims, nowSeconds: number, refuse: Refuse): Attest | null => {
  const [detail, ...others] = claims.authorization_details.filter(({ type }) => type === attestType);
  if (!detail) return null;
  if (others.length > 0) refuse('attest/several', 'The token has more than one attest');
  const { data, error } = AttestDetail.safeParse(detail);
  if (!data) {
    const places = error.issues.map(({ path }) => path.join('.')).join(', '); // names of ours, no values
    return refuse('attest/form', `The attest does not follow the trust framework: ${places}`);
  }
  checkHolder(data, claims, refuse);
  checkAge(data, claims, nowSeconds, refuse);
  const { practitioner, patients, relation } = data;
  return {
    patient: patients[0]?.identifier.id ?? null,
    purpose: relation.purpose_of_use.code,
    purposeDetail: relation.purpose_of_use_details?.code ?? null,
    healthcareService: relation.healthcare_service?.code ?? null,
    decisionRef: relation.decision_ref.id,
    authorization: practitioner.authorization?.code ?? null,
  };
};

const roleOf = (attest: Attest | null): Role | null => {
  if (attest?.authorization) return rolesByAuthorization[attest.authorization] ?? null;
  return attest?.purpose === 'COC' ? 'serviceAllocationOfficer' : null;
};

/** Who was turned away, for the access log: what the token says, and nothing that nobody could check. */
const describeRefused = (claims: AccessTokenClaims): Caller => {
  const client = { clientId: claims.client_id, clientName: claims['helseid://claims/client/client_name'] };
  const nin = claims['helseid://claims/identity/pid'];
  const organisation = {
    legalEntity: claims['helseid://claims/client/claims/orgnr_parent'] ?? '',
    pointOfCare: claims['helseid://claims/client/claims/orgnr_child'] ?? null,
  };
  if (!nin) return { kind: 'system', role: 'system', organisation, ...client };
  const hprNumber = claims['helseid://claims/hpr/hpr_number'] ?? null;
  const person = { nin, name: claims.name ?? '', ...client };
  return { kind: 'professional', role: 'none', hprNumber, authorization: null, organisation, attest: null, ...person };
};

/**
 * Verified claims -> who asks. Citizens, professionals and systems are told apart by scope and by what the token says of a
 * person; a person needs security level 4, a professional the organisation, and health personnel the HPR number. That a unit
 * belongs to its legal entity, HelseID has checked; here the attest must name the same two.
 *
 * @param nowSeconds Unix time
 * @throws Forbidden for claims that do not admit anybody
 */
export const toCaller = (claims: AccessTokenClaims, nowSeconds: number): Caller => {
  const refuse: Refuse = (rule, text) => {
    throw new Forbidden(rule, text, describeRefused(claims));
  };
  const client = { clientId: claims.client_id, clientName: claims['helseid://claims/client/client_name'] };
  const has = (scope: string) => claims.scope.includes(`kilde:api/${scope}`);
  const nin = claims['helseid://claims/identity/pid'];
  const legalEntity = claims['helseid://claims/client/claims/orgnr_parent'];
  const pointOfCare = claims['helseid://claims/client/claims/orgnr_child'] ?? null;

  if (!nin) {
    if (!has('events.write'))
      return refuse('caller/person', 'A person must have logged in for what this token asks for');
    if (!legalEntity) return refuse('caller/organisation', 'The token names no organisation');
    return { kind: 'system', role: 'system', organisation: { legalEntity, pointOfCare }, ...client };
  }
  if (claims['helseid://claims/identity/security_level'] !== '4')
    return refuse('caller/level', 'Security level 4 is required');
  const person = { nin, name: claims.name ?? '', ...client };
  if (has('citizen')) {
    if (has('read') || has('admin'))
      return refuse('caller/scope', 'The token is for a citizen and an employee at once');
    return { kind: 'citizen', role: 'citizen', ...person };
  }
  if (!legalEntity) return refuse('caller/organisation', 'The token names no organisation');

  const hprNumber = claims['helseid://claims/hpr/hpr_number'] ?? null;
  const attest = readAttest(claims, nowSeconds, refuse);
  const role = has('admin') ? 'administrator' : has('read') ? roleOf(attest) : null;
  if (!role) return refuse('caller/role', 'Scope, authorization and purpose of use give no role here');
  const authorization = attest?.authorization ?? null;
  const organisation = { legalEntity, pointOfCare };
  return { kind: 'professional', role, hprNumber, authorization, organisation, attest, ...person };
};
