import { createContext, useContext } from 'react';
import type { ExampleOperation } from '../exampleOperation.ts';
import type { Answer } from './answers.ts';
import type { Elevating } from './elevating.ts';
import type { createObservable } from './observable.ts';
import type { Persona, SandboxPatient } from './sandbox.ts';
import type { Choice, Session } from './session.ts';

export type Explorer = {
  sandbox: boolean;
  session: Session;
  /** The latest answer; `null` before the first. */
  answer: ReturnType<typeof createObservable<Answer | null>>;
  /** What the sign-in form says, which is not always who is signed in. */
  choice: Choice;
  setChoice(choice: Choice): void;
  /** What is to be opened, and why. */
  elevation: ReturnType<typeof createObservable<Elevating>>;
  examples: readonly ExampleOperation[];
  personas: readonly Persona[];
  patients: readonly SandboxPatient[];
  /** Whether the schema came as text, so that introspection is not needed. */
  hasSchema: boolean;
};

export const ExplorerContext = createContext<Explorer | null>(null);

export const useExplorer = (): Explorer => {
  const explorer = useContext(ExplorerContext);
  if (!explorer) throw new Error('used outside ExplorerContext');
  return explorer;
};
