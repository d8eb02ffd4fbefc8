import { type Program, startProgram } from '../processes.ts';
import { measureInTurn, type Row, rowsOf, type Subject, warm } from '../subjects.ts';
import { query } from './data.ts';

/** The shop: a generic federation question over HTTP subgraphs, by each gateway. */
export const genericNames = {
  native: "Kilde's engine, native planner",
  apollo: "Kilde's engine, Apollo's planner",
  stock: 'stock Apollo',
  hive: 'Hive Gateway (native planner)',
  mercurius: 'Mercurius',
} as const;
export type GenericResults = { rows: (Row & { callsPerRequest: number })[]; answerBytes: number };

const files: Record<keyof typeof genericNames, [file: string, env: Record<string, string>]> = {
  native: ['generic/open.ts', { PLANNER: 'native' }],
  apollo: ['generic/open.ts', { PLANNER: 'apollo' }],
  stock: ['stock.ts', {}],
  hive: ['peers/hive.ts', {}],
  mercurius: ['peers/mercurius/mercurius.ts', {}],
};

export const runGeneric = async (
  { rounds, seconds, warmUpSeconds }: { rounds: number; seconds: number; warmUpSeconds: number },
  isWanted: (subject: keyof typeof genericNames) => boolean,
): Promise<GenericResults> => {
  const started: Program[] = [];
  try {
    const subgraphs = await startProgram('generic/subgraphs.ts', {});
    started.push(subgraphs);
    const sdl = await subgraphs.ask<string>('supergraph');
    const services = JSON.stringify(await subgraphs.ask('services'));
    const subjects: Subject[] = [];
    for (const key of Object.keys(files) as (keyof typeof files)[]) {
      if (!isWanted(key)) continue;
      const [file, env] = files[key];
      const program = await startProgram(file, { ...env, SUPERGRAPH_SDL: sdl, SERVICES: services });
      started.unshift(program);
      subjects.push({ name: genericNames[key], url: await program.ask<string>('url'), programs: [program] });
    }
    const headers = { 'content-type': 'application/json' };
    const question = { headers, body: JSON.stringify({ query }) };
    const calls = new Map<string, number>();
    const answers = new Map<string, string>();
    for (const { name, url } of subjects) {
      const ask = async () => (await fetch(url, { method: 'POST', ...question })).text();
      await ask();
      await subgraphs.ask('takeCalls');
      const { data, errors } = JSON.parse(await ask()) as { data: unknown; errors?: unknown };
      if (errors) throw new Error(`${name} answered with errors: ${JSON.stringify(errors).slice(0, 300)}`);
      calls.set(name, await subgraphs.ask<number>('takeCalls'));
      answers.set(name, JSON.stringify(data));
    }
    const [first = ''] = answers.values();
    for (const [name, answer] of answers) if (answer !== first) throw new Error(`${name} answers something else`);
    const load = { callers: [async () => headers], body: question.body };
    await warm(subjects, load, warmUpSeconds / 3); // five times as many requests in the time as of the summary
    const measured = await measureInTurn(subjects, load, { connections: 16 }, { rounds, seconds });
    const rows = rowsOf(measured, genericNames.native).map((row) => ({
      ...row,
      callsPerRequest: calls.get(row.subject) ?? 0,
    }));
    return { rows, answerBytes: Buffer.byteLength(first) };
  } finally {
    for (const program of started) await program.stop();
  }
};
