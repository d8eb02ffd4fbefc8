import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deriveKey } from '../../schema/keys.ts';

/** What the access log was at one moment: how many sealed entries, the root of their tree, and the last seal. */
export type Checkpoint = {
  /** Name of the log, the same in all of its checkpoints. */
  origin: string;
  size: number;
  root: Buffer;
  /** Sequence number of the first sealed entry. */
  first: bigint;
  seal: Buffer;
  /** ISO 8601. */
  at: string;
};

/** A key that signs checkpoints, and one that checks them. */
export type Signer = { name: string; key: KeyObject };
export type SignatureKey = { name: string; key: KeyObject };

const ed25519Seed = Buffer.from('302e020100300506032b657004220420', 'hex'); // PKCS #8 before the 32 bytes (RFC 8410)
const ed25519Spki = Buffer.from('302a300506032b6570032100', 'hex');
const signatureType = Buffer.of(1); // Ed25519 in C2SP signed-note

/** @param seed 32 bytes, known to the gateways alone */
export const signerFrom = (name: string, seed: Buffer): Signer => ({
  name,
  key: createPrivateKey({ key: Buffer.concat([ed25519Seed, seed]), format: 'der', type: 'pkcs8' }),
});

/** The signer of an installation: every gateway of it is the same one. */
export const checkpointSigner = (rootKey: Buffer): Signer =>
  signerFrom('kilde/access-log', deriveKey(rootKey, 'access-checkpoint'));

const rawPublic = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
const keyIdOf = (name: string, raw: Buffer): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), signatureType, raw]), 'buffer').subarray(0, 4);

/** The public key as C2SP signed-note writes it: `name+id+base64`. For whoever checks the log and must not be able to sign it. */
export const publicKeyOf = ({ name, key }: Signer): string => {
  const raw = rawPublic(key);
  return `${name}+${keyIdOf(name, raw).toString('hex')}+${Buffer.concat([signatureType, raw]).toString('base64')}`;
};

/** @throws Error for a text that is no such key */
export const readPublicKey = (text: string): SignatureKey => {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const typed = Buffer.from(encoded ?? '', 'base64');
  const raw = typed.subarray(1);
  if (!name || raw.length !== 32 || typed[0] !== 1 || keyIdOf(name, raw).toString('hex') !== id)
    throw new Error('not a public key of signed notes (name+id+base64)');
  return { name, key: createPublicKey({ key: Buffer.concat([ed25519Spki, raw]), format: 'der', type: 'spki' }) };
};

const textOf = ({ origin, size, root, first, seal, at }: Checkpoint): string =>
  `${[origin, size, root.toString('base64'), `first ${first}`, `seal ${seal.toString('base64')}`, `at ${at}`].join('\n')}\n`;

/** A checkpoint as C2SP tlog-checkpoint lays it out, with what is Kilde's own in extension lines, signed (Ed25519). */
export const signCheckpoint = (checkpoint: Checkpoint, { name, key }: Signer): string => {
  const text = textOf(checkpoint);
  const signature = Buffer.concat([keyIdOf(name, rawPublic(key)), sign(null, Buffer.from(text), key)]);
  return `${text}\n— ${name} ${signature.toString('base64')}\n`;
};

const shape =
  /^(?<text>(?<origin>[^\n]+)\n(?<size>\d+)\n(?<root>[A-Za-z0-9+/=]+)\nfirst (?<first>\d+)\nseal (?<seal>[A-Za-z0-9+/=]*)\nat (?<at>[^\n]+)\n)\n— (?<name>\S+) (?<signature>[A-Za-z0-9+/=]+)\n?$/;

/** A signed checkpoint read back; `null` when it is none, or not signed with this key. */
export const readCheckpoint = (note: string, { name, key }: SignatureKey): Checkpoint | null => {
  const parts = shape.exec(note)?.groups;
  if (!parts || parts['name'] !== name) return null;
  const signature = Buffer.from(parts['signature']!, 'base64').subarray(4);
  if (!verify(null, Buffer.from(parts['text']!), key, signature)) return null;
  return {
    origin: parts['origin']!,
    size: Number(parts['size']),
    root: Buffer.from(parts['root']!, 'base64'),
    first: BigInt(parts['first']!),
    seal: Buffer.from(parts['seal']!, 'base64'),
    at: parts['at']!,
  };
};

/** Signed checkpoints one after the other in a file, an empty line and a row of dashes between them. */
const between = '\n----\n';
export const joinNotes = (note: string): string => `${note}${between}`;
const splitNotes = (file: string): string[] => file.split(between).filter((note) => note.trim() !== '');

/** Every checkpoint in the files of a folder. @throws Error that names a note with another signature by its place */
export const readFolder = (folder: string, key: SignatureKey): Checkpoint[] =>
  readdirSync(folder).flatMap((name) =>
    splitNotes(readFileSync(join(folder, name), 'utf8')).map((note, i) => {
      const checkpoint = readCheckpoint(note, key);
      if (!checkpoint) throw new Error(`checkpoint ${i + 1} of ${name} is not signed with this key`);
      return checkpoint;
    }),
  );
