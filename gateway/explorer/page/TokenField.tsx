import { useState } from 'react';
import { useExplorer } from './ExplorerContext.ts';
import { useObservable } from './observable.ts';

/** Outside the sandbox there are no personas: the page takes an access token from elsewhere, and keeps it in memory. */
export const TokenField = () => {
  const { session } = useExplorer();
  const { status } = useObservable(session.state);
  const [token, setToken] = useState('');
  return (
    <form
      className="kilde-sign-in"
      aria-label="Sign in with a token"
      onSubmit={(event) => {
        event.preventDefault();
        session.takeToken(token.trim());
        setToken('');
      }}
    >
      <div className="kilde-field kilde-wide">
        <label htmlFor="kilde-token">
          Access token <span lang="nb">(tilgangsbillett)</span>
        </label>
        <input
          id="kilde-token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={token}
          aria-describedby="kilde-token-note"
          onChange={(event) => setToken(event.currentTarget.value)}
        />
      </div>
      <div className="kilde-buttons">
        <button type="submit" className="kilde-button kilde-primary" disabled={token.trim() === ''}>
          Use token
        </button>
        {status === 'token' && (
          <button type="button" className="kilde-button" onClick={session.signOut}>
            Forget token
          </button>
        )}
      </div>
      <div className="kilde-state" data-status={status === 'token' ? 'in' : 'out'}>
        <span role="status">{status === 'token' ? 'A token is in use' : 'No token'}</span>
        <span id="kilde-token-note">Sent as Bearer. Kept by this page until it is closed, nowhere else.</span>
      </div>
    </form>
  );
};
