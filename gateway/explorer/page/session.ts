import { createObservable, type Observable } from './observable.ts';

/** Who to be, for whom and why. `purpose: null`: the persona's own. */
export type Choice = { persona: string; patient: string | null; purpose: string | null };
export type IssuedToken = { authorization: string; expiresInSeconds: number };

export type SessionState =
  | { status: 'out' }
  | { status: 'signingIn'; choice: Choice }
  | { status: 'in'; choice: Choice }
  /** With a token from elsewhere: nothing is known of it here. */
  | { status: 'token' }
  | { status: 'failed'; reason: string };

export type Session = {
  state: Observable<SessionState>;
  signIn(choice: Choice): Promise<void>;
  takeToken(token: string): void;
  signOut(): void;
  /** The `Authorization` header to send, renewed when it is about to expire; `null` when nobody is signed in. */
  authorization(): Promise<string | null>;
  /** After a 401: signs in once more. False when that cannot help. */
  renew(): Promise<boolean>;
};

const marginMs = 10_000; // a token that dies on the way is no use

/** Keeps the token in this closure and nowhere else: it is gone with the page, and no script can read it from a store. */
export const createSession = (
  issue: (choice: Choice) => Promise<IssuedToken>,
  now: () => number = Date.now,
): Session => {
  const state = createObservable<SessionState>({ status: 'out' });
  let held: { authorization: string; expiresAt: number; choice: Choice | null } | null = null;
  let attempt = 0;

  const signIn = async (choice: Choice): Promise<void> => {
    const mine = ++attempt; // of two sign-ins under way, the later one counts
    state.set({ status: 'signingIn', choice });
    held = null;
    try {
      const { authorization, expiresInSeconds } = await issue(choice);
      if (mine !== attempt) return;
      held = { authorization, expiresAt: now() + expiresInSeconds * 1_000, choice };
      state.set({ status: 'in', choice });
    } catch (thrown) {
      if (mine === attempt)
        state.set({ status: 'failed', reason: thrown instanceof Error ? thrown.message : 'unknown' });
    }
  };

  const renew = async (): Promise<boolean> => {
    if (!held?.choice) return false;
    await signIn(held.choice);
    return state.get().status === 'in';
  };

  return {
    state,
    signIn,
    renew,
    takeToken: (token) => {
      attempt++;
      held = { authorization: `Bearer ${token}`, expiresAt: Number.POSITIVE_INFINITY, choice: null };
      state.set({ status: 'token' });
    },
    signOut: () => {
      attempt++;
      held = null;
      state.set({ status: 'out' });
    },
    authorization: async () => {
      if (held && held.expiresAt - marginMs <= now()) await renew();
      return held?.authorization ?? null;
    },
  };
};
