import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { resolve as absolute, basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { type ExplorerManifest, readManifest } from './manifest.ts';

const page = fileURLToPath(new URL('./page/', import.meta.url));
const resolve = createRequire(import.meta.url).resolve;

// Labels as Monaco asks for them; `editor` answers for every other label.
const workers = {
  editor: 'monaco-editor/esm/vs/editor/editor.worker.js',
  graphql: 'monaco-graphql/esm/graphql.worker.js',
  json: 'monaco-editor/esm/vs/language/json/json.worker.js',
};

const packages = ['graphiql', '@graphiql/react', 'monaco-editor', 'monaco-graphql', 'react', 'react-dom', 'graphql'];

const versionOf = async (name: string): Promise<string> => {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const text = await readFile(join(folder, name, 'package.json'), 'utf8').catch(() => null);
    if (text !== null) return (JSON.parse(text) as { version: string }).version;
  }
  throw new Error(`the package ${name} is not installed; run npm ci`);
};

/** Changes when anything does that the built files are made of. */
const stampOf = async (): Promise<string> => {
  const hash = createHash('sha256');
  const outside = ['../../schema/sources.ts', './build.ts'].map((file) =>
    fileURLToPath(new URL(file, import.meta.url)),
  );
  const inside = (await readdir(page, { recursive: true, withFileTypes: true }))
    .filter((it) => it.isFile())
    .map((it) => join(it.parentPath, it.name));
  for (const file of [...inside, ...outside].sort())
    hash
      .update(basename(file))
      .update('\0')
      .update(await readFile(file));
  for (const name of packages) hash.update(`${name}@${await versionOf(name)}`);
  return hash.digest('hex');
};

/** GraphiQL's stylesheet carries its fonts as `data:`; as files they need no relaxation of `font-src`. */
const fontsAsFiles: Plugin = {
  name: 'fonts-as-files',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^data:font\// }, ({ path }) => {
      const digest = createHash('sha256').update(path).digest('hex').slice(0, 8);
      return { path: `font-${digest}.${path.slice(10, path.indexOf(';'))}`, namespace: 'font', pluginData: path };
    });
    onLoad({ filter: /.*/, namespace: 'font' }, ({ pluginData }) => ({
      contents: Buffer.from(String(pluginData).replace(/^[^,]*,/, ''), 'base64'),
      loader: 'file',
    }));
  },
};

/** Monaco imports its own CSS file by file, and GraphiQL's stylesheet holds all of it already. */
const monacoCssOnce: Plugin = {
  name: 'monaco-css-once',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]monaco-editor[\\/].*\.css$/ }, () => ({ contents: '', loader: 'empty' }));
  },
};

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  target: 'es2022',
  platform: 'browser',
  legalComments: 'linked',
  logLevel: 'error',
  define: { 'process.env.NODE_ENV': '"production"' },
} satisfies BuildOptions;

const outputOf = ({ outputs }: Metafile, entry: string) => {
  const found = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint?.endsWith(entry));
  if (!found) throw new Error(`the build made nothing of ${entry}`);
  const [file, output] = found;
  return { name: basename(file), output };
};

const bundle = async (outdir: string, stamp: string): Promise<void> => {
  const forWorkers = await build({
    ...common,
    outdir,
    format: 'iife',
    entryPoints: Object.entries(workers).map(([label, file]) => ({ out: `worker-${label}`, in: resolve(file) })),
    entryNames: '[name]-[hash]',
  });
  const workerUrls = Object.fromEntries(
    Object.entries(workers).map(([label, file]) => [label, `/explorer/${outputOf(forWorkers.metafile, file).name}`]),
  );
  const forPage = await build({
    ...common,
    outdir,
    format: 'esm',
    splitting: true,
    entryPoints: { explorer: join(page, 'main.tsx') },
    entryNames: '[name]-[hash]',
    chunkNames: 'chunk-[hash]',
    assetNames: '[name]-[hash]',
    jsx: 'automatic',
    plugins: [fontsAsFiles, monacoCssOnce],
    // The names GraphiQL uses lead to UMD builds, of which a dynamic import sees no exports.
    alias: {
      'prettier/parser-babel': 'prettier/plugins/babel',
      'prettier/parser-graphql': 'prettier/plugins/graphql',
    },
    define: { ...common.define, WORKER_URLS: JSON.stringify(workerUrls) },
  });
  const { name: script, output } = outputOf(forPage.metafile, 'main.tsx');
  const manifest: ExplorerManifest = {
    script,
    preload: output.imports.filter((it) => it.kind === 'import-statement').map((it) => basename(it.path)),
    styles: output.cssBundle ? [basename(output.cssBundle)] : [],
    stamp,
  };
  const compressible = (await readdir(outdir)).filter((file) => /\.(js|css)$/.test(file));
  await Promise.all(
    compressible.map(async (file) =>
      writeFile(join(outdir, `${file}.gz`), await promisify(gzip)(await readFile(join(outdir, file)))),
    ),
  );
  await writeFile(join(outdir, 'manifest.json'), JSON.stringify(manifest));
};

/**
 * Bundles the explorer into `outdir`, every file that the page needs, so that it works without any network. Does nothing
 * when what stands there is made of the same sources and package versions. The folder is replaced in one step: whoever
 * reads it meanwhile sees the old files or the new.
 */
export const buildExplorer = async (options: { outdir: string }): Promise<void> => {
  const outdir = absolute(options.outdir); // without a slash at its end: the fresh folder is put beside it, not in it
  const stamp = await stampOf();
  if ((await readManifest(outdir))?.stamp === stamp) return;
  const fresh = `${outdir}.${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  try {
    await bundle(fresh, stamp);
    await rm(outdir, { recursive: true, force: true });
    await rename(fresh, outdir);
  } catch (thrown) {
    // Two processes may build at once (tests do): the one that comes last finds the other's whole and equal folder.
    if ((await readManifest(outdir))?.stamp !== stamp) throw thrown;
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
};

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  await buildExplorer({ outdir: fileURLToPath(new URL('../../.kilde/explorer', import.meta.url)) });
