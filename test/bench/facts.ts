/**
 * Every fact of an answer as `path=value`. Cursors are each program's own: of them only that there is one is a fact.
 *
 * @param data the answer's `data`
 */
export const factsOf = (data: unknown, path = ''): string[] => {
  if (Array.isArray(data))
    return [`${path}.length=${data.length}`, ...data.flatMap((it, i) => factsOf(it, `${path}[${i}]`))];
  if (typeof data === 'object' && data !== null)
    return Object.entries(data).flatMap(([key, value]) => factsOf(value, path ? `${path}.${key}` : key));
  const value = path.endsWith('endCursor') ? data !== null : data;
  return [`${path}=${JSON.stringify(value)}`];
};

/** What one has and the other lacks, each as often as it is missing. */
export const missingFrom = (one: readonly string[], other: readonly string[]): string[] => {
  const left = new Map<string, number>();
  for (const it of other) left.set(it, (left.get(it) ?? 0) + 1);
  return one.filter((it) => {
    const count = left.get(it) ?? 0;
    left.set(it, count - 1);
    return count <= 0;
  });
};
