import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Gauge } from 'prom-client';
import { log } from '../log.ts';
import {
  type Checkpoint,
  joinNotes,
  publicKeyOf,
  readFolder,
  readPublicKey,
  type Signer,
  signCheckpoint,
} from './checkpoint.ts';
import { createTree } from './merkle.ts';
import { type Database, seals } from './rows.ts';

/** 0 as long as the log goes on from what was signed for; alarm on anything else. */
const doubted = new Gauge({
  name: 'kilde_access_log_differs',
  help: 'Whether the access log differs from its own signed checkpoints (1) or not (0)',
});
const signedSize = new Gauge({
  name: 'kilde_access_log_signed_entries',
  help: 'Entries of the access log that the last signed checkpoint covers',
});

export type Checkpointer = {
  /** Signs for what has come since the last time; nothing is written when nothing has. Rejects when it could not be. */
  sign(): Promise<void>;
  stop(): Promise<void>;
};

export type CheckpointerOptions = {
  database: Database;
  /**
   * Where checkpoints are kept, a file for each gateway: outside the database, and best on another machine's disk, since who
   * can change the one must not be able to change the other.
   */
  folder: string;
  signer: Signer;
  everyMs?: number;
  now?: () => Date;
};

/** The latest that any gateway has signed. @throws Error when the folder holds what this key has not signed */
const latestIn = (folder: string, signer: Signer): Checkpoint | null =>
  readFolder(folder, readPublicKey(publicKeyOf(signer))).reduce<Checkpoint | null>(
    (latest, it) => (latest && latest.size >= it.size ? latest : it),
    null,
  );

const append = async (file: string, text: string): Promise<void> => {
  const handle = await open(file, 'a', 0o640);
  try {
    await handle.appendFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/**
 * Signs each minute for the whole access log as it is. The tree is built from the first entry at start, and held against the
 * last checkpoint on the way: a log that does not go on from there is not signed for, and is told of.
 */
export const startCheckpointer = ({
  database,
  folder,
  signer,
  everyMs = 60_000,
  now = () => new Date(),
}: CheckpointerOptions): Checkpointer => {
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const file = join(folder, hostname());
  const earlier = latestIn(folder, signer);
  const tree = createTree();
  let first: bigint | null = null;
  let last = 0n;
  let seal: Buffer = Buffer.alloc(0);
  let signed = earlier?.size ?? 0;
  let differs = false;

  const read = async () => {
    for await (const page of seals(database, last)) {
      for (const row of page) {
        tree.append(row.leaf);
        last = BigInt(row.sequence);
        first ??= last;
        seal = row.seal;
        if (tree.size() === earlier?.size && !tree.root().equals(earlier.root)) differs = true;
      }
    }
    if (tree.size() < signed) differs = true;
    doubted.set(Number(differs));
  };

  const sign = async () => {
    await read();
    if (differs) throw new Error('the access log differs from its signed checkpoints; npm run audit:verify says where');
    if (tree.size() === signed || first === null) return;
    const checkpoint = {
      origin: signer.name,
      size: tree.size(),
      root: tree.root(),
      first,
      seal,
      at: now().toISOString(),
    };
    await append(file, joinNotes(signCheckpoint(checkpoint, signer)));
    signed = checkpoint.size;
    signedSize.set(signed);
  };

  let working: Promise<void> = Promise.resolve();
  const next = (): Promise<void> => {
    const turn = working.then(sign);
    working = turn.catch(() => {});
    return turn;
  };
  const timer = setInterval(() => {
    next().catch((error: Error) => log.error({ error: error.name, differs }, 'access log not signed for'));
  }, everyMs);
  timer.unref();

  return {
    sign: next,
    async stop() {
      clearInterval(timer);
      await next().catch((error: Error) => log.error({ error: error.name, differs }, 'access log not signed for'));
    },
  };
};
