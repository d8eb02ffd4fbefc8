import { connect, createServer } from 'node:net';

export type PostgresTap = {
  /** The target's connection string, by way of the tap. */
  url: string;
  /** SQL texts executed since the last time they were taken, white space evened out. */
  takeQueries(): string[];
  close(): Promise<void>;
};

/** Frontend messages of PostgreSQL's protocol 3.0: a type of one byte, a length that counts itself, and the content. */
const readMessages = (onMessage: (type: string, content: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0);
  let isStarted = false; // the first message, with user and database, has no type
  return (piece: Buffer): void => {
    rest = Buffer.concat([rest, piece]);
    for (;;) {
      const at = isStarted ? 1 : 0;
      if (rest.length < at + 4) return;
      const end = at + rest.readInt32BE(at);
      if (rest.length < end) return;
      if (isStarted) onMessage(String.fromCharCode(rest[0]!), rest.subarray(5, end));
      isStarted = true;
      rest = rest.subarray(end);
    }
  };
};

const textsOf = (content: Buffer): string[] => content.toString('utf8').split('\0');

/** TCP proxy that notes which statements go through it, prepared ones each time they are bound. */
export const startPostgresTap = async (target: string): Promise<PostgresTap> => {
  const to = new URL(target);
  let queries: string[] = [];
  const note = (sql: string | undefined) => queries.push((sql ?? '').replace(/\s+/g, ' ').trim());

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: to.hostname, port: Number(to.port || 5432), noDelay: true });
    const prepared = new Map<string, string>();
    const read = readMessages((type, content) => {
      const [first = '', second = ''] = textsOf(content);
      if (type === 'Q') note(first);
      if (type === 'P') prepared.set(first, second);
      if (type === 'B') note(prepared.get(second));
    });
    client.on('data', read).pipe(upstream);
    upstream.pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = new URL(target);
  url.port = String(typeof address === 'object' ? address?.port : '');
  return {
    url: url.href,
    takeQueries() {
      const taken = queries;
      queries = [];
      return taken;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
