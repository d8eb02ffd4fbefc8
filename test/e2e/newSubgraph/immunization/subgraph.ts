import * as z from 'zod';
import type { SubgraphModule } from '../../../../schema/subgraph.ts';
import { readEnv } from '../../../../subgraphs/_shared/environment.ts';
import { answered, given, ownOnly, type RequestContext } from '../../../../subgraphs/_shared/group.ts';
import { createHttpSource } from '../../../../subgraphs/_shared/httpSource.ts';
import { allow, federationEntry, mayRead } from '../../../../subgraphs/_shared/shield.ts';
import { createSubgraph } from '../../../../subgraphs/_shared/subgraph.ts';
import { createTokens } from '../../../../subgraphs/_shared/tokens.ts';

const Answer = z.array(z.object({ id: z.string(), patient: z.string(), occurrenceDateTime: z.string() }));

/** A seventh source, as somebody on the platform team would add it: this folder, and nothing else. */
const immunization: SubgraphModule = {
  name: 'immunization',
  routes: [],
  async create(env) {
    const { SYSVAK_URL } = readEnv(z.object({ SYSVAK_URL: z.url() }), env);
    const tokens = await createTokens(env);
    const source = createHttpSource({ name: 'SYSVAK', baseUrl: SYSVAK_URL, tokens });
    const immunizations = async ({ id }: { id: string }, _args: unknown, context: RequestContext) => {
      const { nins } = context.assertion.patients.find((it) => it.id === id)!;
      const body = new URLSearchParams({ patient: nins[0] });
      const answer = given(
        await source.call(
          { method: 'POST', path: 'Immunization/_search', body, authentication: { as: 'nobody' }, shape: Answer },
          context,
        ),
      );
      const { own, dropped } = given(ownOnly(source.name, answer.value, ({ patient }) => patient, nins));
      const retrieved = new Date().toISOString();
      const provenance = { source: source.name, retrieved };
      return {
        ...answered(context, source.name, { count: own.length, retrieved, dropped }),
        nodes: own.map((it) => ({ id: it.id, occurred: it.occurrenceDateTime, provenance })),
      };
    };
    return createSubgraph({
      name: 'immunization',
      home: import.meta.url,
      resolvers: { Patient: { __resolveReference: ({ id }: { id: string }) => ({ id }), immunizations } },
      rules: {
        Query: federationEntry,
        _Service: allow,
        Patient: { id: allow, immunizations: mayRead('medication') },
        ImmunizationGroup: allow,
        Immunization: allow,
        Absence: allow,
        Provenance: allow,
      },
      createContext: (request) => request,
      health: async () => [{ source: 'SYSVAK', up: await source.reachable() }],
      close: () => source.close(),
    });
  },
};
export default immunization;
