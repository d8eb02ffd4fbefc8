import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../gateway/config.ts';
import { registerExplorer } from '../../gateway/explorer/routes.ts';
import { type Running, type StartOptions, startGateway } from '../../gateway/main.ts';
import { registerSandboxRoutes } from '../../sandbox/control.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { listOf, makeGatewayKeys, serveSubgraphs } from './overHttp.ts';
import { startTestPostgres, type TestPostgres } from './postgres.ts';

const examples = fileURLToPath(new URL('../../examples/operations/', import.meta.url));

export type GraphQLAnswer = {
  status: number;
  data: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
  extensions?: {
    kilde: {
      traceId: string;
      sources: {
        source: string;
        status: string;
        asOf: string | null;
        count: number | null;
        absence: string | null;
        dropped?: number;
      }[];
    };
  };
};

export type Kilde = {
  url: string;
  sandbox: Sandbox;
  postgres: TestPostgres;
  /** A token from `POST /sandbox/token`. */
  token(request: Record<string, unknown>): Promise<string>;
  ask(token: string, query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer>;
  post(
    path: string,
    body: string,
    headers?: Record<string, string>,
  ): Promise<{ status: number; headers: Headers; text: string }>;
  /** Has the gateway read its supergraph again. */
  reload(): Promise<void>;
  stop(): Promise<void>;
};

/** A busy machine may keep a planner waiting; what the budget does has tests of its own. */
const roomToPlan = { PLANNING_BUDGET_MS: '5000' };

/** Every subgraph of the product behind HTTP, and what a gateway must know to reach them. */
const moveElsewhere = async (env: Record<string, string>) => {
  const { privateJwk, publicJwk } = await makeGatewayKeys();
  const { urls, close } = await serveSubgraphs(env, publicJwk);
  return { env: { SUBGRAPHS: listOf(urls), GATEWAY_SIGNING_KEY: JSON.stringify(privateJwk) }, close };
};

/**
 * The whole of Kilde as `npm start` runs it, on ports of its own: real PostgreSQL, real simulators, real gateway. With
 * `KILDE_TOPOLOGY=http` each subgraph is a server of its own, so that the same tests show that it makes no difference.
 */
export const startKilde = async (
  overrides: Record<string, string> = {},
  {
    explorer,
    ...options
  }: Omit<StartOptions, 'extend'> & { /** Folder of the built explorer, to serve it at `/`. */ explorer?: string } = {},
): Promise<Kilde> => {
  const postgres = await startTestPostgres();
  const sandbox = await startSandbox(postgres.url);
  const own = { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', ...roomToPlan, ...sandbox.env, ...overrides };
  const isMoved = process.env['KILDE_TOPOLOGY'] === 'http' && !('SUBGRAPHS' in overrides);
  const elsewhere = isMoved ? await moveElsewhere(own) : null;
  const env = { ...own, ...elsewhere?.env };
  const gateway: Running = await startGateway(loadConfig(env), env, {
    ...options,
    extend: (app) => {
      registerSandboxRoutes(app, {
        issuer: sandbox.issuer,
        population: sandbox.population,
        simulators: sandbox.switches,
      });
      if (explorer) registerExplorer(app, { root: explorer, examples, sandbox: true });
    },
  });
  const { url } = gateway;
  const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  return {
    url,
    sandbox,
    postgres,
    post,
    async token(request) {
      const { text } = await post('/sandbox/token', JSON.stringify(request));
      return (JSON.parse(text) as { access_token: string }).access_token;
    },
    async ask(token, query, variables = {}) {
      const { status, text } = await post('/graphql', JSON.stringify({ query, variables }), {
        authorization: `Bearer ${token}`,
      });
      return { status, ...(JSON.parse(text) as Omit<GraphQLAnswer, 'status'>) };
    },
    reload: gateway.reload,
    async stop() {
      await gateway.stop();
      await elsewhere?.close();
      await sandbox.close();
      await postgres.stop();
    },
  };
};
