/** Bundles src/ into dist/: one small entry, every command a chunk of its own that is loaded when typed. */
import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

/** ink without its way to a debugger, which is not installed. Whoever watches is there, whatever CI=1 says. */
function ink({ onLoad, onResolve }) {
  onResolve({ filter: /^\.\/devtools\.js$/ }, () => ({ path: 'react-devtools-core', external: true }));
  onLoad({ filter: /\/node_modules\/is-in-ci\/index\.js$/ }, () => ({ contents: 'export default false' }));
}

/** Each as wide as one letter: no sign that joins another, none that is drawn wide, none that is an emoji. */
const PLAIN = /^[\x20-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027\u2030-\u203b\u203d-\u2048\u204a-\u205e]*$/;

/** What is measured is nearly always plain: the tables of Unicode, 20 ms to set up, are asked only when it is not. */
function plainWidth({ onLoad, onResolve }) {
  const filter = /\/node_modules\/string-width\/index\.js$/;
  onLoad({ filter, namespace: 'file' }, ({ path }) => ({
    contents: `
      export default function stringWidth(text, options) {
        if (typeof text === 'string' && ${PLAIN}.test(text)) return text.length;
        return require('whole:${relative('.', path)}').default(text, options);
      }`,
    loader: 'js',
  }));
  onResolve({ filter: /^whole:/ }, ({ path }) => ({ path: path.slice('whole:'.length), namespace: 'whole' }));
  onLoad({ filter: /.*/, namespace: 'whole' }, async ({ path }) => ({
    contents: await readFile(path, 'utf8'),
    resolveDir: dirname(resolve(path)),
    loader: 'js',
  }));
}

/** The bundle as ES modules, which alone can be split. */
async function split() {
  const { outputFiles, metafile } = await build({
    entryPoints: { main: 'src/boot.ts' },
    outdir: 'dist',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // jsonc-parser's main is UMD, whose requires a bundler can not see.
    mainFields: ['module', 'main'],
    define: {
      // React without its checks for developers.
      ...{ 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
      PARA_BUILD: 'PARA_BUILD',
    },
    plugins: [
      { name: 'ink', setup: ink },
      { name: 'plain-width', setup: plainWidth },
    ],
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return { chunks: new Map(outputFiles.map(({ path, text }) => [basename(path), text])), metafile };
}

/** Shell and JavaScript at once: without the `--`, node takes para's own --env-file for its own and ends with 9 when
 *  there is no such file (nodejs/node#54232). */
const LAUNCHER = '#!/bin/sh\n\':\' //; exec node -- "$0" "$@"\n';
/** What waits at its top level can be no CommonJS: yoga, below ink. */
const WAITS = /^live-monitor-/;

/** As CommonJS, of which Node 20 can keep the compiled code; one that can not be that stays as it is, beside it. */
async function toCommonJs(name, code, modules) {
  const isLazy = [...modules].every((module) => !code.includes(`import("./${module}")`));
  const renamed = [...modules].reduce(
    (text, module) => text.replaceAll(`"./${module}"`, `"./${module.replace(/js$/, 'mjs')}"`),
    code,
  );
  // Names stay as they are: a stack that somebody reports tells where.
  const options = { platform: 'node', target: 'node20', logLevel: 'warning', minifyWhitespace: true };
  if (modules.has(name)) {
    const { code: text } = await transform(renamed, { ...options, format: 'esm' });
    return { name: name.replace(/js$/, 'mjs'), code: `${REQUIRE}${text}` };
  }
  const supported = { 'dynamic-import': !isLazy };
  const define = { 'import.meta.url': '__moduleUrl' };
  const { code: text } = await transform(renamed, { ...options, format: 'cjs', supported, define });
  const url = text.includes('__moduleUrl')
    ? "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;\n"
    : '';
  return { name, code: url + text };
}

/** Bundled CommonJS needs `require`; the alias avoids yargs' own createRequire (facts/style.md §4.6). */
const REQUIRE =
  "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);\n";

await rm('dist', { recursive: true, force: true });
await mkdir('dist');
const { chunks, metafile } = await split();
const modules = new Set([...chunks.keys()].filter((name) => WAITS.test(name)));
const files = await Promise.all([...chunks].map(([name, code]) => toCommonJs(name, code, modules)));
const id = createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 12);
const { version } = JSON.parse(await readFile('package.json', 'utf8'));
for (const { name, code } of files) {
  const text =
    name === 'main.js' ? `${LAUNCHER}const PARA_BUILD = ${JSON.stringify({ version, id })};\n${code}` : code;
  await writeFile(join('dist', name), text);
}
// What is in which chunk, for the test of what a command loads.
await mkdir('node_modules/.cache', { recursive: true });
await writeFile('node_modules/.cache/para-build.json', JSON.stringify(metafile.outputs));
await writeFile('dist/package.json', '{ "type": "commonjs" }\n');
// Runs beside a box, where nothing but node is: one file, and nothing of para's in it.
for (const [program, outfile] of [
  ['src/proxy/main.ts', 'dist/proxy.cjs'],
  ['src/proxy/check-main.ts', 'dist/check.cjs'],
])
  await build({
    entryPoints: [program],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
await chmod('dist/main.js', 0o755);
