import type { Indexed, Resource } from './fhir.ts';

export const searchable = [
  'DiagnosticReport',
  'Observation',
  'Specimen',
  'ServiceRequest',
  'PractitionerRole',
] as const;
export type Searchable = (typeof searchable)[number];

const includes = {
  'DiagnosticReport:specimen': 'specimen',
  'DiagnosticReport:based-on': 'basedOn',
  'ServiceRequest:requester': 'requester',
} as const;
const parameters = ['_id', '_count', '_skip', 'date', '_tag', '_include', '_include:iterate'];
/** Neither number is documented. */
const usualCount = 50;
const mostCount = 500;

export type Search = {
  ids: string[][];
  dates: { prefix: string; value: string }[];
  tags: string[][];
  include: string[];
  iterate: string[];
  count: number;
  skip: number;
};

const whole = (text: string | null, usual: number, least: number): number | null => {
  if (text === null) return usual;
  return /^\d{1,6}$/.test(text) && Number(text) >= least ? Number(text) : null;
};

/** Form -> search, or what is wrong with it, by parameter name only. */
export const readSearch = (searched: Searchable, body: string): { search: Search } | { wrong: string } => {
  const form = new URLSearchParams(body);
  const unknown = [...form.keys()].some((name) => !parameters.includes(name));
  if (unknown) return { wrong: 'Unknown search parameter' };
  const dates = form.getAll('date').map((text) => {
    const [, prefix = 'eq', value] =
      text.match(/^(eq|gt|lt|ge|le)?(\d{4}(?:-\d{2}(?:-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?)?)?)$/) ?? [];
    return value ? { prefix, value } : null;
  });
  if (dates.includes(null)) return { wrong: 'date' };
  const include = form.getAll('_include');
  const iterate = form.getAll('_include:iterate');
  const known = (name: string) => name.startsWith('DiagnosticReport:') && name in includes;
  if (searched !== 'DiagnosticReport' && include.length + iterate.length > 0) return { wrong: '_include' };
  if (!include.every(known) || !iterate.every((name) => name === 'ServiceRequest:requester'))
    return { wrong: '_include' };
  const count = whole(form.get('_count'), usualCount, 1);
  const skip = whole(form.get('_skip'), 0, 0);
  if (count === null || skip === null) return { wrong: count === null ? '_count' : '_skip' };
  const anyOf = (name: string) => form.getAll(name).map((text) => text.split(','));
  return {
    search: {
      ids: anyOf('_id'),
      dates: dates.filter((date) => date !== null),
      tags: anyOf('_tag'),
      include,
      iterate,
      count: Math.min(count, mostCount),
      skip,
    },
  };
};

/** A date without time is compared with the day as written; with time, the instants are. */
const compared = (dated: string, value: string): number => {
  if (value.includes('T')) return Math.sign(Date.parse(dated) - Date.parse(value));
  const day = dated.slice(0, value.length);
  return day === value ? 0 : day > value ? 1 : -1;
};
const holds: Record<string, (order: number) => boolean> = {
  eq: (order) => order === 0,
  gt: (order) => order > 0,
  lt: (order) => order < 0,
  ge: (order) => order >= 0,
  le: (order) => order <= 0,
};

const hasTag = ({ tags }: Indexed, wanted: string): boolean => {
  const [system, code] = wanted.includes('|') ? (wanted.split('|') as [string, string]) : [null, wanted];
  return tags.some((tag) => tag.code === code && (system === null || tag.system === system));
};

/** Values of one parameter are «or», repeated parameters are «and», as in FHIR. */
const matches = (item: Indexed, { ids, dates, tags }: Search): boolean =>
  ids.every((any) => any.includes(item.resource.id)) &&
  dates.every(({ prefix, value }) => item.dated !== null && holds[prefix]!(compared(item.dated, value))) &&
  tags.every((any) => any.some((wanted) => hasTag(item, wanted)));

const referred = (resource: Resource, member: string): string[] =>
  [resource[member] ?? []].flat().map((it) => (it as { reference: string }).reference);

const follow = (from: readonly Resource[], names: readonly string[], all: ReadonlyMap<string, Resource>): Resource[] =>
  names.flatMap((name) => {
    const [type] = name.split(':');
    const member = includes[name as keyof typeof includes];
    return from
      .filter(({ resourceType }) => resourceType === type)
      .flatMap((resource) => referred(resource, member))
      .flatMap((reference) => all.get(reference) ?? []);
  });

/** One page of hits, newest first, and what they include. `total` is the full count; `next` when more follows. */
export const runSearch = (searched: Searchable, search: Search, held: readonly Indexed[], url: string) => {
  const hits = held
    .filter((item) => item.resource.resourceType === searched && matches(item, search))
    .sort((a, b) => Date.parse(b.dated ?? '') - Date.parse(a.dated ?? '') || 0);
  const page = hits.slice(search.skip, search.skip + search.count).map(({ resource }) => resource);
  const all = new Map(held.map(({ resource }) => [`${resource.resourceType}/${resource.id}`, resource]));
  const included = follow(page, search.include, all);
  const iterated = follow(included, search.iterate, all);
  const next = search.skip + search.count;
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    total: hits.length,
    link: [
      { relation: 'self', url },
      ...(next < hits.length ? [{ relation: 'next', url: `${url}?_count=${search.count}&_skip=${next}` }] : []),
    ],
    entry: [
      ...page.map((resource) => ({ search: { mode: 'match' }, resource })),
      ...[...new Set([...included, ...iterated])].map((resource) => ({ search: { mode: 'include' }, resource })),
    ],
  };
};
