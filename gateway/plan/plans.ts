import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Category } from '../../schema/categories.ts';
import type { Plan, Planner } from './planner.ts';
import { isPermitted, prune } from './prune.ts';
import type { SchemaFacts } from './supergraph.ts';

export type PlannedOperation = {
  document: DocumentNode;
  /** The one of its operations that is asked for. */
  operation: OperationDefinitionNode;
  /** SHA-256 of the document's text; the key of what is kept for it. */
  hash: string;
};

/** Whether a category is permitted, as far as a plan depends on it. */
export type Grants = (category: Category) => boolean;

export type Plans = {
  /**
   * The plan of what of an operation is permitted.
   *
   * @returns `categories` of all that it asks for, given or not: the access log says both
   */
  planFor(asked: PlannedOperation, grants: Grants): { plan: Plan; categories: ReadonlySet<Category> };
  /** The sets of permitted categories that plans were made for, so that those who come next can be ready for them. */
  seen(): readonly ReadonlySet<Category>[];
};

export type PlansOptions = {
  schema: GraphQLSchema;
  facts: SchemaFacts;
  planner: Planner;
  /** Milliseconds that planning a document may take. */
  budgetFor(hash: string): number;
  /** Plans kept. */
  max?: number;
};

const mostSeen = 64;

/** The plans of one schema, kept by document and by what is permitted of the categories that the document is about. */
export const createPlans = ({ schema, facts, planner, budgetFor, max = 2_000 }: PlansOptions): Plans => {
  const categoriesOf = new LRUCache<string, ReadonlySet<Category>>({ max });
  const plans = new LRUCache<string, Plan>({ max });
  const seen = new LRUCache<string, ReadonlySet<Category>>({ max: mostSeen });

  const readCategories = ({ document, operation }: PlannedOperation): ReadonlySet<Category> => {
    const found = new Set<Category>();
    prune(document, operation, schema, (coordinate) => {
      for (const category of facts.classesOf(coordinate).flat(2)) found.add(category);
      return true;
    });
    return new Set([...found].sort());
  };

  return {
    planFor: (asked, grants) => {
      const key = `${asked.hash}/${asked.operation.name?.value ?? ''}`;
      const categories = categoriesOf.get(key) ?? readCategories(asked);
      categoriesOf.set(key, categories);
      const permitted = new Set([...categories].filter(grants));
      const vector = [...permitted].join();
      const known = plans.get(`${key}/${vector}`);
      if (known) return { plan: known, categories };
      const everything = new Set(facts.categories.filter(grants));
      seen.set([...everything].join(), everything);
      const given = prune(asked.document, asked.operation, schema, (it) => isPermitted(facts, grants, it));
      const plan = planner.plan(given, undefined, budgetFor(asked.hash));
      plans.set(`${key}/${vector}`, plan);
      return { plan, categories };
    },
    seen: () => [...seen.values()],
  };
};
