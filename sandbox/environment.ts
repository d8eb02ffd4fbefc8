import * as z from 'zod';
import { ClientKey, RootKey } from '../schema/keys.ts';
import { type Env, readEnv } from '../subgraphs/_shared/environment.ts';

const port = z.coerce.number().int().min(1).max(65_535);

const Variables = z.object({
  HOST: z.string().default('0.0.0.0'),
  /** Where `/sandbox/*` is served. */
  PORT: port.default(4100),
  /** The host name that gateway and subgraphs reach this machine by. */
  SANDBOX_HOST: z.string().min(1),
  /** The issuer's port; the services' and the event store's follow it, in the order of sandbox.ts. */
  SANDBOX_FIRST_PORT: port.default(4200),
  /** Invented people beyond those with a story. */
  SANDBOX_PEOPLE: z.coerce.number().int().min(0).max(100_000).default(0),
  KILDE_KEY: RootKey,
  HELSEID_CLIENT_KEY: ClientKey,
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Where the sandbox delivers its events. */
  GATEWAY_URL: z.url({ protocol: /^https?$/ }),
});

/** What the sandbox reads when it runs alone. Throws with the names of bad variables, never their values. */
export const readSandboxEnv = (env: Env) => readEnv(Variables, env);
