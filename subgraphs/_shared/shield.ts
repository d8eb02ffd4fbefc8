import { createRequire } from 'node:module';
import type { GraphQLSchema } from 'graphql';
import { GraphQLError } from 'graphql';
import type * as Middleware from 'graphql-middleware';
import type * as Shield from 'graphql-shield';
import type { Category } from '../../schema/categories.ts';
import type { RequestContext } from './group.ts';

// Both from CommonJS: shield's middleware is recognised only by the copy of graphql-middleware that shield itself loads, and
// the ESM build of shield 7.6.5 imports `isUndefined` from node:util, which Node 24 no longer has; the CommonJS build works.
// Not re-exported on purpose: `chain` and `race` (deny everything on Node 24).
const require = createRequire(import.meta.url);
const { allow, deny, rule, shield } = require('graphql-shield') as typeof Shield;
const { applyMiddleware } = require('graphql-middleware') as typeof Middleware;

export { allow, deny };
/** Type -> rule for all of its fields, or field -> rule. */
export type Rules = Exclude<Parameters<typeof Shield.shield>[0], { resolve: unknown } | { getRules: unknown }>;

const notFound = new GraphQLError('Not found', {
  extensions: { code: 'NOT_FOUND' },
}); // a denial does not tell what exists

/**
 * The gateway's assertion permits this category, for this very patient. Not `contextual`: that would hand the first
 * patient's verdict to all the rest.
 */
export const mayRead = (category: Category) =>
  rule(`mayRead:${category}`, { cache: 'no_cache' })(
    ({ id }: { id: string }, _args: unknown, { assertion }: RequestContext) =>
      assertion.categories.includes(category) && assertion.patients.some((patient) => patient.id === id),
  );

/** The caller is a health professional or a system of the municipality: for registers that hold no patients. */
export const isStaff = rule('isStaff', { cache: 'no_cache' })(
  (_parent: unknown, _args: unknown, { assertion }: RequestContext) => assertion.caller.kind !== 'citizen',
);

/** How the gateway asks. Both stand behind the assertion, which `Subgraph.execute` cannot be called without. */
export const federationEntry = { _service: allow, _entities: allow };

/**
 * Puts the rules in front of the resolvers. What no rule names is denied; resolvers' own typed errors pass through.
 *
 * Types whose whole rule is `allow` stay unwrapped: the rule would say yes to each of their fields, and a wrapper on every
 * leaf costs more than the rest of the request. A type that nobody names is wrapped, and denied.
 */
export const withRules = (schema: GraphQLSchema, rules: Rules): GraphQLSchema => {
  const generated = shield(rules, {
    fallbackRule: deny,
    fallbackError: (thrown) => (thrown instanceof Error ? thrown : notFound),
  }).generate(schema);
  const guarded = Object.entries(generated).filter(([type]) => rules[type] !== allow);
  return applyMiddleware(schema, Object.fromEntries(guarded));
};
