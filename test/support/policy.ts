import { loadPolicies } from '../../gateway/policy/cedar.ts';
import { createPolicy } from '../../gateway/policy/decide.ts';
import { readPolicies, readPolicySchema } from '../../schema/policy/read.ts';

/** Decisions by the product's own policies. */
export const policy = createPolicy(loadPolicies(readPolicies(), readPolicySchema()));
