import { LRUCache } from 'lru-cache';
import { accessBasisFor, type Caller, roles } from '../../schema/caller.ts';
import type { Category, CategoryDecision } from '../../schema/categories.ts';
import type { PrivacySetting } from '../../schema/privacySetting.ts';
import {
  type AbsenceCode,
  type AccessBasis,
  absenceCodes,
  type ElevatedBasis,
  type SourceName,
} from '../../schema/sources.ts';
import type { Policies, Uid, Verdict } from './cedar.ts';
import { ageAt, type PersonFacts } from './person.ts';

export type Decision = {
  /** Whether the caller may know that this person exists for Kilde. When not, the answer is that of an unknown person. */
  mayKnow: boolean;
  rule: string;
  categories: ReadonlyMap<Category, CategoryDecision>;
};

/** What decisions need of the schema in force. */
export type Asked = {
  categories: readonly Category[];
  /** Sources that give a category. */
  sourcesOf(category: Category): ReadonlySet<SourceName>;
};

type Facts = {
  relation: 'attested' | 'self' | 'parent' | 'none';
  purpose: string;
  accessBasis: AccessBasis;
  age: number;
  deceased: boolean;
  addressProtected: boolean;
  blocked: boolean;
};

const caller: Record<Caller['kind'], Uid> = {
  professional: { type: 'Kilde::Professional', id: 'caller' },
  citizen: { type: 'Kilde::Citizen', id: 'caller' },
  system: { type: 'Kilde::System', id: 'caller' },
};
const patient: Uid = { type: 'Kilde::Patient', id: 'patient' };

const relationTo = (who: Caller, person: PersonFacts): Facts['relation'] => {
  if (who.kind === 'system') return 'none';
  if (who.kind === 'citizen') {
    if (person.nins.includes(who.nin)) return 'self';
    return person.responsible.includes(who.nin) ? 'parent' : 'none';
  }
  return who.attest?.patient && person.nins.includes(who.attest.patient) ? 'attested' : 'none';
};

const purposeOf = (who: Caller) => (who.kind === 'professional' ? (who.attest?.purpose ?? null) : null);

const factsOf = (who: Caller, person: PersonFacts, today: string, elevated: ElevatedBasis | null): Facts => ({
  relation: relationTo(who, person),
  purpose: purposeOf(who) ?? '',
  accessBasis: elevated ?? accessBasisFor(purposeOf(who)),
  age: ageAt(person.birthDate, today) ?? -1,
  deceased: person.deceased,
  addressProtected: person.addressProtection !== 'Unclassified',
  blocked:
    who.kind === 'professional' &&
    who.hprNumber !== null &&
    person.settings.some(({ type, source, scope }) => type === 'block' && source === '*' && scope === who.hprNumber),
});

/** Whether a setting is about the whole of a category. Finer ones, such as a period, are for those who see the records. */
const covers = ({ source, scope }: PrivacySetting, category: Category, sources: ReadonlySet<SourceName>): boolean =>
  (source === '*' || sources.has(source)) && (scope === null || scope === category);

const isAbsenceCode = (text: string | undefined): text is AbsenceCode => absenceCodes.includes(text as AbsenceCode);

const toDecision = (
  category: Category,
  { permitted, rule, annotations }: Verdict,
  { accessBasis }: Facts,
): CategoryDecision => {
  const { absence, opens } = annotations;
  const elevated: AccessBasis = accessBasis === 'AKUTT' ? 'FORHOYET_AKUTT' : 'FORHOYET_SAMTYKKE';
  return {
    category,
    effect: permitted ? 'permit' : opens ? 'restricted' : 'deny',
    rule,
    absence: isAbsenceCode(absence) ? absence : 'NO_ACCESS',
    requires: !permitted && opens ? elevated : null,
  };
};

const decideBy = (
  policies: Policies,
  who: Caller,
  facts: Facts,
  { categories, sourcesOf }: Asked,
  settings: readonly PrivacySetting[],
): Decision => {
  const principal = caller[who.kind];
  const memberOf = who.kind === 'professional' ? [{ type: 'Kilde::Role', id: who.role }] : [];
  const ask = (action: 'know' | 'read', resource: Uid, reserved: boolean, restricted: boolean) =>
    policies.ask({ principal, memberOf, action, resource, context: { ...facts, reserved, restricted } });
  const know = ask('know', patient, false, false);
  const decisions = categories.map((category): [Category, CategoryDecision] => {
    const about = settings.filter((setting) => covers(setting, category, sourcesOf(category)));
    const has = (type: PrivacySetting['type']) => about.some((setting) => setting.type === type);
    const verdict = ask('read', { type: 'Kilde::Category', id: category }, has('reservation'), has('restriction'));
    return [category, toDecision(category, verdict, facts)];
  });
  return { mayKnow: know.permitted, rule: know.rule, categories: new Map(decisions) };
};

