import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import './page.css';
import { Page } from './Page.tsx';

window.MonacoEnvironment = {
  getWorker: (_id, label) =>
    new Worker(label === 'json' || label === 'graphql' ? WORKER_URLS[label] : WORKER_URLS.editor),
};

createRoot(document.getElementById('explorer')!).render(
  <Page sandbox={document.documentElement.dataset['sandbox'] === 'true'} />,
);
