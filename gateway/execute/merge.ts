export type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const copy = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(copy);
  return isObject(value) ? mergeInto(Object.create(null), value) : value;
};

/**
 * Adds what one fetch brought to what is there: objects member by member, lists of equal length item by item.
 * Targets have no prototype, so a member called `__proto__` is a member like any other.
 */
export const mergeInto = (target: JsonObject, source: JsonObject): JsonObject => {
  for (const [key, value] of Object.entries(source)) {
    const present = target[key];
    if (isObject(present) && isObject(value)) mergeInto(present, value);
    else if (Array.isArray(present) && Array.isArray(value) && present.length === value.length) {
      for (const [i, item] of value.entries()) {
        const there = present[i];
        if (isObject(there) && isObject(item)) mergeInto(there, item);
      }
    } else if (present === undefined || present === null) target[key] = copy(value);
  }
  return target;
};
