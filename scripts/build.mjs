/** Bundles src/ into dist/: one small entry, every command a chunk of its own that is loaded when typed. */
import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
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
  onLoad({ filter, namespace: 'file' }, async ({ path }) => {
    // Old ones are asked for by `require`, and are the function themselves.
    const isModule = /^export /m.test(await readFile(path, 'utf8'));
    return {
      contents: `
        ${isModule ? 'export default' : 'module.exports = stringWidth;'} function stringWidth(text, options) {
          if (typeof text === 'string' && ${PLAIN}.test(text)) return text.length;
          return require('whole:${relative('.', path)}').default(text, options);
        }`,
      loader: 'js',
    };
  });
  onResolve({ filter: /^whole:/ }, ({ path }) => ({ path: path.slice('whole:'.length), namespace: 'whole' }));
  onLoad({ filter: /.*/, namespace: 'whole' }, async ({ path }) => ({
    contents: await readFile(path, 'utf8'),
    resolveDir: dirname(resolve(path)),
    loader: 'js',
  }));
}

const GENERATED = 'src/config/generated';

/** Each validator a chunk of its own: they are half of all that is loaded, and a command needs one or two. */
function apart({ onResolve }) {
  onResolve({ filter: /^\.\/[a-z]+\.cjs$/ }, ({ path, importer }) =>
    importer.endsWith(`${GENERATED}/validators.cjs`)
      ? { path: path.replace(/^\.\/(.*)\.cjs$/, './validate-$1.js'), external: true }
      : undefined,
  );
}

/** The bundle as ES modules, which alone can be split. */
async function split() {
  const { outputFiles, metafile } = await build({
    entryPoints: { para: 'src/main.ts' },
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
      { name: 'apart', setup: apart },
    ],
    minifySyntax: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return { chunks: new Map(outputFiles.map(({ path, text }) => [basename(path), text])), metafile };
}

/** Adds what was left apart to what `split` gives. */
async function addValidators({ chunks, metafile }) {
  for (const file of (await readdir(GENERATED)).filter((name) => name.endsWith('.cjs'))) {
    if (file === 'validators.cjs') continue;
    const [path, name] = [join(GENERATED, file), `validate-${basename(file, '.cjs')}.js`];
    chunks.set(name, await readFile(path, 'utf8'));
    metafile.outputs[join('dist', name)] = { entryPoint: path, inputs: { [path]: {} }, imports: [] };
  }
}

/** Shell and JavaScript at once: without the `--`, node takes para's own --env-file for its own and ends with 9 when
 *  there is no such file (nodejs/node#54232). */
const LAUNCHER = '#!/bin/sh\n\':\' //; exec node -- "$0" "$@"\n';
// Names stay as they are: a stack that somebody reports tells where.
const PLAIN_NODE = { platform: 'node', target: 'node20', logLevel: 'warning', minifyWhitespace: true };

/** What waits at its top level can be no CommonJS: yoga, below ink. */
const WAITS = /^live-monitor-.*\.js$/;

/** A chunk as a function in one file with all the others, of which Node 20 can keep the compiled code. */
async function toFunction(name, code) {
  const found = code.replace(/\bimport\(("\.\/live-monitor-[^"]+)\.js"\)/g, '__import($1.mjs")');
  const { code: text } = await transform(found, {
    ...{ ...PLAIN_NODE, format: 'cjs', charset: 'ascii' },
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '__moduleUrl' },
  });
  const url = text.includes('__moduleUrl')
    ? "const __moduleUrl=require('node:url').pathToFileURL(__filename).href;"
    : '';
  return `${JSON.stringify(`./${name}`)}(exports,require,module,__import){${url}${withoutHelpers(text.trimEnd())}}`.replace(
    // What esbuild leaves in regular expressions: read as one byte a character, it takes half the memory.
    /[^\0-\x7f]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What esbuild puts before each chunk: here once for all, since it is half of what a small chunk costs. */
const HELPER =
  /^var (__(?:create|defProp|getOwnPropDesc|getOwnPropNames|getProtoOf|hasOwnProp|export|copyProps|toESM|toCommonJS))=/;
const helpers = new Map();

/** The code without the helpers at its beginning, which are kept. */
function withoutHelpers(code) {
  const name = HELPER.exec(code)?.[1];
  if (name === undefined) return code;
  let [end, depth] = [0, 0];
  while (code[end] !== ';' || depth > 0) {
    depth += '({['.includes(code[end]) ? 1 : ')}]'.includes(code[end]) ? -1 : 0;
    end += 1;
  }
  const [text, rest] = [code.slice(0, end + 1), withoutHelpers(code.slice(end + 1))];
  if (!helpers.has(name)) helpers.set(name, text);
  // One that is written in another way stays where it is.
  return helpers.get(name) === text ? rest : text + rest;
}

/** Bundled CommonJS needs `require`; the alias avoids yargs' own createRequire (facts/style.md §4.6). */
const REQUIRE = `import { createRequire as __createRequire } from 'node:module';
import __bundle from './main.js';
const require = __createRequire(import.meta.url);
`;

/** An ES module of its own, which finds the other chunks where they are. */
async function toModule(code) {
  const { code: text } = await transform(code, { ...PLAIN_NODE, format: 'esm' });
  const shared = /\bimport(?:\{([^}]*)\}from)?("\.\/[^"]+")/g;
  return `${REQUIRE}${text.replace(shared, (_all, names, from) =>
    names === undefined
      ? `__bundle.load(${from})`
      : `const{${names.replaceAll(' as ', ':')}}=__bundle.load(${from})`,
  )}`;
}

await rm('dist', { recursive: true, force: true });
await mkdir('dist');
const { chunks, metafile } = await split();
await addValidators({ chunks, metafile });
/** Sources whose chunks are in one file: what every command needs and the quickest ones, then what makes lists. */
const FILES = {
  'para.js': [
    ...['src/main.ts', 'src/cli/program.ts', 'src/cli/app.ts', 'src/ui/output.ts', 'src/sys/foreground.ts'],
    ...['exec', 'attach', 'logs'].map((name) => `src/cli/commands/docker-${name}.ts`),
    `${GENERATED}/session.cjs`,
  ],
  'lists.js': [...['src/cli/commands/list.ts', 'src/cli/commands/docker-list.ts', 'src/sys/background.ts']],
  'rest.js': [],
};

/** The chunk of an entry with all that it imports, by their names. */
function chunksOf(entry, outputs) {
  const [first] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === entry) ?? [];
  if (first === undefined) throw new Error(`nothing loads ${entry} by itself`);
  const found = new Set([first]);
  for (const path of found)
    for (const { kind, path: next } of outputs[path].imports)
      if (kind === 'import-statement' && outputs[next] !== undefined) found.add(next);
  return [...found].map((path) => basename(path));
}

