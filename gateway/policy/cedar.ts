import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { LRUCache } from 'lru-cache';

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;

export type Uid = { type: string; id: string };
export type Question = {
  principal: Uid;
  /** What the principal belongs to. */
  memberOf: readonly Uid[];
  action: 'know' | 'read';
  resource: Uid;
  context: Readonly<Record<string, string | number | boolean>>;
};
/** What the policies come to. `rule`: id of the policy that decided; a `forbid` before any `permit`. */
export type Verdict = { permitted: boolean; rule: string; annotations: Readonly<Record<string, string>> };

/** Nobody's policy permits it. */
const noRule: Verdict = { permitted: false, rule: 'no-rule', annotations: {} };

const mostRemembered = 50_000;
let loaded = 0;

type Parsed = { id: string; text: string; annotations: Record<string, string> };

const parse = (file: string, text: string): Parsed[] => {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure') throw new Error(`${file}: ${parts.errors.map(({ message }) => message).join('; ')}`);
  return parts.policies.map((policy) => {
    const json = cedar.policyToJson(policy);
    if (json.type === 'failure') throw new Error(`${file}: ${json.errors.map(({ message }) => message).join('; ')}`);
    const annotations = Object.fromEntries(
      Object.entries(json.json.annotations ?? {}).map(([name, value]) => [name, value ?? '']),
    );
    const { id } = annotations;
    if (!id) throw new Error(`${file}: a policy has no @id`);
    return { id, text: policy, annotations };
  });
};

/**
 * Reads and checks policies, and answers by them. The same question has the same answer as long as the policies are the
 * same, and holds nothing about anybody: answers are remembered.
 *
 * @throws Error in words for a policy that does not parse, has no id or another's, or does not fit the schema
 */
export const loadPolicies = (files: ReadonlyMap<string, string>, schema: string) => {
  const policies = new Map<string, Parsed>();
  for (const [file, text] of files) {
    for (const policy of parse(file, text)) {
      if (policies.has(policy.id)) throw new Error(`${file}: there are two policies with the id ${policy.id}`);
      policies.set(policy.id, policy);
    }
  }
  const staticPolicies = Object.fromEntries([...policies].map(([id, { text }]) => [id, text]));
  const checked = cedar.validate({ schema, policies: { staticPolicies } });
  const faults =
    checked.type === 'failure'
      ? checked.errors.map(({ message }) => message)
      : checked.validationErrors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
  if (faults.length > 0) throw new Error(faults.join('; '));
  loaded += 1;
  const name = `kilde-${loaded}`;
  for (const made of [cedar.preparsePolicySet(name, { staticPolicies }), cedar.preparseSchema(name, schema)])
    if (made.type === 'failure') throw new Error(made.errors.map(({ message }) => message).join('; '));

  const answer = ({ principal, memberOf, action, resource, context }: Question): Verdict => {
    const asked = cedar.statefulIsAuthorized({
      principal,
      action: { type: 'Kilde::Action', id: action },
      resource,
      context,
      preparsedPolicySetId: name,
      preparsedSchemaName: name,
      validateRequest: true,
      entities: [{ uid: principal, attrs: {}, parents: [...memberOf] }],
    });
    if (asked.type === 'failure') throw new Error(asked.errors.map(({ message }) => message).join('; '));
    const { decision, diagnostics } = asked.response;
    if (diagnostics.errors.length > 0) throw new Error('a policy failed'); // a `forbid` that fails would forbid nothing
    const [rule] = diagnostics.reason.sort((one, other) => order(one) - order(other));
    if (rule === undefined) return noRule;
    return { permitted: decision === 'allow', rule, annotations: policies.get(rule)?.annotations ?? {} };
  };
  const places = new Map([...policies.keys()].map((id, place) => [id, place]));
  const order = (id: string) => places.get(id) ?? 0;

  const remembered = new LRUCache<string, Verdict>({ max: mostRemembered });
  return {
    ids: [...policies.keys()] as readonly string[],
    ask(question: Question): Verdict {
      const key = JSON.stringify(question);
      const known = remembered.get(key);
      if (known) return known;
      const verdict = answer(question);
      remembered.set(key, verdict);
      return verdict;
    },
  };
};
export type Policies = ReturnType<typeof loadPolicies>;
