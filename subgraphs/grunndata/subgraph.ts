import * as z from 'zod';
import type { Subgraph, SubgraphModule } from '../../schema/subgraph.ts';
import { noCache, type SourceCache } from '../_shared/cache/cache.ts';
import { openCache } from '../_shared/cache/open.ts';
import { openDatabaseSource } from '../_shared/databaseSource.ts';
import { type Env, readCommon, readEnv } from '../_shared/environment.ts';
import { createHttpSource } from '../_shared/httpSource.ts';
import { createCursors } from '../_shared/paging.ts';
import { createSubgraph } from '../_shared/subgraph.ts';
import { createTokens, type Tokens } from '../_shared/tokens.ts';
import { type SoapRegister, splitEndpoint } from './adapter/soap.ts';
import { createLoaders, type Registers } from './loaders.ts';
import { createPersonDirectory } from './personDirectory.ts';
import { createPersonIndex, migrations } from './personIndex.ts';
import { type Context, resolvers } from './resolvers.ts';
import { rules } from './rules.ts';

const name = 'grunndata';
const url = z.url({ protocol: /^https?$/ });
const word = z.string().min(1);
const Settings = z.object({
  PERSONTJENESTEN_URL: url,
  FLR_URL: url,
  FLR_USERNAME: word,
  FLR_PASSWORD: word,
  HPR_URL: url,
  HPR_USERNAME: word,
  HPR_PASSWORD: word,
  AR_URL: url,
  AR_USERNAME: word,
  AR_PASSWORD: word,
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
});

/** `timeoutMs` of one call to a register; `now` for what depends on the time of day. */
export type GrunndataParts = { tokens: Tokens; cache?: SourceCache; timeoutMs?: number; now?: () => Date };

/** The registers of persons, general practitioners, health personnel and addresses, and the index of persons. */
export const createGrunndata = async (
  env: Env,
  { tokens, cache = noCache, timeoutMs, now }: GrunndataParts,
): Promise<Subgraph> => {
  const common = readCommon(env);
  const settings = readEnv(Settings, env);
  const http = (source: string, baseUrl: string) =>
    createHttpSource({ name: source, baseUrl, tokens, ...(timeoutMs ? { timeoutMs } : {}) });
  const soap = (source: string, endpoint: string, username: string, password: string): SoapRegister => {
    const { baseUrl, path } = splitEndpoint(endpoint);
    return { source: http(source, baseUrl), endpoint, path, authentication: { as: 'basic', username, password } };
  };
  const database = await openDatabaseSource({
    name: 'KILDE',
    url: settings.DATABASE_URL,
    schema: name,
    steps: migrations,
  });
  const persontjenesten = http('PERSONTJENESTEN', settings.PERSONTJENESTEN_URL);
  const index = createPersonIndex(database, {
    hmacKey: common.key('person-index-hmac'),
    sealKey: common.key('person-index'),
  });
  const registers: Registers = {
    cache,
    persontjenesten,
    directory: createPersonDirectory(persontjenesten, index, now),
    fastlegeregisteret: soap('FASTLEGEREGISTERET', settings.FLR_URL, settings.FLR_USERNAME, settings.FLR_PASSWORD),
    helsepersonellregisteret: soap(
      'HELSEPERSONELLREGISTERET',
      settings.HPR_URL,
      settings.HPR_USERNAME,
      settings.HPR_PASSWORD,
    ),
    adresseregisteret: soap('ADRESSEREGISTERET', settings.AR_URL, settings.AR_USERNAME, settings.AR_PASSWORD),
  };
  const sources = [
    registers.persontjenesten,
    registers.fastlegeregisteret.source,
    registers.helsepersonellregisteret.source,
    registers.adresseregisteret.source,
  ];
  const cursors = createCursors(common.key('cursors'));
  return createSubgraph<Context>({
    name,
    home: import.meta.url,
    resolvers,
    rules,
    createContext: (request) => ({
      ...request,
      loaders: createLoaders(registers, request),
      cursors,
      environment: common.environment,
    }),
    async health() {
      const reached = sources.map(async (it) => ({ source: it.name, up: await it.reachable() }));
      return [...(await Promise.all(reached)), ...(await database.health())];
    },
    async close() {
      await Promise.all([...sources.map((it) => it.close()), database.close(), cache.close(), tokens.close()]);
    },
  });
};

export default {
  name,
  routes: [],
  create: async (env) => createGrunndata(env, { tokens: await createTokens(env), cache: await openCache(env) }),
} satisfies SubgraphModule;
