/** What requests have waited for something already, so that all their waits together stay within one budget. */
export type Budget = {
  /** @returns `null`, and `work` is not begun, when nothing is left. Waits at the same time count once. */
  spend<T>(request: object, work: (leftMs: number) => Promise<T>): Promise<T | null>;
};

type Account = { spentMs: number; waiting: number; sinceMs: number };

export const createBudget = (budgetMs: number): Budget => {
  const accounts = new WeakMap<object, Account>();
  return {
    async spend(request, work) {
      const account = accounts.get(request) ?? { spentMs: 0, waiting: 0, sinceMs: 0 };
      accounts.set(request, account);
      const now = performance.now();
      const leftMs = budgetMs - account.spentMs - (account.waiting > 0 ? now - account.sinceMs : 0);
      if (leftMs <= 0) return null;
      if (account.waiting === 0) account.sinceMs = now;
      account.waiting += 1;
      try {
        return await work(leftMs);
      } finally {
        account.waiting -= 1;
        if (account.waiting === 0) account.spentMs += performance.now() - account.sinceMs;
      }
    },
  };
};
