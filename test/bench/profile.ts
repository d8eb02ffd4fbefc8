import { type Profiler, Session } from 'node:inspector/promises';

/** Share of a process's busy time, in per cent. `own`: in the code itself; `whole`: with what it called, as far as the stack tells. */
export type Cost = { name: string; own: number; whole: number };
export type Costs = { parts: Cost[]; functions: Cost[] };

type Node = Profiler.ProfileNode;
const root = new URL('../../', import.meta.url).href;

/** `@apollo/server`, `node:internal/crypto`, `gateway/execute`: the package, or the folder in this repository. */
const partOf = (url: string): string => {
  const [, installed] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  if (installed) return installed;
  return url.startsWith(root) ? url.slice(root.length).split('/').slice(0, 2).join('/') : url;
};

/** V8's and C++'s own functions have no file, and are put down to whoever called them. */
const readPlaces = (nodes: readonly Node[]) => {
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const placeOf = (node: Node): { part: string; name: string } => {
    const { url, functionName } = node.callFrame;
    const name = functionName || 'anonymous';
    if (url !== '') return { part: partOf(url), name: `${name} (${partOf(url)})` };
    const parent = parents.get(node.id);
    if (name.startsWith('(') || !parent) return { part: name, name };
    const { part } = placeOf(parent);
    return { part, name: `native ${name} (${part})` };
  };
  const stackOf = (node: Node): Node[] => {
    const parent = parents.get(node.id);
    return parent ? [node, ...stackOf(parent)] : [];
  };
  return new Map(
    nodes.map((node) => {
      const stack = stackOf(node).map(placeOf);
      const parts = new Set(stack.map(({ part }) => part));
      const names = new Set(stack.map(({ name }) => name));
      return [node.id, { ...placeOf(node), parts, names }] as const;
    }),
  );
};

const createRanking = () => {
  const spent = new Map<string, Cost>();
  const of = (name: string): Cost => {
    const known = spent.get(name) ?? { name, own: 0, whole: 0 };
    spent.set(name, known);
    return known;
  };
  return {
    add(own: string, whole: Iterable<string>, amount: number) {
      of(own).own += amount;
      for (const name of whole) of(name).whole += amount;
    },
    top: (count: number, total: number): Cost[] =>
      [...spent.values()]
        .sort((one, other) => other.own - one.own)
        .slice(0, count)
        .map(({ name, own, whole }) => ({ name, own: (100 * own) / total, whole: (100 * whole) / total })),
  };
};

export const summarise = ({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, count: number): Costs => {
  const places = readPlaces(nodes);
  const parts = createRanking();
  const functions = createRanking();
  let total = 0;
  for (const [index, id] of samples.entries()) {
    const place = places.get(id)!;
    if (place.name === '(idle)') continue;
    const spent = Math.max(0, timeDeltas[index + 1] ?? 0);
    total += spent;
    parts.add(place.part, place.parts, spent);
    functions.add(place.name, place.names, spent);
  }
  return { parts: parts.top(count, total), functions: functions.top(count, total) };
};

/** V8's own sampling profiler, on and off while the process runs, so that starting up is not in it. */
export const createProfiler = () => {
  const session = new Session();
  return {
    async startProfile() {
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: 500 });
      await session.post('Profiler.start');
    },
    async stopProfile(): Promise<Profiler.Profile> {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return profile;
    },
  };
};
