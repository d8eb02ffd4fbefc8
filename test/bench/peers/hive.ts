import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';
import { createHeaders, readAsKilde, supergraphFor } from '../asKilde.ts';
import { answerParent } from '../processes.ts';
import { usage } from '../usage.ts';

/** Hive Gateway with its native planner. */
const given = process.env['SUPERGRAPH_SDL'];
const kilde = given ? null : readAsKilde();
const headersFor = kilde ? await createHeaders(kilde) : null;
const nameOf = new Map(kilde?.urls.map(([name, url]) => [`${url}/graphql`, name]));

const gateway = createGatewayRuntime({
  supergraph: given ?? supergraphFor(kilde!),
  unifiedGraphHandler,
  logging: false,
  maskedErrors: false,
  plugins: () =>
    headersFor
      ? [
          {
            async onFetch({ url, options, setOptions }) {
              const headers = await headersFor(nameOf.get(url) ?? '');
              setOptions({ ...options, headers: { ...(options.headers as Record<string, string>), ...headers } });
            },
          },
        ]
      : [],
});
const server = createServer(gateway);
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = server.address();
const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/graphql`;

answerParent({ url: () => url, usage }, async () => {
  server.closeAllConnections();
  server.close();
  await gateway[Symbol.asyncDispose]();
});
