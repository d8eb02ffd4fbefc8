import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type ExplorerManifest, readManifest } from './manifest.ts';
import { readExamples } from './operations.ts';

export type ExplorerOptions = {
  /** The folder that `buildExplorer` wrote. */
  root: string;
  /** Folder of example operations, `*.graphql`. */
  examples: string;
  /** Whether personas can be signed in; otherwise the page asks for a token. */
  sandbox: boolean;
};

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.ttf': 'font/ttf',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/**
 * Nothing from elsewhere, no inline script, no eval. Two relaxations, both Monaco's: it writes `style` elements and
 * attributes as it draws (`style-src`), and its stylesheet holds small images as `data:` (`img-src`).
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "font-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const icon = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0b5566"/><path d="M16 6c5 6.300 7 9 7 12.500a7 7 0 0 1-14 0C9 15 11 12.300 16 6z" fill="#fff"/></svg>')}`;

const html = ({ script, preload, styles }: ExplorerManifest, sandbox: boolean): string =>
  `<!doctype html>
<html lang="en" data-sandbox="${sandbox}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Kilde explorer</title>
<link rel="icon" href="${icon}">
${styles.map((file) => `<link rel="stylesheet" href="/explorer/${file}">`).join('\n')}
${preload.map((file) => `<link rel="modulepreload" href="/explorer/${file}">`).join('\n')}
<script type="module" src="/explorer/${script}"></script>
</head>
<body>
<div id="explorer"><noscript>The explorer needs JavaScript. The schema itself is at <a href="/schema.graphql">/schema.graphql</a>.</noscript></div>
</body>
</html>
`;

type Asset = { type: string; body: Buffer; gzipped: Buffer | null };

/** All files in memory, by name: a name that is not one of them is not found, whatever path it spells. */
const readAssets = async (root: string): Promise<Map<string, Asset>> => {
  const names = new Set(await readdir(root));
  const assets = [...names].filter((name) => extname(name) in types);
  return new Map(
    await Promise.all(
      assets.map(async (name): Promise<[string, Asset]> => {
        const gzipped = names.has(`${name}.gz`) ? await readFile(join(root, `${name}.gz`)) : null;
        return [name, { type: types[extname(name)]!, body: await readFile(join(root, name)), gzipped }];
      }),
    ),
  );
};

/**
 * Serves the explorer: `GET /`, its files under `/explorer/`, and `GET /explorer/operations`. Reads the built files once, at
 * start; `app.ready()` rejects when they are missing.
 */
export const registerExplorer = (app: FastifyInstance, { root, examples, sandbox }: ExplorerOptions): void => {
  app.register(async (explorer) => {
    const manifest = await readManifest(root);
    if (!manifest) throw new Error(`the explorer is not built in ${root}; run node gateway/explorer/build.ts`);
    const page = html(manifest, sandbox);
    const assets = await readAssets(root);

    explorer.addHook('onSend', async (_request, reply) => {
      reply.headers({
        'content-security-policy': contentSecurityPolicy,
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'permissions-policy': 'camera=(), geolocation=(), microphone=()',
      });
    });

    explorer.get('/', async (_request, reply) =>
      reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page),
    );

    explorer.get('/explorer/operations', async (_request, reply) =>
      reply.header('cache-control', 'no-store').send(await readExamples(examples)),
    );

    explorer.get<{ Params: { '*': string } }>('/explorer/*', async (request, reply) => {
      const asset = assets.get(request.params['*']);
      if (!asset)
        return reply.code(404).type('text/plain; charset=utf-8').header('cache-control', 'no-store').send('Not found');
      const zipped = asset.gzipped !== null && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
      if (zipped) reply.header('content-encoding', 'gzip');
      return reply
        .type(asset.type)
        .header('cache-control', 'public, max-age=31536000, immutable') // the name holds the content's hash
        .header('vary', 'accept-encoding')
        .send(zipped ? asset.gzipped : asset.body);
    });
  });
};
