export type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A member of its own. Answers are ordinary objects, made by `JSON.parse` or a resolver, and their members are named by
 * clients: one called `constructor` or `__proto__` that did not come must not be found on the prototype.
 */
export const member = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

/** Makes `key` a member like any other, whatever it is called: an assignment to `__proto__` would change the prototype. */
export const put = <T>(object: Record<string, T>, key: string, value: T): void => {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else object[key] = value;
};

/** A value of its own, to be changed without changing the other. */
export const copy = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(copy);
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) put(result, key, copy(value[key] as Json));
  return result;
};

/** What is there and what came as one value: objects member by member, lists of equal length item by item. */
const merged = (present: Json | undefined, came: Json, interfaces: ReadonlySet<string>): Json => {
  if (present === undefined || present === null) return came;
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
 * @param source becomes part of `target` and belongs to it from then on
 */
export const mergeInto = (target: JsonObject, source: JsonObject, interfaces: ReadonlySet<string>): JsonObject => {
  for (const key of Object.keys(source)) {
    const present = member(target, key);
    const came = source[key] as Json;
    if (key === '__typename' && typeof present === 'string' && interfaces.has(present)) target[key] = came;
    else put(target, key, merged(present, came, interfaces));
  }
  return target;
};
