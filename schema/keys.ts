import { hkdfSync } from 'node:crypto';
import * as z from 'zod';

/** `KILDE_KEY`: 32 bytes in base64. Every key that Kilde itself needs is derived from it, one per purpose. */
export const RootKey = z
  .base64()
  .refine((text) => Buffer.from(text, 'base64').length === 32, 'must be 32 bytes in base64')
  .transform((text) => Buffer.from(text, 'base64'));

/** A key of 32 bytes for one purpose: the same in every process of an installation, and useless for any other purpose. */
export const deriveKey = (root: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), `kilde/${purpose}`, 32));
