import { allow, federationEntry, mayRead, type Rules } from '../_shared/shield.ts';

/** Types below Patient are reached only through its fields, which are decided on here. */
export const rules: Rules = {
  Query: {
    ...federationEntry,
    privacySettings: allow, // asked by the gateway only: behind the assertion, and @inaccessible in the public schema
  },
  _Service: allow,
  Patient: { id: allow, accessLog: mayRead('accessLog'), restrictions: mayRead('restrictions') },
  PrivacySetting: allow,
  AccessLogGroup: allow,
  AccessLogEntry: allow,
  RestrictionGroup: allow,
  Restriction: allow,
  PageInfo: allow,
  Absence: allow,
  Provenance: allow,
  Identifier: allow,
  Organization: allow,
};
