import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import type { ExampleOperation } from '../exampleOperation.ts';
import { useExplorer } from './ExplorerContext.ts';
import { welcome } from './welcome.ts';

/** The example operations, one for each user need: choosing one fills the editors and signs in as who it is for. */
const Gallery = () => {
  const { sandbox, session, choice, setChoice, examples, personas, patients } = useExplorer();
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));
  const { addTab, run } = useGraphiQLActions();
  const titleOf = (persona: string) => personas.find(({ name }) => name === persona)?.english ?? persona;

  const fill = ({ query, variables }: ExampleOperation) => {
    const written = queryEditor?.getValue().trim() ?? '';
    const isOurs = written === '' || [welcome, ...examples.map((it) => it.query)].some((it) => it.trim() === written);
    if (!isOurs) addTab(); // what somebody wrote is not ours to overwrite
    queryEditor?.setValue(query);
    variableEditor?.setValue(Object.keys(variables).length > 0 ? JSON.stringify(variables, null, 2) : '');
  };

  const open = async (example: ExampleOperation, runs: boolean) => {
    fill(example);
    if (sandbox && example.persona) {
      const patient =
        patients.find(({ nationalId, key }) => example.patient === nationalId || example.patient === key)?.nationalId ??
        example.patient;
      const next = { ...choice, persona: example.persona, patient, purpose: null };
      setChoice(next);
      await session.signIn(next);
    }
    if (!runs) return;
    await run();
    document.querySelector('.graphiql-response')?.scrollIntoView({ block: 'nearest' }); // in one column it is far below
  };

  return (
    <section className="kilde-gallery" aria-label="Example operations">
      <h2>Examples</h2>
      {examples.length === 0 && <p>There are no examples here.</p>}
      <ul>
        {examples.map((example) => (
          <li key={example.id}>
            <h3 id={`kilde-example-${example.id}`}>{example.title}</h3>
            {example.for && <p>{example.for}</p>}
            {sandbox && example.persona && <p className="kilde-as">As {titleOf(example.persona)}</p>}
            <div className="kilde-buttons">
              <button
                type="button"
                className="kilde-button kilde-primary"
                aria-describedby={`kilde-example-${example.id}`}
                onClick={() => void open(example, true)}
              >
                Run
              </button>
              <button
                type="button"
                className="kilde-button"
                aria-describedby={`kilde-example-${example.id}`}
                onClick={() => void open(example, false)}
              >
                Open
              </button>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
};

const Icon = () => (
  <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
    <rect x="2.500" y="3" width="15" height="4.500" rx="1.500" />
    <rect x="2.500" y="11.500" width="15" height="4.500" rx="1.500" />
  </svg>
);

/** Beside the documentation and the history in GraphiQL's own side bar. */
export const EXAMPLES_PLUGIN: GraphiQLPlugin = { title: 'Examples', icon: Icon, content: Gallery };
