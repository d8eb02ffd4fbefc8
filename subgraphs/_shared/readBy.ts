import type * as z from 'zod';

/** A value of the shape, or where it breaks it: paths, never what it held. */
export type Read<T> = { ok: true; value: T } | { ok: false; paths: string[] };

type Shape = z.core.$ZodType;

/** Thrown for a shape that does more than check and fill in: zod reads it. */
const notInPlace = new Error('not in place');

/** A check of a string or number beyond its type: zod's own. */
const passes = (shape: Shape, value: unknown): boolean => {
  const read = shape._zod.run({ value, issues: [] }, { async: false });
  return !(read instanceof Promise) && read.issues.length === 0 && read.value === value;
};

/** Writes a shape as statements that `return false` where a value does not fit. */
const createWriter = () => {
  const constants: unknown[] = []; // what the statements refer to: no text of a value becomes code
  const functions: string[] = [];
  const names = new Map<Shape, string>();
  const constant = (value: unknown): string => `constants[${constants.push(value) - 1}]`;

  /** A function for each object, array and union, so that one used in many places is written once, and may hold itself. */
  const define = (shape: Shape, statements: () => string): string => {
    const known = names.get(shape);
    if (known) return known;
    const name = `fits${names.size}`;
    names.set(shape, name);
    functions.push(`const ${name} = (it) => { ${statements()} return true; };`);
    return name;
  };

  /** @param value what is checked; `place`: where it lies, for a default to be put there */
  const write = (anyShape: Shape, value: string, place: string): string => {
    const shape = anyShape as z.core.$ZodTypes;
    const { def } = shape._zod;
    const refuse = (condition: string) => `if (${condition}) return false;`;
    const refuseUnlessFits = (statements: () => string) => refuse(`!${define(shape, statements)}(${value})`);
    const isPlain = !def.checks?.length && !('format' in def);
    if (!isPlain && (def.type === 'string' || def.type === 'number'))
      return refuse(`!passes(${constant(shape)}, ${value})`);
    if (!isPlain) throw notInPlace;
    switch (def.type) {
      case 'custom':
        return refuse(`${value} === undefined || !${constant(def.fn)}(${value})`);
      case 'string':
        return refuse(`typeof ${value} !== 'string'`);
      case 'number':
        return refuse(`!Number.isFinite(${value})`);
      case 'boolean':
        return refuse(`typeof ${value} !== 'boolean'`);
      case 'unknown':
        return refuse(`${value} === undefined`);
      case 'literal':
      case 'enum':
        return refuse(`!${constant(shape._zod.values)}.has(${value})`);
      case 'optional':
        if (def.innerType._zod.optin === 'defaulted') return write(def.innerType, value, place);
        return `if (${value} !== undefined) { ${write(def.innerType, value, place)} }`;
      case 'nullable':
        return `if (${value} !== null) { ${write(def.innerType, value, place)} }`;
      case 'default': {
        const isEmptyList = Array.isArray(def.defaultValue) && def.defaultValue.length === 0;
        if (!isEmptyList && Object(def.defaultValue) === def.defaultValue) throw notInPlace; // would be shared
        const filled = isEmptyList ? '[]' : constant(def.defaultValue);
        return `if (${value} === undefined) ${place} = ${filled}; else { ${write(def.innerType, value, place)} }`;
      }
      case 'array':
        return refuseUnlessFits(
          () => `
            ${refuse('!Array.isArray(it)')}
            for (let i = 0; i < it.length; i++) { const item = it[i]; ${write(def.element, 'item', 'it[i]')} }`,
        );
      case 'object':
        if (def.catchall && def.catchall._zod.def.type !== 'unknown') throw notInPlace;
        return refuseUnlessFits(() =>
          [
            refuse(`typeof it !== 'object' || it === null || Array.isArray(it)`),
            ...Object.entries(def.shape).map(([name, member]) => {
              const at = `it[${JSON.stringify(name)}]`;
              return `{ const member = ${at}; ${write(member, 'member', at)} }`;
            }),
          ].join('\n'),
        );
      case 'union': {
        const { discriminator: tag, unionFallback } = (anyShape as z.core.$ZodDiscriminatedUnion)._zod.def;
        if (!tag || unionFallback) throw notInPlace; // options that have to be tried
        return refuseUnlessFits(() =>
          [
            refuse(`typeof it !== 'object' || it === null`),
            ...def.options.map((option) => {
              const tags = constant(option._zod.propValues?.[tag] ?? new Set());
              return `if (${tags}.has(it[${JSON.stringify(tag)}])) { ${write(option, 'it', '')} return true; }`;
            }),
            'return false;',
          ].join('\n'),
        );
      }
      case 'lazy':
        return write((anyShape as z.core.$ZodLazy)._zod.innerType, value, place);
      default:
        throw notInPlace;
    }
  };
  return { write, constants, functions };
};

/** `holder.value` fits the shape, and now holds its defaults; `null` for a shape that zod has to read. */
const compile = (shape: Shape): ((holder: { value: unknown }) => boolean) | null => {
  try {
    const { write, constants, functions } = createWriter();
    const statements = write(shape, 'value', 'holder.value');
    const source = `${functions.join('\n')}\nreturn (holder) => { const { value } = holder; ${statements} return true; };`;
    return new Function('constants', 'passes', source)(constants, passes);
  } catch (error) {
    if (error === notInPlace) return null;
    throw error;
  }
};

const compiled = new WeakMap<Shape, ReturnType<typeof compile>>();

/** Whether values of the shape are read where they lie. */
export const isReadInPlace = (shape: Shape): boolean => {
  if (!compiled.has(shape)) compiled.set(shape, compile(shape));
  return compiled.get(shape) !== null;
};

/**
 * Reads a value that nobody else holds, such as parsed JSON, by a zod shape: checked and given its defaults where it lies,
 * unlike `safeParse`, which copies all of it (a patient's 150 kB cost 2 ms that way, and 0.2 ms this way). What the
 * compiled check does not know to be right zod reads, so zod alone says what is wrong. Members that the shape does not
 * name stay on the value: whoever maps it takes what it knows by name.
 *
 * The check is compiled when a shape is first used: shapes are made once, not for each call.
 */
export const readBy = <T>(shape: z.ZodType<T>, value: unknown): Read<T> => {
  let check = compiled.get(shape);
  if (check === undefined) {
    check = compile(shape);
    compiled.set(shape, check);
  }
  const holder = { value };
  if (check?.(holder)) return { ok: true, value: holder.value as T };
  const read = shape.safeParse(holder.value);
  if (read.success) return { ok: true, value: read.data };
  return { ok: false, paths: read.error.issues.map(({ path }) => path.join('.')) };
};
