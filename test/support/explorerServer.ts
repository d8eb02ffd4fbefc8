import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Fastify from 'fastify';
import { buildSchema, GraphQLError, graphql } from 'graphql';
import { registerExplorer } from '../../gateway/explorer/routes.ts';
import type { SourceReport } from '../../schema/sources.ts';

const sdl = `
directive @source(name: String!) repeatable on FIELD_DEFINITION
directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION

"Where a question starts."
type Query {
  "Exactly one person. «Pasient»"
  patient("Whom." identifier: String!): Patient
}
"A person known to Kilde. «Pasient»"
type Patient {
  "Kilde's own random id."
  id: ID!
  "Full name. «Navn»"
  name: String @source(name: "PERSONTJENESTEN") @policy(policies: [["person"]])
  "What an emergency team must know. «Kritisk informasjon»"
  criticalInformation: [String!] @source(name: "KJERNEJOURNAL_KI") @policy(policies: [["criticalInformation"]])
}
`;

// As sandbox/control.ts answers.
export const personas = [
  {
    persona: 'legevakt-doctor',
    description: { nb: 'Legevaktslege: øyeblikkelig hjelp', en: 'Doctor at the casualty clinic: emergency care' },
    purpose: 'ETREAT',
  },
  {
    persona: 'home-nurse',
    description: { nb: 'Sykepleier i hjemmetjenesten', en: 'Nurse in home care' },
    purpose: 'TREAT',
  },
  {
    persona: 'citizen',
    description: { nb: 'Innbygger som ser sine egne opplysninger', en: 'Citizen who reads their own record' },
    patient: '24868700056',
  },
];

export const patients = [
  { nationalId: '11835601481', key: 'vanlig-1', name: 'Stødig Elv', point: 'Home nursing, several NEWS2 scores' },
  { nationalId: '02914800709', key: 'vanlig-2', name: 'Rolig Rogn', point: 'Lives in a nursing home' },
  { nationalId: '24868700056', key: 'vanlig-3', name: 'Blid Gaupe', point: 'Young adult' },
];

const examples: Record<string, string> = {
  'emergency-summary': `# title: Emergency summary
# for: The emergency team that has never met the patient
# persona: legevakt-doctor
# patient: vanlig-1
# variables: {"patient": "11835601481"}
query EmergencySummary($patient: String!) {
  patient(identifier: $patient) {
    id
    name
    criticalInformation
  }
}
`,
  'home-nursing-round': `# title: Home nursing round
# for: The nurse before today's visits
# persona: home-nurse
# patient: vanlig-2
# variables: {"patient": "02914800709"}
query HomeNursingRound($patient: String!) {
  # who is next
  patient(identifier: $patient) {
    name
  }
}
`,
};

const asOf = '2026-03-05T08:00:00+01:00';
const sources: SourceReport[] = [
  { source: 'PERSONTJENESTEN', status: 'FRESH', asOf, count: 1, absence: null },
  { source: 'HENDELSESLAGER', status: 'CACHED', asOf, count: 12, absence: null },
  { source: 'KJERNEJOURNAL_KI', status: 'UNAVAILABLE', asOf: null, count: null, absence: 'SOURCE_UNAVAILABLE' },
  { source: 'PASIENTPROVER', status: 'NOT_ASKED', asOf: null, count: null, absence: 'RESTRICTED' },
  { source: 'VAKSINER', status: 'FRESH', asOf, count: 0, absence: 'NONE_REGISTERED' },
];

const failure = new GraphQLError('KJERNEJOURNAL_KI does not answer in time', {
  path: ['patient', 'criticalInformation'],
  extensions: { code: 'SOURCE_UNAVAILABLE', source: 'KJERNEJOURNAL_KI', retryable: true },
});

export type Seen = { tokens: unknown[]; authorizations: (string | undefined)[]; operations: string[] };

/** A gateway as far as the explorer knows one: a real schema behind `/graphql`, fake sandbox routes, the real explorer. */
export const startExplorerServer = async ({ sandbox = true, expiresIn = 300 } = {}) => {
  const root = fileURLToPath(new URL('../../.kilde/explorer', import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), 'kilde-examples-'));
  for (const [id, text] of Object.entries(examples)) await writeFile(join(folder, `${id}.graphql`), text);

  const schema = buildSchema(sdl);
  const seen: Seen = { tokens: [], authorizations: [], operations: [] };
  const app = Fastify();
  registerExplorer(app, { root, examples: folder, sandbox });
  app.get('/schema.graphql', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(sdl));
  app.get('/sandbox/personas', async () => personas);
  app.get('/sandbox/patients', async () => patients);
  app.post('/sandbox/token', async (request) => {
    seen.tokens.push(request.body);
    return { access_token: `token-${seen.tokens.length}`, token_type: 'Bearer', expires_in: expiresIn };
  });
  app.post<{ Body: { query: string; operationName?: string; variables?: Record<string, unknown> } }>(
    '/graphql',
    async (request, reply) => {
      seen.authorizations.push(request.headers.authorization);
      seen.operations.push(request.body.operationName ?? '');
      if (!request.headers.authorization)
        return reply.code(401).send({
          errors: [{ message: 'A token is required', extensions: { code: 'UNAUTHENTICATED' } }],
        });
      const patient = ({ identifier }: { identifier: string }) => {
        const found = patients.find(({ nationalId }) => nationalId === identifier);
        return found
          ? { id: 'c7f6dd42-3a4e-4f0c-9d44-0d6b0a6b5a11', name: found.name, criticalInformation: null }
          : null;
      };
      const result = await graphql({
        schema,
        source: request.body.query,
        rootValue: { patient },
        variableValues: request.body.variables,
        operationName: request.body.operationName,
      });
      const errors = [
        ...(result.errors ?? []),
        ...(request.body.query.includes('criticalInformation') ? [failure] : []),
      ];
      return reply.type('application/graphql-response+json; charset=utf-8').send({
        ...result,
        ...(errors.length > 0 && { errors }),
        extensions: { kilde: { traceId: '0af7651916cd43dd8448eb211c80319c', sources } },
      });
    },
  );
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    app,
    seen,
    close: async () => {
      await app.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
