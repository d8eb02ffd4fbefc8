import { absenceTexts, type SourceReport, type SourceStatus } from '../../../schema/sources.ts';
import type { Answer, AnswerError } from './answers.ts';
import { useExplorer } from './ExplorerContext.ts';
import { useObservable } from './observable.ts';

const statuses: Record<SourceStatus, { word: string; norwegian: string; shape: string }> = {
  FRESH: { word: 'Fresh', norwegian: 'hentet nå', shape: 'M3.500 8.500l3 3 6-7' },
  CACHED: { word: 'Cached', norwegian: 'mellomlagret', shape: 'M8 5v3.500l2 1.500M14 8a6 6 0 1 1-12 0a6 6 0 1 1 12 0' },
  STALE: { word: 'Stale', norwegian: 'foreldet', shape: 'M8 3.500v5.500M8 12v.5' },
  UNAVAILABLE: { word: 'Unavailable', norwegian: 'svarte ikke', shape: 'M4 4l8 8M12 4l-8 8' },
  NOT_ASKED: { word: 'Not asked', norwegian: 'ikke spurt', shape: 'M3.500 8h9' },
};

const inWords = (code: string): string => {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const oslo = { timeZone: 'Europe/Oslo' } as const; // whatever the reader's clock says
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', ...oslo });
const minutes = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short', ...oslo });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium', ...oslo });

const shortTime = (iso: string): string => {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  return day.format(at) === day.format(new Date()) ? clock.format(at) : `${day.format(at)}, ${minutes.format(at)}`;
};

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

const Status = ({ status }: { status: SourceStatus }) => {
  const { word, norwegian, shape } = statuses[status] ?? { word: status, norwegian: '', shape: '' };
  return (
    <span className="kilde-status" data-status={status}>
      <svg
        viewBox="0 0 16 16"
        width="16"
        height="16"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        aria-hidden="true"
      >
        <path d={shape} />
      </svg>
      <span>
        {word} <small lang="nb">{norwegian}</small>
      </span>
    </span>
  );
};

const Source = ({ report: { source, status, asOf, count, absence, dropped } }: { report: SourceReport }) => (
  <tr>
    <th scope="row">{source}</th>
    <td>
      <Status status={status} />
    </td>
    <td>{asOf ? <time dateTime={asOf}>{shortTime(asOf)}</time> : '–'}</td>
    <td>{count ?? '–'}</td>
    <td>
      {absence && (
        <>
          <strong>{inWords(absence)}.</strong> <span lang="nb">{absenceTexts[absence] ?? ''}</span>
        </>
      )}
      {dropped ? <strong> {counted(dropped, 'record')} of others thrown away.</strong> : null}
    </td>
  </tr>
);

const advice = ({ extensions }: AnswerError): string | null => {
  if (extensions?.code === 'UNAUTHENTICATED') return 'Sign in at the top of the page.';
  if (extensions?.canElevate) return `Can be opened with ${extensions.requires ?? 'a stronger access basis'}.`;
  return extensions?.retryable ? 'The same question may get an answer in a moment.' : null;
};

const Failure = ({ error }: { error: AnswerError }) => (
  <li>
    <code className="kilde-code">{error.extensions?.code ?? 'NO CODE'}</code> {error.message}
    {error.extensions?.source && <> · {error.extensions.source}</>}
    {error.path && (
      <>
        {' '}
        at <code>{error.path.join('.')}</code>
      </>
    )}
    {advice(error) && <> · {advice(error)}</>}
  </li>
);

/** An answer that nothing is registered is an answer: nothing is missing then. */
const isMissing = ({ absence, status }: SourceReport): boolean =>
  status === 'UNAVAILABLE' || (absence !== null && absence !== 'NONE_REGISTERED');

const summary = ({ status, tookMs, sources, errors, failure }: Answer): string => {
  if (status === 'waiting') return 'Asking …';
  if (failure !== null) return `No answer. ${failure}`;
  const took = `${status === 'streaming' ? 'Receiving, so far' : 'Answered in'} ${Math.round(tookMs)} ms`;
  const missing = sources.filter(isMissing).length;
  return [
    took,
    counted(sources.length, 'source'),
    missing > 0 && `${missing} with something missing`,
    errors.length > 0 && counted(errors.length, 'error'),
  ]
    .filter(Boolean)
    .join(' · ');
};

/** What `extensions.kilde` and `errors` say of the latest answer: who was asked, how fresh it is, what is missing and why. */
export const KildePanel = () => {
  const explorer = useExplorer();
  const answer = useObservable(explorer.answer);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="kilde-panel" aria-labelledby="kilde-panel-title" tabIndex={0}>
      <header>
        <h2 id="kilde-panel-title">
          Sources <span lang="nb">(kilder)</span>
        </h2>
        <p role="status">{answer ? summary(answer) : 'Nothing asked yet'}</p>
      </header>
      {answer && answer.errors.length > 0 && (
        <>
          <h3>Errors</h3>
          <ul className="kilde-errors">
            {answer.errors.map((error, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: errors have no identity, and only ever grow at the end
              <Failure key={index} error={error} />
            ))}
          </ul>
        </>
      )}
      {answer && answer.sources.length > 0 && (
        <table aria-labelledby="kilde-panel-title">
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">Status</th>
              <th scope="col">As of</th>
              <th scope="col">Records</th>
              <th scope="col">What is missing</th>
            </tr>
          </thead>
          <tbody>
            {[...answer.sources.filter(isMissing), ...answer.sources.filter((it) => !isMissing(it))].map((report) => (
              <Source key={report.source} report={report} />
            ))}
          </tbody>
        </table>
      )}
      {answer?.traceId && (
        <p className="kilde-trace">
          Trace <code>{answer.traceId}</code>
        </p>
      )}
    </section>
  );
};
