export type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value of its own. Objects have no prototype, so a member called `__proto__` is a member like any other. */
export const copy = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(copy);
  if (!isObject(value)) return value;
  const result: JsonObject = Object.create(null);
  for (const key of Object.keys(value)) result[key] = copy(value[key] as Json);
  return result;
};

/** What is there and what came as one value: objects member by member, lists of equal length item by item. */
const merged = (present: Json | undefined, came: Json, interfaces: ReadonlySet<string>): Json => {
  if (present === undefined || present === null) return copy(came);
  if (isObject(present) && isObject(came)) return mergeInto(present, came, interfaces);
  if (Array.isArray(present) && Array.isArray(came) && present.length === came.length) {
    for (const [i, item] of came.entries()) present[i] = merged(present[i], item, interfaces);
  }
  return present;
};

/**
 * Adds what one fetch brought to what is there. What is there stays, but for two things: `null`, which another subgraph
 * may know better, and the name of an interface as `__typename`, which gives way to the object's own type.
 *
 * @param target made by {@link copy} or without a prototype
 */
export const mergeInto = (target: JsonObject, source: JsonObject, interfaces: ReadonlySet<string>): JsonObject => {
  for (const key of Object.keys(source)) {
    const present = target[key];
    const came = source[key] as Json;
    if (key === '__typename' && typeof present === 'string' && interfaces.has(present)) target[key] = came;
    else target[key] = merged(present, came, interfaces);
  }
  return target;
};
