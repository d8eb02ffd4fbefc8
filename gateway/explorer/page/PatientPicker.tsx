import { type KeyboardEvent, useState } from 'react';
import type { SandboxPatient } from './sandbox.ts';

const shownAtMost = 50;

const matches = ({ name, nationalId, key, point }: SandboxPatient, words: readonly string[]): boolean => {
  const all = [name, nationalId, key, point].join(' ').toLowerCase();
  return words.every((word) => all.includes(word));
};

/**
 * Finds a synthetic patient by any part of the name, the number or why they exist.
 *
 * @see https://www.w3.org/WAI/ARIA/apg/patterns/combobox/examples/combobox-autocomplete-list/
 */
export const PatientPicker = ({
  patients,
  value,
  onChange,
}: {
  patients: readonly SandboxPatient[];
  value: string | null;
  onChange(nationalId: string | null): void;
}) => {
  const [typed, setTyped] = useState<string | null>(null); // null: not searching, the choice is shown
  const [active, setActive] = useState(-1);
  const chosen = patients.find(({ nationalId }) => nationalId === value);
  const open = typed !== null;
  const words = (typed ?? '').toLowerCase().split(/\s+/);
  const found = open ? patients.filter((it) => matches(it, words)) : [];
  const shown = found.slice(0, shownAtMost);

  const close = () => {
    setTyped(null);
    setActive(-1);
  };
  const choose = (nationalId: string | null) => {
    onChange(nationalId);
    close();
  };
  const move = (to: number) => {
    const next = (to + shown.length) % shown.length;
    setActive(next);
    document.getElementById(`kilde-patient-${next}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && open) close();
    else if (event.key === 'ArrowDown' && !open) setTyped('');
    else if (event.key === 'ArrowDown' && shown.length > 0) move(active + 1);
    else if (event.key === 'ArrowUp' && shown.length > 0) move(active === -1 ? -1 : active - 1);
    else if (event.key === 'Enter' && open) {
      const picked = shown[active] ?? (found.length === 1 ? found[0] : undefined);
      if (typed === '' && active === -1) choose(null);
      else if (picked) choose(picked.nationalId);
    } else return;
    event.preventDefault();
  };

  return (
    <div className="kilde-field kilde-patient">
      <label htmlFor="kilde-patient">
        Patient <span lang="nb">(pasient)</span>
      </label>
      <input
        id="kilde-patient"
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={open}
        aria-controls="kilde-patients"
        aria-activedescendant={open && active >= 0 ? `kilde-patient-${active}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder="None – search name or number"
        value={typed ?? (chosen ? chosen.name : (value ?? ''))}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setActive(-1);
          if (event.currentTarget.value === '') onChange(null);
        }}
        onClick={() => setTyped('')}
        onBlur={close}
        onKeyDown={onKeyDown}
      />
      <div className="kilde-options" hidden={!open}>
        <div id="kilde-patients" role="listbox" aria-label="Found">
          {shown.map(({ nationalId, name, point }, index) => (
            // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the input, aria-activedescendant points here
            // biome-ignore lint/a11y/useKeyWithClickEvents: the input handles the keys
            <div
              key={nationalId}
              id={`kilde-patient-${index}`}
              role="option"
              aria-selected={index === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(nationalId)}
            >
              <span>{name}</span> <code>{nationalId}</code>
              {point && <small>{point}</small>}
            </div>
          ))}
        </div>
        <p role="status">
          {found.length > shownAtMost
            ? `${shownAtMost} of ${found.length} shown; type more`
            : found.length === 1
              ? '1 patient'
              : `${found.length} patients`}
        </p>
      </div>
    </div>
  );
};
