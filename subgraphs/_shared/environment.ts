import * as z from 'zod';
import { deriveKey, RootKey } from '../../schema/keys.ts';

export type Env = Record<string, string | undefined>;

/** Variables -> values, whole or not at all: the error names every bad variable and shows no value. */
export const readEnv = <T>(shape: z.ZodType<T>, env: Env): T => {
  const { data, error } = shape.safeParse(env);
  if (!error) return data;
  throw new Error(error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
};

const Common = z.object({
  KILDE_ENVIRONMENT: z.enum(['sandbox', 'production']),
  KILDE_KEY: RootKey,
  /** Name and version of this installation towards national services, 3 to 512 characters (`nhn-source-system`). */
  KILDE_SOURCE_SYSTEM: z.string().min(3).max(512).default('Kilde 0.1'),
});

export type Common = {
  environment: 'sandbox' | 'production';
  sourceSystem: string;
  /** A key of 32 bytes for one purpose, the same in every replica. */
  key(purpose: string): Buffer;
};

/** What every subgraph reads: environment, its name towards sources, and the installation's key. */
export const readCommon = (env: Env): Common => {
  const { KILDE_ENVIRONMENT, KILDE_KEY, KILDE_SOURCE_SYSTEM } = readEnv(Common, env);
  return {
    environment: KILDE_ENVIRONMENT,
    sourceSystem: KILDE_SOURCE_SYSTEM,
    key: (purpose) => deriveKey(KILDE_KEY, purpose),
  };
};
