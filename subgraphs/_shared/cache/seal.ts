import { createCipheriv, createDecipheriv, createHash, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

/** Encrypts what leaves this process for Redis, and reads nothing but what this very code has written under this very name. */
export type Seal = {
  close(name: string, text: string): Buffer;
  /** @returns `null` for what was tampered with, moved from another name, or written by another version */
  open(name: string, sealed: Buffer): string | null;
};

const cipher = 'aes-256-gcm';
const versionBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Says which shape values have: a digest of the subgraphs' code, since any of it may have shaped them. During an upgrade old
 * and new processes then share Redis, and no answers.
 */
export const versionOfCode = (): Buffer => {
  const home = new URL('../../', import.meta.url);
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
  const digest = createHash('sha256');
  for (const file of files) digest.update(file).update(readFileSync(new URL(file, home)));
  return digest.digest().subarray(0, versionBytes);
};

export const createSeal = (bytes: Buffer, version: Buffer): Seal => {
  const root = createSecretKey(bytes);
  // A key for each name: it binds the value to its name, and no key ever comes near the number of random nonces that GCM
  // bears (2^32, NIST SP 800-38D).
  const keyOf = (name: string) => createHmac('sha256', root).update(name).digest();
  return {
    close(name, text) {
      const nonce = randomBytes(nonceBytes);
      const encryption = createCipheriv(cipher, keyOf(name), nonce, { authTagLength: tagBytes }).setAAD(version);
      const encrypted = Buffer.concat([encryption.update(text, 'utf8'), encryption.final()]);
      return Buffer.concat([version, nonce, encryption.getAuthTag(), encrypted]);
    },
    open(name, sealed) {
      const start = versionBytes + nonceBytes + tagBytes;
      if (sealed.length < start || !sealed.subarray(0, versionBytes).equals(version)) return null;
      const nonce = sealed.subarray(versionBytes, versionBytes + nonceBytes);
      try {
        const decryption = createDecipheriv(cipher, keyOf(name), nonce, { authTagLength: tagBytes })
          .setAAD(version)
          .setAuthTag(sealed.subarray(versionBytes + nonceBytes, start));
        return Buffer.concat([decryption.update(sealed.subarray(start)), decryption.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
};
