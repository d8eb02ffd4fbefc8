import type { Caller } from '../../schema/caller.ts';
import type { Category, CategoryDecision } from '../../schema/categories.ts';
import { roleMatrix } from '../../schema/policy/roleMatrix.ts';
import { ageAt, type PersonFacts } from './person.ts';

export type Decision = {
  /** Whether the caller may know that this person exists for Kilde. When not, the answer is that of an unknown person. */
  mayKnow: boolean;
  rule: string;
  categories: ReadonlyMap<Category, CategoryDecision>;
};

type Relation = { holds: boolean; rule: string; categories: readonly Category[] };

const none = (rule: string): Relation => ({ holds: false, rule, categories: [] });

const agedTwelve: readonly Category[] = ['person'];

/** Parents' access by age (reference 14.4): all under 12; from 12 the clinical parts need a decision that comes later. */
const asRepresentative = (person: PersonFacts, nin: string, today: string): Relation => {
  const isProtected = person.addressProtection !== 'Unclassified'; // nor can protected persons be represented
  const age = ageAt(person.birthDate, today);
  if (!person.responsible.includes(nin) || isProtected || age === null || age >= 16) return none('representation/none');
  if (age >= 12) return { holds: true, rule: 'representation/12-15', categories: agedTwelve };
  return { holds: true, rule: 'representation/under-12', categories: roleMatrix.citizen };
};

/** Every set of categories that a decision may permit: what plans can be made for beforehand. */
export const possibleGrants: readonly ReadonlySet<Category>[] = [...Object.values(roleMatrix), agedTwelve, []].map(
  (categories) => new Set(categories),
);

const relationTo = (caller: Caller, person: PersonFacts, today: string): Relation => {
  switch (caller.kind) {
    case 'system':
      return none('system');
    case 'citizen':
      if (!person.nins.includes(caller.nin)) return asRepresentative(person, caller.nin, today);
      return { holds: true, rule: 'own-record', categories: roleMatrix.citizen };
    case 'professional': {
      const { attest, role } = caller;
      if (!attest?.patient || !person.nins.includes(attest.patient)) return none('no-attest-for-patient');
      const categories = roleMatrix[role];
      return { holds: categories.length > 0, rule: `roleMatrix/${role}`, categories };
    }
  }
};

/**
 * The decision for each category about one person. Nothing is permitted that no rule permits.
 *
 * @param today ISO 8601 date; ages are computed from the register's birth date on this day
 */
export const decide = (
  caller: Caller,
  person: PersonFacts,
  categories: readonly Category[],
  today: string,
): Decision => {
  const { holds, rule, categories: given } = relationTo(caller, person, today);
  const decisions = categories.map((category): [Category, CategoryDecision] => {
    const effect = holds && given.includes(category) ? 'permit' : 'deny';
    return [category, { category, effect, rule }];
  });
  return { mayKnow: holds, rule, categories: new Map(decisions) };
};

/** What the caller's role gives at most, when the operation is about no patient. */
export const decideAtMost = (caller: Caller, categories: readonly Category[]): Decision => {
  const given = caller.kind === 'system' ? [] : roleMatrix[caller.role];
  const rule = `roleMatrix/${caller.role}`;
  return {
    mayKnow: false,
    rule,
    categories: new Map(
      categories.map((category) => [
        category,
        { category, effect: given.includes(category) ? 'permit' : 'deny', rule },
      ]),
    ),
  };
};
