import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { createHeaders, readAsKilde, supergraphFor } from './asKilde.ts';
import { answerParent } from './processes.ts';
import { usage } from './usage.ts';

/** Stock Apollo: `@apollo/server` and `@apollo/gateway` as their own documentation puts them together. */
process.env['APOLLO_TELEMETRY_DISABLED'] = '1';
const given = process.env['SUPERGRAPH_SDL'];
const gateway = given ? new ApolloGateway({ supergraphSdl: given }) : await asKilde();

async function asKilde() {
  const kilde = readAsKilde();
  const headersFor = await createHeaders(kilde);
  return new ApolloGateway({
    supergraphSdl: supergraphFor(kilde),
    buildService: ({ name, url }) =>
      new RemoteGraphQLDataSource({
        url: url ?? '',
        async willSendRequest({ request }) {
          for (const [key, value] of Object.entries(await headersFor(name))) request.http?.headers.set(key, value);
        },
      }),
  });
}

const server = new ApolloServer({ gateway });
const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port: 0 } });
answerParent({ url: () => url, usage }, () => server.stop());