const mostRemembered = 5_000;

/** Somebody without anything of their own, for what a role gives at most. */
const nobody: Omit<Facts, 'relation' | 'purpose' | 'accessBasis'> = {
  age: -1,
  deceased: false,
  addressProtected: false,
  blocked: false,
};

/** Those who ask: every role, citizens for themselves, and parents of children of each age that makes a difference. */
const usual = [
  ...roles.map((role) => ({
    principal: caller.professional,
    memberOf: [{ type: 'Kilde::Role', id: role }],
    facts: { relation: 'attested' },
  })),
  { principal: caller.citizen, memberOf: [], facts: { relation: 'self' } },
  ...[5, 13].map((age) => ({ principal: caller.citizen, memberOf: [], facts: { relation: 'parent', age } })),
];

/**
 * Decisions about people who have set nothing, which is nearly everybody: then the facts, of which few differ, say all of
 * it. Remembered for one schema, and nothing in them is about anybody.
 */
const createMemory = () => {
  const bySchema = new WeakMap<Asked, LRUCache<string, Decision>>();
  return (who: Caller, facts: Facts, asked: Asked, decide: () => Decision): Decision => {
    const known = bySchema.get(asked) ?? new LRUCache<string, Decision>({ max: mostRemembered });
    bySchema.set(asked, known);
    const key = JSON.stringify([who.kind, who.role, facts]);
    const decision = known.get(key) ?? decide();
    known.set(key, decision);
    return decision;
  };
};

/** Decisions by the policies. Nothing is permitted that no policy permits. */
export const createPolicy = (policies: Policies) => {
  const remember = createMemory();
  const decideFor = (who: Caller, facts: Facts, asked: Asked, settings: readonly PrivacySetting[]): Decision => {
    const decision = decideBy(policies, who, facts, asked, settings);
    if (decision.mayKnow) return decision;
    // Who may not know of the person may not learn from a category either, whatever it says by itself.
    return {
      ...decision,
      categories: new Map([...decision.categories].map(([key, it]) => [key, denied(it, decision)])),
    };
  };
  return {
    /**
     * The decision for each category about one person.
     *
     * @param today ISO 8601 date; ages are computed from the register's birth date on this day
     * @param elevated the basis in place of the ordinary one; whether the caller may state it has been judged before
     */
    decide: (
      who: Caller,
      person: PersonFacts,
      asked: Asked,
      today: string,
      elevated: ElevatedBasis | null = null,
    ): Decision => {
      const facts = factsOf(who, person, today, elevated);
      const { settings } = person;
      const decide = () => decideFor(who, facts, asked, settings);
      return settings.length > 0 ? decide() : remember(who, facts, asked, decide);
    },
    /** What the caller's role gives at most, when the operation is about no patient. */
    decideAtMost: (who: Caller, asked: Asked): Decision => {
      const relation = { professional: 'attested', citizen: 'self', system: 'none' } as const;
      const facts: Facts = {
        ...nobody,
        relation: relation[who.kind],
        purpose: purposeOf(who) ?? '',
        accessBasis: accessBasisFor(purposeOf(who)),
      };
      return { ...decideBy(policies, who, facts, asked, []), mayKnow: false };
    },
    /** Sets of categories that are permitted where a patient has restricted nothing: what plans can be made for beforehand. */
    usualGrants: (categories: readonly Category[]): readonly ReadonlySet<Category>[] =>
      usual.map(({ principal, memberOf, facts }) => {
        const context = {
          ...nobody,
          purpose: '',
          accessBasis: 'SAMTYKKE',
          ...facts,
          reserved: false,
          restricted: false,
        };
        const isGiven = (category: Category) =>
          policies.ask({
            principal,
            memberOf,
            action: 'read',
            resource: { type: 'Kilde::Category', id: category },
            context,
          }).permitted;
        return new Set(categories.filter(isGiven));
      }),
  };
};
export type Policy = ReturnType<typeof createPolicy>;

const denied = (decision: CategoryDecision, { rule }: Decision): CategoryDecision => ({
  ...decision,
  effect: 'deny',
  rule,
  absence: 'NO_ACCESS',
  requires: null,
});
