import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A program of the benchmark in a process of its own, and the questions it answers. */
export type Program = {
  /** Rejects with the program's own words when it fails, or ends before it has answered. */
  ask<Answer>(question: string, argument?: unknown): Promise<Answer>;
  stop(): Promise<void>;
};

type Asked = { number: number; question: string; argument: unknown };
type Answered = { number: number; value: unknown; error?: string };
type Answers = Record<string, (argument: never) => unknown>;

/** The program's side: answers what its parent asks, and ends cleanly when the parent says so or is gone. */
export const answerParent = (answers: Answers, close: () => Promise<void>): void => {
  process.on('message', async ({ number, question, argument }: Asked) => {
    try {
      process.send?.({ number, value: await answers[question]!(argument as never) } satisfies Answered);
    } catch (error) {
      process.send?.({ number, value: null, error: String((error as Error).stack) } satisfies Answered);
    }
  });
  process.once('disconnect', () => close().finally(() => process.exit()));
  process.send?.('ready');
};

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

/** Starts `file` of this folder; resolves when it is ready. What it logs goes nowhere, what it complains of is shown. */
export const startProgram = async (file: string, env: Record<string, string>): Promise<Program> => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    execArgv: ['--max-semi-space-size=32'], // as `npm run gateway` runs; the same for every program
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
  });
  let last = 0;
  return {
    ask: <Answer>(question: string, argument?: unknown) =>
      new Promise<Answer>((resolve, reject) => {
        last += 1;
        const number = last;
        const onExit = () => reject(new Error(`${file} ended before it answered «${question}»`));
        const onMessage = (answered: Answered) => {
          if (answered.number !== number) return;
          child.off('message', onMessage);
          child.off('exit', onExit);
          if (answered.error === undefined) resolve(answered.value as Answer);
          else reject(new Error(`${file}, «${question}»: ${answered.error}`));
        };
        child.on('message', onMessage);
        child.once('exit', onExit);
        child.send({ number, question, argument } satisfies Asked);
      }),
    async stop() {
      if (child.connected) child.disconnect();
      await ended(child);
    },
  };
};
