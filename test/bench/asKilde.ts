import { createSigner } from '../../gateway/execute/subgraphs.ts';
import type { Assertion } from '../../schema/assertion.ts';
import { readSupergraph, withoutSecurity } from '../../schema/compose.ts';

/** What another gateway needs to ask Kilde's subgraph servers what Kilde's own gateway asks them. */
export type AsKilde = { assertion: Assertion; subjectToken: string; urls: [name: string, url: string][] };

/** The supergraph, with the addresses of the servers, for gateways that refuse its security link. */
export const supergraphFor = ({ urls }: AsKilde): string =>
  urls.reduce(
    (sdl, [name, url]) => sdl.replace(`"kilde://${name}"`, `"${url}/graphql"`),
    withoutSecurity(readSupergraph()),
  );

const renewAfterMs = 20_000;

/** Headers for a call to one subgraph. Signed once in a while and not once a request: in the other gateways' favour. */
export const createHeaders = async ({ assertion, subjectToken }: AsKilde) => {
  const sign = await createSigner(JSON.parse(process.env['GATEWAY_SIGNING_KEY'] ?? ''));
  const known = new Map<string, { headers: Promise<Record<string, string>>; until: number }>();
  return (subgraph: string): Promise<Record<string, string>> => {
    const kept = known.get(subgraph);
    if (kept && kept.until > Date.now()) return kept.headers;
    const headers = sign({ ...assertion, deadline: Date.now() + 60_000 }, subgraph).then((token) => ({
      authorization: `Bearer ${token}`,
      'kilde-subject-token': subjectToken,
    }));
    known.set(subgraph, { headers, until: Date.now() + renewAfterMs });
    return headers;
  };
};

/** Handed over by the parent. */
export const readAsKilde = (): AsKilde => JSON.parse(process.env['AS_KILDE'] ?? '') as AsKilde;
