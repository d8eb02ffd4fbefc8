import { subscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Assertion } from '../../schema/assertion.ts';
import { readSubgraphs } from '../../schema/compose.ts';
import { serveSubgraphs } from '../support/overHttp.ts';
import { answerParent } from './processes.ts';
import { usage } from './usage.ts';

/**
 * Every subgraph behind HTTP, in one process: Kilde's over HTTP and the other gateways ask the same servers. For those others
 * also the root, `Query.patient`, which Kilde's gateway answers by itself.
 */
type Captured = { assertion: Assertion; subjectToken: string };
let captured: Captured | null = null;
/** What Kilde's gateway vouches for, and on whose behalf: the others are given the same, so that all ask the same. */
subscribe('http.server.request.start', (message) => {
  const { headers } = (message as { request: IncomingMessage }).request;
  const [, claims] = headers.authorization?.split('.') ?? [];
  const subjectToken = headers['kilde-subject-token'];
  if (captured || !claims || typeof subjectToken !== 'string') return;
  const { assertion } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { assertion: Assertion };
  captured = { assertion, subjectToken };
});

const servers = await serveSubgraphs(
  process.env as Record<string, string>,
  JSON.parse(process.env['GATEWAY_PUBLIC_KEY'] ?? ''),
);

const { typeDefs } = readSubgraphs().find(({ name }) => name === 'kilde')!;
const schema = buildSubgraphSchema([
  { typeDefs, resolvers: { Query: { patient: () => ({ id: captured?.assertion.patients[0]?.id }) } } },
]);
const documents = new LRUCache<string, ReturnType<typeof parse>>({ max: 100 });
const root = createServer(async (request, response) => {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  const { query, variables } = JSON.parse(text) as { query: string; variables?: Record<string, unknown> };
  const document = documents.get(query) ?? parse(query);
  documents.set(query, document);
  const answer = Buffer.from(JSON.stringify(await execute({ schema, document, variableValues: variables ?? {} })));
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
});
await new Promise<void>((resolve) => root.listen(0, '127.0.0.1', resolve));
const address = root.address();
const rootUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;

answerParent(
  {
    urls: () => [...servers.urls],
    rootUrl: () => rootUrl,

    captured: () => captured,
    usage,
  },
  async () => {
    root.closeAllConnections();
    root.close();
    await servers.close();
  },
);
