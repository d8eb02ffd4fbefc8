import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { exportJWK, generateKeyPair } from 'jose';
import { makeSigningKey } from './issuer/keys.ts';

/** Every secret of an installation of the sandbox in containers, by the names that docker-compose.yml asks for. */
export const makeKeys = async () => {
  const gateway = await generateKeyPair('ES256', { extractable: true });
  return {
    KILDE_KEY: randomBytes(32).toString('base64'),
    GATEWAY_SIGNING_KEY: JSON.stringify(await exportJWK(gateway.privateKey)),
    GATEWAY_PUBLIC_KEY: JSON.stringify(await exportJWK(gateway.publicKey)),
    HELSEID_CLIENT_KEY: JSON.stringify(await makeSigningKey('kilde-1')),
    POSTGRES_PASSWORD: randomBytes(24).toString('hex'),
    REDIS_PASSWORD: randomBytes(24).toString('hex'),
  };
};

/** Writes `file`, readable by its owner alone. @throws when there is one: what its keys have sealed is lost without them */
export const writeKeys = async (file: string): Promise<string[]> => {
  const keys = await makeKeys();
  // In single quotes nothing is expanded, and nothing of base64, hexadecimal digits or a JWK is a single quote.
  const lines = Object.entries(keys).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600, flag: 'wx' });
  return Object.keys(keys);
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const names = await writeKeys(fileURLToPath(new URL('../.env', import.meta.url)));
    console.log(`.env holds ${names.join(', ')}`);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error;
    console.error('.env is there already, and what its keys have sealed is lost without them: nothing was written');
    process.exitCode = 1;
  }
}
