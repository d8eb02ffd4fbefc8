import * as z from 'zod';
import type { AccessBasis } from './sources.ts';

/** Health personnel category, code system 9060 (`LE` doctor, `SP` nurse, …). */
export type Authorization = string;

/** Purpose of use, 2.16.840.1.113883.1.11.20448: care, emergency care, coordination, break the glass. */
export const purposes = ['TREAT', 'ETREAT', 'COC', 'BTG'] as const;
export type Purpose = (typeof purposes)[number];

/** Roles of the role matrix (reference 14.2). Derived from the token, never taken from the request. */
export const roles = [
  'doctor',
  'nurse',
  'healthWorker',
  'therapist',
  'pharmacist',
  'serviceAllocationOfficer',
  'system',
  'citizen',
  'administrator',
  /** Of somebody whom the gateway turned away because their token gives no role. Only in the access log. */
  'none',
] as const;
export type Role = (typeof roles)[number];

export type Organisation = {
  /** Organisation number of the legal entity, `orgnr_parent`. For a municipality: the municipality itself. */
  legalEntity: string;
  /** Organisation number of the unit where the caller works, `orgnr_child`. */
  pointOfCare: string | null;
};

/** The trust framework's attest, as far as decisions need it: one patient, one purpose, at most 60 minutes old. */
export type Attest = {
  patient: string | null;
  purpose: Purpose;
  /** Detail of the purpose, e.g. an IPLOS service type (9151). */
  purposeDetail: string | null;
  healthcareService: string | null;
  decisionRef: string | null;
  authorization: Authorization | null;
};

/** Who asks. Made from a verified token only; national ids in it never leave the process unencrypted. */
export type Caller =
  | {
      kind: 'professional';
      role: Role;
      /** The professional's own national id. */
      nin: string;
      name: string;
      hprNumber: string | null;
      authorization: Authorization | null;
      organisation: Organisation;
      attest: Attest | null;
      clientId: string;
      clientName: string;
    }
  | {
      kind: 'citizen';
      role: 'citizen';
      nin: string;
      name: string;
      clientId: string;
      clientName: string;
    }
  | {
      kind: 'system';
      role: 'system';
      organisation: Organisation;
      clientId: string;
      clientName: string;
    };

// Numbers and codes go on to logs and sources, so what cannot be one is no claim. The longest code has ten characters.
const organisationNumber = z.string().regex(/^\d{9}$/);
const hprNumber = z.string().regex(/^\d{7,9}$/);
const oid = (number: string) => `urn:oid:2.16.578.1.12.4.1.1.${number}`;
const codeOf = (...systems: readonly string[]) =>
  z.object({ code: z.string().regex(/^[\w.-]{1,10}$/), system: z.enum(systems) });
const Unit = z.object({ id: organisationNumber, system: z.literal('urn:oid:2.16.578.1.12.4.1.4.101') });
const NationalIdentifier = z.object({
  id: z.string().regex(/^\d{11}$/),
  system: z.enum(['1', '2', '3'].map((last) => `urn:oid:2.16.578.1.12.4.1.4.${last}`)),
});

const CareRelation = z
  .object({
    healthcare_service: codeOf(
      ...['8655', '8451', '8668', '8663', '8662', '8664', '8666', '7750', '8254'].map(oid),
    ).optional(),
    purpose_of_use: z.object({
      code: z.enum(purposes),
      system: z.literal('urn:oid:2.16.840.1.113883.1.11.20448'),
    }),
    /** A municipality's own services, or HL7 Norway's care relations. */
    purpose_of_use_details: codeOf(oid('9151'), 'urn:AuditEventHL7Norway/CodeSystem/carerelation').optional(),
    decision_ref: z.object({ id: z.string().min(1).max(200), user_selected: z.boolean() }),
  })
  .refine(({ healthcare_service: service, purpose_of_use_details: details }) => service || details, {
    path: ['healthcare_service'],
    message: 'healthcare_service or purpose_of_use_details',
  });

/**
 * `nhn:tillitsrammeverk:parameters` (reference 11), both spellings of the care relation accepted, one of them. Healthcare
 * service or details of the purpose, or both where both apply; at most one patient.
 */
export const AttestDetail = z
  .object({
    type: z.literal('nhn:tillitsrammeverk:parameters'),
    practitioner: z.object({
      identifier: NationalIdentifier.optional(),
      hpr_nr: z.object({ id: hprNumber }).optional(),
      authorization: codeOf(oid('9060')).optional(),
      legal_entity: Unit,
      point_of_care: Unit,
    }),
    care_relationship: CareRelation.optional(),
    care_relation: CareRelation.optional(),
    patients: z
      .array(z.object({ identifier: NationalIdentifier }))
      .max(1)
      .default([]),
    /** `toa`: when it was made, Unix seconds. */
    attestation: z.object({ toa: z.int().positive() }).optional(),
  })
  .transform(({ care_relationship, care_relation, ...detail }, context) => {
    const relation = care_relationship ?? care_relation;
    if (relation && !(care_relationship && care_relation)) return { ...detail, relation };
    context.addIssue({ code: 'custom', path: ['care_relationship'], message: 'one, in one spelling' });
    return z.NEVER;
  });
export type AttestDetail = z.infer<typeof AttestDetail>;

/** Claims of a HelseID-like access token (reference 10.6), as the gateway reads them. Unknown claims are ignored. */
export const AccessTokenClaims = z.object({
  iss: z.string(),
  sub: z.string(),
  jti: z.string(),
  exp: z.number(),
  iat: z.number(),
  client_id: z.string(),
  scope: z.union([z.string().transform((scope) => scope.split(' ')), z.array(z.string())]),
  cnf: z.object({ jkt: z.string() }).optional(),
  name: z.string().optional(),
  authorization_details: z.array(z.looseObject({ type: z.string() })).default([]),
  'helseid://claims/identity/pid': z.string().optional(),
  'helseid://claims/identity/security_level': z.string().optional(),
  'helseid://claims/hpr/hpr_number': hprNumber.optional(),
  'helseid://claims/client/client_name': z.string().default(''),
  'helseid://claims/client/claims/orgnr_parent': organisationNumber.optional(),
  'helseid://claims/client/claims/orgnr_child': organisationNumber.optional(),
});
export type AccessTokenClaims = z.infer<typeof AccessTokenClaims>;

/** NHN's own mapping from purpose to access basis (reference 1.2); elevation is never chosen for the caller. */
export const accessBasisFor = (purpose: Purpose | null): AccessBasis => {
  if (purpose === 'ETREAT' || purpose === 'BTG') return 'AKUTT';
  return purpose === 'COC' ? 'UNNTAK' : 'SAMTYKKE';
};
