import { createServer, type IncomingMessage } from 'node:http';

/**
 * The least there is of a server, for the programs that Kilde is measured beside: a body and a bearer token in, JSON out.
 *
 * @param answer what throws here is answered with 502 and its words
 */
export const serveAnswers = async (
  answer: (body: string, token: string, request: IncomingMessage) => Promise<string>,
) => {
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    try {
      const body = Buffer.from(await answer(text, request.headers.authorization?.split(' ')[1] ?? '', request));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
};