const functions = new Map();
for (const [name, code] of chunks)
  if (WAITS.test(name)) await writeFile(join('dist', name.replace(/js$/, 'mjs')), await toModule(code));
  else functions.set(name, await toFunction(name, code));
// esbuild's own copies every export, by a second way to it.
helpers.set('__toCommonJS', 'var __toCommonJS=mod=>__defProp(mod,"__esModule",{value:true});');
const bundle = Object.entries(FILES).map(([file, entries]) => {
  const names =
    entries.length === 0
      ? [...functions.keys()]
      : entries.flatMap((entry) => chunksOf(entry, metafile.outputs));
  const texts = names.map((name) => functions.get(name)).filter((text) => text !== undefined);
  for (const name of names) functions.delete(name);
  const text = `${[...helpers.values()].join('')}\nmodule.exports={\n${[...new Set(texts)].join(',\n')}};\n`;
  return { file, text };
});
for (const { file, text } of bundle) await writeFile(join('dist', file), text);
const boot = await build({
  ...PLAIN_NODE,
  entryPoints: ['src/boot.ts'],
  bundle: true,
  write: false,
  format: 'cjs',
});
const program = boot.outputFiles[0].text;
const { version } = JSON.parse(await readFile('package.json', 'utf8'));
const id = createHash('sha256').update(program).update(JSON.stringify(bundle)).digest('hex').slice(0, 12);
const commands = (await readdir('src/cli/commands')).map((name) => basename(name, '.ts'));
const known = `const PARA_BUILD = ${JSON.stringify({ version, id, files: Object.keys(FILES), commands })};\n`;
await writeFile('dist/main.js', `${LAUNCHER}${known}${program}`);
// What is in which chunk, for the test of what a command loads.
await mkdir('node_modules/.cache', { recursive: true });
// A new file: a copy of the project may have the old one by a link.
await rm('node_modules/.cache/para-build.json', { force: true });
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
