import { exportJWK, generateKeyPair } from 'jose';
import type pg from 'pg';
import { createRemoteSubgraph, createSigner } from '../../gateway/execute/subgraphs.ts';
import type { Caller } from '../../schema/caller.ts';
import type { Subgraph } from '../../schema/subgraph.ts';
import { createDatabase } from '../../subgraphs/_shared/database.ts';
import { serveSubgraph } from '../../subgraphs/_shared/serve.ts';
import hendelseslager from '../../subgraphs/hendelseslager/subgraph.ts';
import { assertionFor } from '../support/ask.ts';
import { startTestPostgres } from '../support/postgres.ts';
import { environment, systemOf, testdal } from './hendelseslagerSetup.ts';

export type Answer = {
  status: number;
  contentType: string | null;
  location: string | null;
  bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of the address just asked, read by path
  json: any;
};

export type KithRig = {
  pool: pg.Pool;
  /** Of the first replica. */
  url: string;
  /** The event store as the gateway sees it: a server of its own. */
  subgraph: Subgraph;
  /** `POST /events` to one of the two replicas. */
  send(body: string | Buffer, how?: { type?: string; caller?: Caller; replica?: number }): Promise<Answer>;
  /** `GET /events/{id}/…`. */
  read(id: string, what: 'status' | 'apprec' | 'original', caller?: Caller): Promise<Answer>;
  stored(): Promise<number>;
  quarantined(): Promise<number>;
  close(): Promise<void>;
};

/** Two replicas of the event store behind HTTP, on one PostgreSQL. */
export const startKithRig = async (): Promise<KithRig> => {
  const postgres = await startTestPostgres();
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const sign = await createSigner(await exportJWK(privateKey));
  const env = {
    ...environment(postgres.url),
    PORT: '0',
    HOST: '127.0.0.1',
    GATEWAY_PUBLIC_KEY: JSON.stringify(await exportJWK(publicKey)),
  };
  const replicas = [await serveSubgraph(hendelseslager, env), await serveSubgraph(hendelseslager, env)];
  const pool = createDatabase(postgres.url);
  const subgraph = createRemoteSubgraph('hendelseslager', replicas[0]!.url, sign);

  const call = async (path: string, caller: Caller, init: RequestInit, replica = 0): Promise<Answer> => {
    const assertion = assertionFor(null, { caller, purpose: null, deadline: Date.now() + 30_000 });
    const answer = await fetch(`${replicas[replica]!.url}/routes${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${await sign(assertion, 'hendelseslager')}` },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const contentType = answer.headers.get('content-type');
    return {
      status: answer.status,
      contentType,
      location: answer.headers.get('location'),
      bytes,
      json: contentType?.startsWith('application/json') ? JSON.parse(bytes.toString()) : null,
    };
  };
  const count = async (table: string) => {
    const { rows } = await pool.query<{ count: number }>(`select count(*)::int as count from hendelseslager.${table}`);
    return rows[0]!.count;
  };
  return {
    pool,
    url: replicas[0]!.url,
    subgraph,
    send: (body, { type = 'application/xml', caller = systemOf(testdal), replica = 0 } = {}) =>
      call('/events', caller, { method: 'POST', headers: { 'content-type': type }, body }, replica),
    read: (id, what, caller = systemOf(testdal)) => call(`/events/${id}/${what}`, caller, {}),
    stored: () => count('event'),
    quarantined: () => count('quarantine'),
    async close() {
      await subgraph.close();
      await pool.end();
      await Promise.all(replicas.map((it) => it.close()));
      await postgres.stop();
    },
  };
};
