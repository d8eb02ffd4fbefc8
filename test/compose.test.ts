import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { loadConfig } from '../gateway/config.ts';
import { registerCredentials } from '../sandbox/_shared/soap.ts';
import { readSandboxEnv } from '../sandbox/environment.ts';
import { makeKeys, writeKeys } from '../sandbox/keys.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { subgraphNames } from '../schema/compose.ts';
import { readRedisSettings } from '../schema/redis.ts';
import { serveSubgraph } from '../subgraphs/_shared/serve.ts';
import { moduleOf } from './support/overHttp.ts';

const root = new URL('..', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');

const Service = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  healthcheck: z.object({ test: z.array(z.string()).min(2) }),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  deploy: z.object({ replicas: z.number() }).optional(),
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  configs: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
});
const Compose = z.object({
  services: z.record(z.string(), Service),
  configs: z.record(z.string(), z.object({ content: z.string() })),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
});
const compose = Compose.parse(parse(read('docker-compose.yml'), { merge: true }));
const services = Object.entries(compose.services);
const dockerfile = read('Dockerfile');
const secrets: Record<string, string> = await makeKeys();

const variable = /\$\{(\w+)(?::([-?])([^}]*))?\}/g;
/** As Compose fills in `${NAME:?why}` and `${NAME:-otherwise}`, from an `.env` as `npm run keys` makes it. */
const fillIn = (text: string): string =>
  text.replace(variable, (_all, name: string, kind?: string, otherwise = '') => {
    const value = secrets[name] ?? (kind === '-' ? otherwise : undefined);
    if (value === undefined) throw new Error(`nothing gives ${name} a value`);
    return value;
  });
const environmentOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(compose.services[name]?.environment ?? {}).map(([key, value]) => [key, fillIn(value)]),
  );

