import { Elevation } from './Elevation.tsx';
import { useExplorer } from './ExplorerContext.ts';
import { useObservable } from './observable.ts';
import { PatientPicker } from './PatientPicker.tsx';
import type { Choice } from './session.ts';

const purposes = [
  { code: 'TREAT', name: 'Care (behandling)' },
  { code: 'ETREAT', name: 'Emergency care (øyeblikkelig hjelp)' },
  { code: 'COC', name: 'Coordination (samhandling)' },
  { code: 'BTG', name: 'Break the glass (nødrett)' },
];

const same = (one: Choice, other: Choice): boolean =>
  one.persona === other.persona && one.patient === other.patient && one.purpose === other.purpose;

/** Sandbox only: who to be, for whom and why. */
export const SignIn = () => {
  const { session, choice, setChoice, personas, patients } = useExplorer();
  const state = useObservable(session.state);
  const persona = personas.find(({ name }) => name === choice.persona);

  const titleOf = (name: string) => personas.find((it) => it.name === name)?.english ?? name;
  const nameOf = (nationalId: string | null) => patients.find((it) => it.nationalId === nationalId)?.name;

  const said = () => {
    switch (state.status) {
      case 'signingIn':
        return 'Signing in …';
      case 'failed':
        return `Not signed in: ${state.reason}`;
      case 'in': {
        const patient = nameOf(state.choice.patient);
        const purpose = purposes.find(({ code }) => code === state.choice.purpose)?.name;
        const who = [titleOf(state.choice.persona), patient && `for ${patient}`, purpose].filter(Boolean).join(', ');
        return `Signed in: ${who}`;
      }
      default:
        return 'Not signed in';
    }
  };
  const isCurrent = state.status === 'in' && same(state.choice, choice);

  return (
    <form
      className="kilde-sign-in"
      aria-label="Sign in"
      onSubmit={(event) => {
        event.preventDefault();
        void session.signIn(choice);
      }}
    >
      <div className="kilde-field">
        <label htmlFor="kilde-persona">Persona</label>
        <select
          id="kilde-persona"
          value={choice.persona}
          aria-describedby={persona?.norwegian ? 'kilde-persona-is' : undefined}
          onChange={(event) => {
            const next = personas.find(({ name }) => name === event.currentTarget.value);
            if (next) setChoice({ ...choice, persona: next.name, patient: next.patient ?? choice.patient });
          }}
        >
          {personas.map(({ name, english }) => (
            <option key={name} value={name}>
              {english}
            </option>
          ))}
        </select>
      </div>
      <PatientPicker
        patients={patients}
        value={choice.patient}
        onChange={(patient) => setChoice({ ...choice, patient })}
      />
      <div className="kilde-field">
        <label htmlFor="kilde-purpose">
          Purpose <span lang="nb">(formål)</span>
        </label>
        <select
          id="kilde-purpose"
          value={choice.purpose ?? ''}
          onChange={(event) => setChoice({ ...choice, purpose: event.currentTarget.value || null })}
        >
          <option value="">The persona’s own{persona?.purpose && `, ${persona.purpose}`}</option>
          {purposes.map(({ code, name }) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div className="kilde-buttons">
        <button
          type="submit"
          className={isCurrent ? 'kilde-button' : 'kilde-button kilde-primary'}
          disabled={!choice.persona}
        >
          {isCurrent ? 'Sign in again' : 'Sign in'}
        </button>
        {state.status === 'in' && (
          <button type="button" className="kilde-button" onClick={session.signOut}>
            Sign out
          </button>
        )}
      </div>
      <Elevation />
      <div className="kilde-state" data-status={state.status}>
        <span role="status">{said()}</span>
        {persona?.norwegian && (
          <span id="kilde-persona-is" lang="nb">
            {persona.norwegian}
          </span>
        )}
      </div>
    </form>
  );
};
