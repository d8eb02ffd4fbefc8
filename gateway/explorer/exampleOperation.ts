/** One entry of the explorer's gallery, as `GET /explorer/operations` gives it. */
export type ExampleOperation = {
  /** File name without its ending. */
  id: string;
  title: string;
  /** Whose need it meets, in one line. */
  for: string | null;
  /** Sandbox persona to sign in as. */
  persona: string | null;
  /** Sandbox patient: a synthetic national id, or the person's key. */
  patient: string | null;
  query: string;
  variables: Record<string, unknown>;
};

const setting = /^#\s*(title|for|persona|patient|variables):\s*(.*?)\s*$/;

/**
 * Reads an example: comment lines `# title: …`, `# for: …`, `# persona: …`, `# patient: …`, `# variables: {json}` before
 * the operation, which are taken out of the text. Throws when the variables are not a JSON object: a fault in the file.
 */
export const parseExample = (id: string, text: string): ExampleOperation => {
  const settings = new Map<string, string>();
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => !/^\s*(#.*)?$/.test(line));
  const query = lines.filter((line, index) => {
    const found = start === -1 || index < start ? setting.exec(line) : null;
    if (found) settings.set(found[1]!, found[2]!);
    return !found;
  });
  const variables: unknown = JSON.parse(settings.get('variables') || '{}');
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables))
    throw new Error(`the variables of the example ${id} are not a JSON object`);
  return {
    id,
    title: settings.get('title') ?? id,
    for: settings.get('for') ?? null,
    persona: settings.get('persona') ?? null,
    patient: settings.get('patient') ?? null,
    query: `${query.join('\n').trim()}\n`,
    variables: { ...variables },
  };
};
