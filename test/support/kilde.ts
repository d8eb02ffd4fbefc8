import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../gateway/config.ts';
import { registerExplorer } from '../../gateway/explorer/routes.ts';
import { type Running, type StartOptions, startGateway } from '../../gateway/main.ts';
import { registerSandboxRoutes } from '../../sandbox/control.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
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
  stop(): Promise<void>;
};

/** The whole of Kilde as `npm start` runs it, on ports of its own: real PostgreSQL, real simulators, real gateway. */
export const startKilde = async (
  overrides: Record<string, string> = {},
  {
    explorer,
    ...options
  }: Omit<StartOptions, 'extend'> & { /** Folder of the built explorer, to serve it at `/`. */ explorer?: string } = {},
): Promise<Kilde> => {
  const postgres = await startTestPostgres();
  const sandbox = await startSandbox(postgres.url);
  const env = { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', ...sandbox.env, ...overrides };
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
    async stop() {
      await gateway.stop();
      await sandbox.close();
      await postgres.stop();
    },
  };
};
