import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { log } from '../log.ts';
import { requestError } from '../operation/errors.ts';
import type { PlannerName, RawPlan } from './maker.ts';

export type ToChild = { supergraphSdl: string; planner: PlannerName } | { text: string };
export type FromChild =
  | { kind: 'ready' }
  | { kind: 'plan'; plan: RawPlan }
  /** The planner's own words; they may quote the document, so they never leave the gateway. */
  | { kind: 'failed'; reason: string };

type Job = {
  text: string;
  budgetMs: number;
  resolve(plan: RawPlan): void;
  reject(error: Error): void;
};

export type PlanningProcess = {
  /** Rejects when no planner can be made of the supergraph. */
  ready: Promise<void>;
  /**
   * One at a time, in the order asked for.
   *
   * @param budgetMs from when the planner takes it up
   * @throws GraphQLError LIMIT_EXCEEDED for what takes longer or brings the planner down, OVERLOADED when too many wait;
   * Error for what cannot be planned
   */
  make(text: string, budgetMs: number): Promise<RawPlan>;
  /** Ends the process once nothing waits. What is asked after that is still answered, for requests that began before. */
  close(): void;
};

const child = fileURLToPath(new URL('./planningChild.ts', import.meta.url));
const startMs = 30_000;
const idleMs = 60_000;
const mostWaiting = 256;

const tooLong = (budgetMs: number): Error =>
  requestError('LIMIT_EXCEEDED', `Milliseconds to plan an operation: ${budgetMs} at most`);
const notStarted = (): Error => new Error('the planner did not start');

/**
 * Plans in a process of its own, which is killed when it takes too long. Not a thread: one that is inside native code
 * cannot be ended, and what brings a planner down (memory, stack, a fault of its own) must not bring the gateway down.
 * It is given no environment, so no key, and ends by itself while nothing is asked of it.
 */
export const createPlanningProcess = (supergraphSdl: string, planner: PlannerName): PlanningProcess => {
  const jobs: Job[] = [];
  const { promise: ready, resolve: isSound, reject: isUnsound } = Promise.withResolvers<void>();
  ready.catch(() => {}); // whoever waits for it hears of it
  let running: ChildProcess | null = null;
  let isReady = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const after = (ms: number, then: () => void) => {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
    timer.unref();
  };
  const kill = () => {
    clearTimeout(timer);
    running?.removeAllListeners();
    running?.on('error', () => {}); // of messages that no longer arrive
    running?.kill('SIGKILL');
    running = null;
    isReady = false;
  };
  const settle = (how: (job: Job) => void) => {
    const job = jobs.shift();
    if (job) how(job);
    next();
  };
  /** Ends the process and what it was about. */
  const give = (up: (budgetMs: number) => Error) => {
    log.warn({ planner, wasReady: isReady }, 'the planner was ended');
    if (!isReady) isUnsound(up(0));
    kill();
    settle(({ reject, budgetMs }) => reject(up(budgetMs)));
  };

  const next = () => {
    const [job] = jobs;
    if (!job) {
      running?.unref(); // alone, an idle planner keeps no gateway running
      running?.channel?.unref();
      return after(isClosed ? 0 : idleMs, kill);
    }
    if (!running) return start();
    if (!isReady) return;
    running.ref();
    running.channel?.ref();
    // An answer that waits behind this timer is heard first: the gateway may have been busy, not the planner.
    after(job.budgetMs, () => setImmediate(() => jobs[0] === job && give(tooLong)));
    running.send({ text: job.text } satisfies ToChild);
  };
  const start = () => {
    running = fork(child, {
      env: {},
      execArgv: ['--max-old-space-size=512'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'], // a planner's last words may quote a document
    });
    running.on('message', hear);
    for (const end of ['exit', 'error']) running.on(end, () => give(isReady ? tooLong : notStarted));
    after(startMs, () => give(notStarted));
    running.send({ supergraphSdl, planner } satisfies ToChild);
  };
  const hear = (message: FromChild) => {
    switch (message.kind) {
      case 'ready':
        isReady = true;
        isSound();
        return next();
      case 'plan':
        return settle(({ resolve }) => resolve(message.plan));
      case 'failed':
        if (!isReady) return give(() => new Error(message.reason));
        return settle(({ reject }) => reject(new Error(message.reason)));
    }
  };

  start();
  return {
    ready,
    make: (text, budgetMs) =>
      new Promise((resolve, reject) => {
        if (jobs.length >= mostWaiting) {
          reject(requestError('OVERLOADED', 'Too many operations wait to be planned', 503));
          return;
        }
        jobs.push({ text, budgetMs, resolve, reject });
        if (jobs.length === 1) next();
      }),
    close: () => {
      isClosed = true;
      if (jobs.length === 0) kill();
    },
  };
};
