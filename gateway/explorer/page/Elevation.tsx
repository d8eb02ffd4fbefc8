import { useExplorer } from './ExplorerContext.ts';
import { useObservable } from './observable.ts';

const bases = [
  { code: 'FORHOYET_SAMTYKKE', name: 'Open: the patient consents (samtykke)' },
  { code: 'FORHOYET_AKUTT', name: 'Open: it is urgent (akutt)' },
];

/** How a professional opens what a patient has restricted, and says why. Sent with every request until it is emptied. */
export const Elevation = () => {
  const { elevation } = useExplorer();
  const { accessBasis, reason } = useObservable(elevation);
  return (
    <>
      <div className="kilde-field">
        <label htmlFor="kilde-basis">
          Restricted data <span lang="nb">(sperret)</span>
        </label>
        <select
          id="kilde-basis"
          value={accessBasis}
          onChange={(event) => elevation.set({ accessBasis: event.currentTarget.value, reason })}
        >
          <option value="">As they are</option>
          {bases.map(({ code, name }) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div className="kilde-field">
        <label htmlFor="kilde-reason">
          Reason <span lang="nb">(begrunnelse)</span>
        </label>
        <input
          id="kilde-reason"
          value={reason}
          maxLength={500}
          placeholder="For the access log"
          onChange={(event) => elevation.set({ accessBasis, reason: event.currentTarget.value })}
        />
      </div>
    </>
  );
};
