import type { GraphQLFormattedError } from 'graphql';
import { type Came, type Delivery, type Ending, valueAt } from './deliver.ts';
import type { PayloadFormat } from './negotiate.ts';
import type { ObjectPath, Part } from './split.ts';

type Payload = Record<string, unknown>;

export type Payloads = {
  /** What the first part says beside its data: more will come, and what. */
  begin(first: Delivery): Payload;
  next(delivery: Delivery): Payload;
  /** The last payload of a stream that cannot go on. */
  end(ending: Ending): Payload;
};

const said = (errors: readonly GraphQLFormattedError[]) => (errors.length > 0 ? { errors } : {});

const startsWith = (path: ObjectPath, start: ObjectPath): boolean => start.every((key, i) => path[i] === key);

const named = ({ path, label }: Part) => ({ path, ...(label === null ? {} : { label }) });

const legacy: () => Payloads = () => ({
  begin: () => ({ hasNext: true }),
  next: ({ came, isLast, extensions }) => ({
    incremental: came.map(({ part, data, errors }) => ({
      ...named(part),
      data: valueAt(data, part.path),
      ...said(errors),
    })),
    extensions,
    hasNext: !isLast,
  }),
  end: ({ unanswered, error }) => ({
    incremental: unanswered.map((part) => ({
      ...named(part),
      data: null,
      errors: [{ ...error, path: part.path }],
    })),
    hasNext: false,
  }),
});

/**
 * In the current format data are set beside what is there, and an object that is there already is named by `subPath`: clients
 * need not look into it to put the two together.
 */
const current = (): Payloads => {
  const given = new Set<string>();
  const keyOf = (path: ObjectPath) => path.join('\0');
  const note = ({ part, data }: Came) => {
    for (const { path } of part.places) if (valueAt(data, path)) given.add(keyOf(path));
  };

  /** One entry for each object that was there before; what is new stands inside them. */
  const incremental = ({ part, data, errors }: Came): Payload[] => {
    const places = part.places.map(({ path }) => path).filter((path) => startsWith(path, part.path));
    const old = places.filter((path) => valueAt(data, path) && (path === places[0] || given.has(keyOf(path))));
    const entries = old.map((path): Payload & { data: object } => {
      const keys = old.filter((it) => it.length === path.length + 1 && startsWith(it, path)).map((it) => it.at(-1));
      const fields = Object.entries(valueAt(data, path) ?? {}).filter(([key]) => !keys.includes(key));
      const subPath = path.slice(part.path.length);
      return { id: part.id, ...(subPath.length > 0 ? { subPath } : {}), data: Object.fromEntries(fields) };
    });
    const [first = { id: part.id, data: {} }, ...others] = entries.filter((it) => Object.keys(it.data).length > 0);
    return [{ ...first, ...said(errors) }, ...others];
  };

  const pending = (parts: readonly Part[]) =>
    parts.length > 0 ? { pending: parts.map((part) => ({ id: part.id, ...named(part) })) } : {};

  return {
    begin: (first) => {
      first.came.forEach(note);
      return { ...pending(first.promised), hasNext: true };
    },
    next: ({ came, promised, isLast, extensions }) => {
      const isWhole = ({ part, data }: Came) => valueAt(data, part.path) !== null;
      const data = came.filter(isWhole).flatMap((it) => {
        const entries = incremental(it);
        note(it);
        return entries;
      });
      return {
        ...pending(promised),
        ...(data.length > 0 ? { incremental: data } : {}),
        completed: came.map((it) => ({ id: it.part.id, ...(isWhole(it) ? {} : said(it.errors)) })),
        extensions,
        hasNext: !isLast,
      };
    },
    end: ({ unanswered, error }) => ({
      completed: unanswered.map(({ id, path }) => ({ id, errors: [{ ...error, path }] })),
      hasNext: false,
    }),
  };
};

/** Puts deliveries into the form that a client reads. One for each answer: it knows what it has given. */
export const createPayloads = (format: PayloadFormat): Payloads => (format === 'current' ? current() : legacy());