describe('docker-compose.yml', () => {
  it('holds what one host needs', () => {
    expect(services.map(([name]) => name).sort()).toEqual(
      ['gateway', 'postgres', 'proxy', 'redis', 'sandbox', ...subgraphNames()].sort(),
    );
    expect(compose.services['gateway']?.deploy?.replicas).toBe(2);
  });

  it.each(services)('%s is a pinned image or built from the Dockerfile, and says when it is well', (_name, service) => {
    if (service.build) {
      expect(service).toMatchObject({ image: 'kilde:local', build: { context: '.', dockerfile: 'Dockerfile' } });
      expect(existsSync(new URL(service.command?.[1] ?? '', root))).toBe(true);
    } else expect(service.image).toMatch(/^[a-z]+:\d+(\.\d+)*(-alpine)?$/);
    expect(['CMD', 'CMD-SHELL']).toContain(service.healthcheck.test[0]);
  });

  it.each(services)('%s waits for services that there are, until they are well, and never for itself', (name, own) => {
    const seen = new Set<string>();
    const visit = (waitedFor: string) => {
      expect(compose.services).toHaveProperty([waitedFor]);
      expect(waitedFor).not.toBe(name);
      if (seen.has(waitedFor)) return;
      seen.add(waitedFor);
      for (const next of Object.keys(compose.services[waitedFor]?.depends_on ?? {})) visit(next);
    };
    for (const [waitedFor, { condition }] of Object.entries(own.depends_on)) {
      visit(waitedFor);
      expect(condition).toBe('service_healthy');
    }
  });

  it('holds no secret, and asks for none that npm run keys does not make', () => {
    for (const [name, { environment }] of services) {
      for (const [key, value] of Object.entries(environment)) {
        if (!/KEY|PASSWORD|SECRET|TOKEN|AUTH|DATABASE_URL|REDIS_URL/.test(key)) continue;
        if (value === registerCredentials.password) continue; // the simulators', the same for everybody
        const names = [...value.matchAll(variable)].map((match) => match[1]);
        expect([name, key, names]).toEqual([name, key, [expect.any(String)]]);
        expect(Object.keys(secrets)).toContain(names[0]);
        expect(value.replace(variable, '').replaceAll(/[\w/]*:\/\/(kilde)?:|@\w+:\d+(\/kilde)?/g, '')).toBe('');
      }
    }
    expect(read('docker-compose.yml')).not.toMatch(/[A-Za-z0-9+]{32,}|-----BEGIN/);
  });

  it('gives the gateway and every subgraph one Redis, which keeps nothing on disk and throws nothing out', () => {
    const [executable, ...settings] = compose.services['redis']?.command ?? [];
    expect(executable).toBe('redis-server');
    const pairs = settings.filter((_, at) => at % 2 === 0).map((name, at) => [name, fillIn(settings[2 * at + 1]!)]);
    expect(Object.fromEntries(pairs)).toMatchObject({
      '--requirepass': secrets['REDIS_PASSWORD'],
      '--save': '',
      '--maxmemory-policy': 'noeviction',
    });
    for (const name of ['gateway', ...subgraphNames()]) {
      const { url } = readRedisSettings(environmentOf(name))!;
      expect([name, url.host, url.password]).toEqual([name, 'redis:6379', secrets['REDIS_PASSWORD']]);
    }
  });

  it('lets nobody in but through the proxy, and that on this machine only', () => {
    for (const [name, { ports, networks }] of services) {
      expect([name, ports]).toEqual([name, name === 'proxy' ? ['127.0.0.1:4000:4000'] : []]);
      expect([name, networks.filter((it) => !compose.networks[it]?.internal)]).toEqual([
        name,
        name === 'proxy' ? ['outside'] : [],
      ]);
    }
  });

  it('has the proxy send /sandbox/ to the sandbox and the rest to the gateways', () => {
    const [config] = compose.services['proxy']?.configs ?? [];
    const raw = compose.configs[config?.source ?? '']?.content ?? '';
    expect(raw.replaceAll('$$', '')).not.toContain('$'); // Compose would fill it in
    const text = raw.replaceAll('$$', '$').replace(/#.*/g, '');
    const targetOf = (location: string) => {
      const [, name, target] =
        new RegExp(`location ${location} \\{\\s*set \\$(\\w+) (\\S+);\\s*proxy_pass http://\\$\\1;`).exec(text) ?? [];
      return [name, target];
    };
    expect(targetOf('/')).toEqual(['gateway', `gateway:${environmentOf('gateway')['PORT']}`]);
    expect(targetOf('/sandbox/')).toEqual(['sandbox', `sandbox:${environmentOf('sandbox')['PORT']}`]);
    expect(text).toContain('listen 4000;');
  });
});

describe('the variables in docker-compose.yml', () => {
  it('are what the gateway needs, and SUBGRAPHS leads to every subgraph', () => {
    const config = loadConfig(environmentOf('gateway'));
    expect([...config.remoteSubgraphs.keys()].sort()).toEqual(subgraphNames());
    for (const [name, address] of config.remoteSubgraphs) {
      const { hostname, port } = new URL(address);
      expect(compose.services[hostname]?.command).toEqual(['node', 'subgraphs/_shared/serve.ts', name]);
      expect(environmentOf(hostname)['PORT']).toBe(port);
    }
    expect(config.explorerDir).toBe('/kilde/.kilde/explorer');
    expect(dockerfile).toContain('WORKDIR /kilde\n');
    expect(dockerfile).toContain('RUN node gateway/explorer/build.ts');
  });

  it.each(subgraphNames())('are what %s needs to start', async (name) => {
    const environment = environmentOf(name);
    // Nobody listens there: a subgraph starts without its database too, and without waiting for a name to be found.
    const here = (url: string | undefined) => url?.replace(/@\w+:\d+/, '@127.0.0.1:9');
    const databases = Object.entries(environment).filter(([key]) => key.endsWith('DATABASE_URL'));
    const server = await serveSubgraph(await moduleOf(name), {
      ...environment,
      ...Object.fromEntries(databases.map(([key, url]) => [key, here(url)])),
      HOST: '127.0.0.1',
      PORT: '0',
    });
    const { ok } = await fetch(`${server.url}/health/live`);
    await server.close();
    expect(ok).toBe(true);
  });

  it('lead to the issuer, the services and the event store where the sandbox puts them', async () => {
    const own = readSandboxEnv(environmentOf('sandbox'));
    expect(own.SANDBOX_HOST).toBe('sandbox');
    expect(new URL(own.GATEWAY_URL).host).toBe(`gateway:${environmentOf('gateway')['PORT']}`);
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const sandbox = await startSandbox(own.DATABASE_URL, {
      key: own.KILDE_KEY,
      clientKey: own.HELSEID_CLIENT_KEY,
      from: { host: '127.0.0.1', port: first, publicHost: own.SANDBOX_HOST },
    });
    await sandbox.close();
    const given = new Set<string>();
    for (const name of ['gateway', ...subgraphNames()]) {
      const environment = environmentOf(name);
      for (const [key, value] of Object.entries(sandbox.env)) {
        if (!(key in environment)) continue;
        given.add(key);
        if (key === 'HELSEID_CLIENT_KEY') {
          expect(JSON.parse(environment[key] ?? '')).toEqual(JSON.parse(value)); // in whatever order
          continue;
        }
        const expected = value.replace(/(?<=[/@]sandbox:)\d+/, (port) =>
          String(Number(port) - first + own.SANDBOX_FIRST_PORT),
        );
        expect([name, key, environment[key]]).toEqual([name, key, expected]);
      }
    }
    expect([...given].sort()).toEqual(Object.keys(sandbox.env).sort());
  });
});

describe('the image', () => {
  const copied = [...dockerfile.matchAll(/^COPY (.+) (\S+)$/gm)].flatMap(([, from = '']) => from.split(' '));
  const sources = copied
    .filter((it) => existsSync(new URL(it, root)) && statSync(new URL(it, root)).isDirectory())
    .flatMap((folder) =>
      readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
        .map((file) => `${folder}/${file}`),
    );
  /** What a file needs when it runs: its imports, those of types aside, and the files that it finds beside itself. */
  const needsOf = (file: string) =>
    [
      ...read(file).matchAll(
        /(?:^(?:import|export)(?! type\b)[^;]*?from |^import |import\(|new URL\((?='[^']+', import\.meta\.url))'([^']+)'/gm,
      ),
    ].map(([, it = '']) => it);

  it('holds every folder that something in it asks for', () => {
    expect(sources.length).toBeGreaterThan(150);
    for (const file of sources) {
      for (const needed of needsOf(file).filter((it) => it.startsWith('.'))) {
        const path = posix.normalize(posix.join(posix.dirname(file), needed));
        if (/^\.(kilde|env)/.test(path)) continue; // made when something runs, or when the image is built
        expect([file, copied.some((it) => path === it || path.startsWith(`${it}/`)) || path === './']).toEqual([
          file,
          true,
        ]);
      }
    }
  });

  it('installs every package that something in it asks for', () => {
    const { dependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<string, object>;
    const installed = Object.keys({ ...dependencies, ...optionalDependencies });
    const page = 'gateway/explorer/page/'; // bundled; what it takes comes with GraphiQL
    for (const file of sources.filter((it) => !it.startsWith(page))) {
      for (const needed of needsOf(file).filter((it) => !it.startsWith('.') && !it.startsWith('node:'))) {
        const name = needed.split('/', needed.startsWith('@') ? 2 : 1).join('/');
        expect([file, name, installed.includes(name)]).toEqual([file, name, true]);
      }
    }
    expect(dockerfile).toMatch(/^FROM node:24-/m);
    expect(dockerfile).toContain('npm ci --omit=dev');
  });

  it('does not run as root, and takes nothing with it that is not named', () => {
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(copied).not.toContain('.');
    expect(read('.dockerignore').split('\n')).toEqual(expect.arrayContaining(['.env', '.kilde', 'node_modules']));
  });
});

it('npm run keys writes every secret once, for its owner alone, where git does not look', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kilde-keys-'));
  const file = join(folder, '.env');
  try {
    const names = await writeKeys(file);
    const text = readFileSync(file, 'utf8');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(names.sort()).toEqual(Object.keys(secrets).sort());
    const { KILDE_KEY = '', ...rest } = parseEnv(text);
    expect(Buffer.from(KILDE_KEY, 'base64')).toHaveLength(32);
    expect(JSON.parse(rest['GATEWAY_PUBLIC_KEY'] ?? '')).not.toHaveProperty('d');
    expect(text).not.toContain(secrets['KILDE_KEY']);
    await expect(writeKeys(file)).rejects.toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(read('.gitignore').split('\n')).toContain('.env');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
