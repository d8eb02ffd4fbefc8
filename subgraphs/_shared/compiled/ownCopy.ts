/**
 * The value without a reference to anything that somebody else holds. Objects with a class of their own (a `Date`) are
 * values, and stay as they are.
 */
export const ownCopy = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ownCopy);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, ownCopy(it)])); // `__proto__` stays a key
};
