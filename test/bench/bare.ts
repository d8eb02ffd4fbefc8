import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type DocumentNode, getOperationAST, parse } from 'graphql';
import { type AccessLog, createAccessLog } from '../../gateway/audit/accessLog.ts';
import { createAuthenticate } from '../../gateway/auth/authenticate.ts';
import { loadConfig } from '../../gateway/config.ts';
import { createKildeGateway } from '../../gateway/execute/gateway.ts';
import type { Scope } from '../../gateway/execute/scope.ts';
import { mountSubgraphs } from '../../gateway/execute/topology.ts';
import { loadPolicies } from '../../gateway/policy/cedar.ts';
import { createPolicy, type Decision } from '../../gateway/policy/decide.ts';
import { categories } from '../../schema/categories.ts';
import { readSupergraph } from '../../schema/compose.ts';
import { deriveKey } from '../../schema/keys.ts';
import { readPolicies, readPolicySchema } from '../../schema/policy/read.ts';
import { subgraphSdl } from '../../schema/sdl.ts';
import { callerOf } from './callers.ts';
import { answerParent } from './processes.ts';
import { createProfiler } from './profile.ts';
import { serveAnswers } from './serveAnswers.ts';
import { usage } from './usage.ts';

/**
 * Kilde's engine and subgraphs without authentication, policy and audit, put together here from the product's parts: the
 * product has no switch that turns them off. What comes is believed, everything is permitted, nothing is logged. The rules of
 * the subgraphs (shield) are a part of them and stay. `LAYERS` names those of the three that are on, as the product has them.
 */
const layers = new Set((process.env['LAYERS'] ?? '').split(','));
const annotatedSdl = readSupergraph();
const config = loadConfig(process.env);
const mounted = await mountSubgraphs(config, process.env);
const subgraphs = new Map([...mounted].map(([name, { subgraph }]) => [name, subgraph]));
const permitted = categories.map(
  (category) => ({ category, effect: 'permit', rule: 'bench', absence: 'NO_ACCESS', requires: null }) as const,
);
const everything: Decision = {
  mayKnow: true,
  rule: 'bench',
  categories: new Map(permitted.map((it) => [it.category, it])),
};
if (!layers.has('policy')) {
  // What patients have restricted is not asked for either: it is a part of the policy.
  const personvern = subgraphs.get('personvern')!;
  const nobodyHasRestricted = { data: { privacySettings: [] }, sources: [] };
  subgraphs.set('personvern', {
    ...personvern,
    execute: (request) =>
      request.text.includes('privacySettings') ? Promise.resolve(nobodyHasRestricted) : personvern.execute(request),
  });
}
const accessLog: AccessLog = layers.has('audit')
  ? createAccessLog(config.databaseUrl, deriveKey(config.rootKey, 'access-caller'))
  : { write: async () => {}, isUp: async () => true, close: async () => {} };
const authenticate = layers.has('authentication') ? createAuthenticate({ config, redis: null, accessLog }) : null;
const gateway = createKildeGateway({
  annotatedSdl,
  root: subgraphSdl(readFileSync(new URL('../../schema/kilde.graphql', import.meta.url), 'utf8')),
  trusted: { texts: new Map(), required: false },
  planningMs: 10_000,
  environment: config.environment,
  subgraphs,
  policy: layers.has('policy')
    ? createPolicy(loadPolicies(readPolicies(), readPolicySchema()))
    : { decide: () => everything, decideAtMost: () => everything, usualGrants: () => [new Set(categories)] },
  accessLog,
});
const { executor } = await gateway.load({ apollo: {} });

const documents = new Map<string, DocumentNode>();
const server = await serveAnswers(async (body, token, { method = '', rawHeaders, socket: { localPort } }) => {
  const traceId = randomUUID().replaceAll('-', '');
  const known = await authenticate?.({ method, path: '/', rawHeaders, localPort, traceId });
  const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
  const document = documents.get(query) ?? parse(query, { noLocation: true });
  documents.set(query, document);
  const scope: Scope = {
    caller: known?.caller ?? callerOf(token),
    token,
    traceId,
    eventId: randomUUID(),
    signal: new AbortController().signal,
    deadline: Date.now() + config.requestTimeoutMs,
  };
  const asked = {
    schema: gateway.schema(),
    document,
    operation: getOperationAST(document),
    operationName: null,
    queryHash: query,
    request: { variables },
    context: scope,
  };
  return JSON.stringify(await executor!(asked as never));
});

answerParent({ url: () => server.url, usage, ...createProfiler() }, async () => {
  server.close();
  await Promise.all([...subgraphs.values()].map((subgraph) => subgraph.close()));
  await accessLog.close();
});
