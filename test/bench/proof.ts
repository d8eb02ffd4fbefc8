import { factsOf, missingFrom } from './facts.ts';
import type { Caller } from './measure.ts';
import type { Program } from './processes.ts';
import type { Subject } from './subjects.ts';

/** What was asked of whom: source -> calls, as the upstreams note them. */
export type Calls = Record<string, string[]>;
export type Proof = {
  /** Leaves of the answer that were the same in both. */
  facts: number;
  answerBytes: Record<string, number>;
  /** Calls of one request by source, when the person is remembered. */
  calls: { source: string; kilde: number; byHand: number }[];
};

/** Kilde's own upkeep, which the hand-written program has none of: access log, person index. */
export const ownDatabase = "Kilde's own database (SQL)";

type Question = { caller: Caller; body: string };

const askOnce = async ({ name, url }: Subject, { caller, body }: Question, upstreams: Program) => {
  await upstreams.ask('takeCalls');
  const response = await fetch(url, { method: 'POST', headers: await caller(url), body });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${name} answered ${response.status}: ${text.slice(0, 300)}`);
  const { data } = JSON.parse(text) as { data: unknown };
  return { facts: factsOf(data), bytes: Buffer.byteLength(text), calls: await upstreams.ask<Calls>('takeCalls') };
};

const same = (what: string, kilde: readonly string[], byHand: readonly string[]): void => {
  const onlyKilde = missingFrom(kilde, byHand);
  const onlyByHand = missingFrom(byHand, kilde);
  if (onlyKilde.length + onlyByHand.length === 0) return;
  const show = (all: string[]) => all.map((it) => `\n    ${it}`).join('');
  throw new Error(`${what} differ\n  only Kilde:${show(onlyKilde)}\n  only the other:${show(onlyByHand)}`);
};

type Asked = Awaited<ReturnType<typeof askOnce>>;
const sameCalls = (one: Asked, other: Asked): string[] => {
  const sources = Object.keys(one.calls).filter((source) => source !== ownDatabase);
  for (const source of sources) same(`Calls to ${source}`, one.calls[source]!, other.calls[source]!);
  return sources;
};

/** One request to each: the same calls upstream. For what asks and does not answer. @throws with what differs */
export const proveSameCalls = async (kilde: Subject, other: Subject, question: Question, upstreams: Program) => {
  await askOnce(other, question, upstreams); // whoever has forgotten the person looks them up
  sameCalls(await askOnce(kilde, question, upstreams), await askOnce(other, question, upstreams));
};

/**
 * One request to each: the same facts in the answers, and the same calls upstream, headers and bodies included.
 *
 * @throws with what differs
 */
export const prove = async (
  kilde: Subject,
  byHand: Subject,
  question: Question,
  upstreams: Program,
): Promise<Proof> => {
  const one = await askOnce(kilde, question, upstreams);
  const other = await askOnce(byHand, question, upstreams);
  same('The facts of the answers', one.facts, other.facts);
  const sources = sameCalls(one, other);
  return {
    facts: one.facts.length,
    answerBytes: { [kilde.name]: one.bytes, [byHand.name]: other.bytes },
    calls: [...sources, ownDatabase].map((source) => ({
      source,
      kilde: one.calls[source]!.length,
      byHand: other.calls[source]!.length,
    })),
  };
};
