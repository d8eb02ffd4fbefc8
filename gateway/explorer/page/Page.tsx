import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import type { GraphQLSchema } from 'graphql';
import { useEffect, useMemo, useState } from 'react';
import type { ExampleOperation } from '../exampleOperation.ts';
import type { Answer } from './answers.ts';
import { EditorHabits } from './EditorHabits.tsx';
import { ExplorerContext } from './ExplorerContext.ts';
import { editorTheme } from './editorThemes.ts';
import { type Elevating, toExtensions } from './elevating.ts';
import { createFetcher } from './fetcher.ts';
import { EXAMPLES_PLUGIN } from './Gallery.tsx';
import { KildePanel } from './KildePanel.tsx';
import { createLayoutStorage } from './layoutStorage.ts';
import { createObservable } from './observable.ts';
import { SignIn } from './SignIn.tsx';
import {
  fetchExamples,
  fetchPatients,
  fetchPersonas,
  fetchSchema,
  issueToken,
  type Persona,
  type SandboxPatient,
} from './sandbox.ts';
import { readSchema } from './schema.ts';
import { type Choice, createSession } from './session.ts';
import { TokenField } from './TokenField.tsx';
import { welcome } from './welcome.ts';

const plugins = [EXAMPLES_PLUGIN, HISTORY_PLUGIN];

const lasting = (): Storage | null => {
  try {
    return window.localStorage;
  } catch {
    return null; // a browser that forbids it
  }
};

type Loaded = {
  schema: GraphQLSchema | null;
  examples: ExampleOperation[];
  personas: Persona[];
  patients: SandboxPatient[];
};

const load = async (sandbox: boolean): Promise<{ loaded: Loaded; problems: string[] }> => {
  const problems: string[] = [];
  const or = async <T,>(what: Promise<T>, otherwise: T): Promise<T> =>
    what.catch((thrown: unknown) => {
      problems.push(thrown instanceof Error ? thrown.message : String(thrown));
      return otherwise;
    });
  const [schema, examples, personas, patients] = await Promise.all([
    or(
      fetchSchema().then((sdl) => (sdl === null ? null : readSchema(sdl))),
      null,
    ),
    or(fetchExamples(), []),
    sandbox ? or(fetchPersonas(), []) : [],
    sandbox ? or(fetchPatients(), []) : [],
  ]);
  return { loaded: { schema, examples, personas, patients }, problems: [...new Set(problems)] };
};

export const Page = ({ sandbox }: { sandbox: boolean }) => {
  const [{ loaded, problems }, setLoaded] = useState<{ loaded: Loaded | null; problems: string[] }>({
    loaded: null,
    problems: [],
  });
  const [choice, setChoice] = useState<Choice>({ persona: '', patient: null, purpose: null });
  const session = useMemo(() => createSession(issueToken), []);
  const answer = useMemo(() => createObservable<Answer | null>(null), []);
  const elevation = useMemo(() => createObservable<Elevating>({ accessBasis: '', reason: '' }), []);
  const storage = useMemo(() => createLayoutStorage(lasting()), []);
  const fetcher = useMemo(
    () =>
      createFetcher({
        authorization: session.authorization,
        renew: session.renew,
        observe: answer.set,
        extensions: () => toExtensions(elevation.get()),
      }),
    [session, answer, elevation],
  );

  useEffect(() => {
    load(sandbox).then((found) => {
      setLoaded(found);
      const [first] = found.loaded.personas;
      if (first) setChoice({ persona: first.name, patient: first.patient, purpose: null });
    });
  }, [sandbox]);

  return (
    <ExplorerContext
      value={{
        sandbox,
        session,
        answer,
        choice,
        setChoice,
        elevation,
        examples: loaded?.examples ?? [],
        personas: loaded?.personas ?? [],
        patients: loaded?.patients ?? [],
        hasSchema: Boolean(loaded?.schema),
      }}
    >
      <a className="kilde-skip" href="#kilde-main">
        Skip to the editor
      </a>
      <header className="kilde-header">
        <div className="kilde-name">
          <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true">
            <rect width="32" height="32" rx="8" fill="currentColor" />
            <path d="M16 6c5 6.3 7 9 7 12.5a7 7 0 0 1-14 0C9 15 11 12.3 16 6z" className="kilde-drop" />
          </svg>
          <h1>
            Kilde <span>{sandbox ? 'Sandbox explorer' : 'Explorer'}</span>
          </h1>
        </div>
        {sandbox ? <SignIn /> : <TokenField />}
      </header>
      {problems.length > 0 && (
        <div role="alert" className="kilde-problem">
          {problems.join(' ')}
        </div>
      )}
      <main id="kilde-main" tabIndex={-1}>
        {loaded && (
          <GraphiQL
            fetcher={fetcher}
            {...(loaded.schema && { schema: loaded.schema })}
            schemaDescription
            inputValueDeprecation
            storage={storage}
            plugins={plugins}
            visiblePlugin={EXAMPLES_PLUGIN}
            defaultQuery={welcome}
            defaultEditorToolsVisibility="variables"
            forcedTheme="system"
            editorTheme={editorTheme}
            showPersistHeadersSettings={false}
          >
            <GraphiQL.Logo>
              <a href="/schema.graphql" target="_blank" rel="noreferrer">
                Schema as text
              </a>
            </GraphiQL.Logo>
            <GraphiQL.Footer>
              <KildePanel />
            </GraphiQL.Footer>
            <EditorHabits />
          </GraphiQL>
        )}
      </main>
    </ExplorerContext>
  );
};
