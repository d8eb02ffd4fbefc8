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

/** A JWK as JSON in a variable. `message` says what was expected; the error shows nothing of what came. */
export const jwkText = <Jwk>(shape: z.ZodType<Jwk>, message: string) =>
  z.string().transform((text, context): Jwk => {
    try {
      const read = shape.safeParse(JSON.parse(text));
      if (read.success) return read.data;
    } catch {} // the parser's own message would show the key
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** Key of Kilde's client at HelseID (`HELSEID_CLIENT_KEY`). */
export const ClientKey = jwkText(
  z.looseObject({
    kty: z.enum(['RSA', 'EC']),
    d: z.string(),
    kid: z.string(),
    alg: z.enum(['PS256', 'ES256']),
  }),
  'must be a private JWK in JSON, for PS256 or ES256, with kid and alg',
);
