/** How a call ended, as far as the source's health goes. `abandoned`: whoever asked has gone, which says nothing of it. */
export type Verdict = 'answered' | 'failed' | 'abandoned';
/** Leave to call; a `probe` decides whether others get it. */
export type Pass = 'ordinary' | 'probe';

/** Stops asking a source that does not answer, and keeps retries from adding to its load. */
export type Breaker = {
  /** `null`: the source is left alone at the moment. Otherwise `leave` must be told how it went. */
  enter(): Pass | null;
  leave(pass: Pass, verdict: Verdict): void;
  /** Whether one more call may be spent on trying again; counts it. */
  mayRetry(): boolean;
};

/** Of security reference 4.1: what clinical deadlines allow, not the defaults of any library. */
const windowSeconds = 10;
const leastCalls = 10;
const failingShare = 0.5;
const openMs = 5_000;
const retryShare = 0.1;
/** A source that is seldom asked has no tenth of its calls to spend. */
const leastRetries = 3;

type Second = { number: number; calls: number; failures: number; retries: number };
type State = { is: 'closed' } | { is: 'open'; untilMs: number } | { is: 'probing' };

/**
 * Closed: counts calls and failures of the last ten seconds; half of at least ten failing opens it. Open: nothing goes
 * through for about five seconds, not the same for every process, and then one call to see. That one decides.
 *
 * @param now milliseconds of a clock that only goes forward
 */
export const createBreaker = (now: () => number = () => performance.now()): Breaker => {
  let state: State = { is: 'closed' };
  let seconds: Second[] = [];
  const thisSecond = (): Second => {
    const number = Math.floor(now() / 1_000);
    const last = seconds.at(-1);
    if (last?.number === number) return last;
    const fresh = { number, calls: 0, failures: 0, retries: 0 };
    seconds = [...seconds.filter((it) => it.number > number - windowSeconds), fresh];
    return fresh;
  };
  const sum = (of: Exclude<keyof Second, 'number'>) => seconds.reduce((total, second) => total + second[of], 0);
  const opened = (): State => ({ is: 'open', untilMs: now() + openMs * (0.9 + 0.2 * Math.random()) });

  return {
    enter() {
      if (state.is === 'closed') return 'ordinary';
      if (state.is === 'probing' || now() < state.untilMs) return null;
      state = { is: 'probing' };
      return 'probe';
    },
    leave(pass, verdict) {
      if (pass === 'probe') {
        if (verdict === 'answered') {
          state = { is: 'closed' };
          seconds = [];
        }
        if (verdict === 'failed') state = opened();
        if (verdict === 'abandoned') state = { is: 'open', untilMs: now() }; // has shown nothing: the next call probes
        return;
      }
      if (verdict === 'abandoned' || state.is !== 'closed') return;
      const second = thisSecond();
      second.calls += 1;
      if (verdict === 'answered') return;
      second.failures += 1;
      const calls = sum('calls');
      if (calls >= leastCalls && sum('failures') >= failingShare * calls) state = opened();
    },
    mayRetry() {
      const second = thisSecond();
      if (sum('retries') + 1 > Math.max(leastRetries, retryShare * sum('calls'))) return false;
      second.retries += 1;
      return true;
    },
  };
};
