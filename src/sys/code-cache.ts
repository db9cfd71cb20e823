/**
 * Keeps what V8 makes of para's own code from one run to the next: compiling costs a third of a short command. Node has
 * this since 22.1 (`module.enableCompileCache`); before it, the same is done here for the chunks of the bundle. Any doubt
 * about a file means: compile.
 */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import Module from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Script } from 'node:vm';

/** A chunk that was compiled in this run, because nothing was kept of it. */
interface Fresh {
  readonly script: Script;
  readonly file: string;
}

/** A module of Node's, as far as it matters here. */
interface Chunk {
  filename: string;
  loaded: boolean;
  readonly exports: unknown;
}

/** Node's own loader of CommonJS, whose cache the ES modules among the chunks look into too. */
interface Loader {
  new (filename: string): Chunk;
  readonly _cache: Record<string, Chunk>;
  readonly _extensions: { '.js': (module: Chunk, filename: string) => void };
  wrap(code: string): string;
  readonly enableCompileCache?: (directory: string) => unknown;
}

/** Caches of builds that nobody has used for so long are removed, when a new one is made. */
const UNUSED_MS = 30 * 24 * 3_600_000;

/** Begins to keep the code of the bundle in `directory`; `build` names what it was made of. Does nothing when it can not. */
export function keepCode(directory: string, build: string, env: NodeJS.ProcessEnv): void {
  const loader = Module as unknown as Loader;
  try {
    const cache = openCache(env, `${build}-${process.version}-${process.arch}`);
    if (cache === undefined) return;
    if (loader.enableCompileCache === undefined) keepHere(loader, directory, cache);
    else loader.enableCompileCache(cache);
  } catch {
    // A cache that can not be used makes para slower, and nothing else.
  }
}

/** The directory, made when it is not there; undefined when somebody else could write to it. */
function openCache(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const base = env['XDG_CACHE_HOME'];
  const all = join(
    base !== undefined && isAbsolute(base) ? base : join(homeOf(env), '.cache'),
    'para',
    'code',
  );
  const cache = join(all, name);
  if (statSync(cache, { throwIfNoEntry: false }) === undefined) {
    mkdirSync(cache, { recursive: true, mode: 0o700 });
    chmodSync(cache, 0o700);
    removeUnused(all);
  }
  const { uid, mode } = statSync(cache);
  return uid === process.geteuid?.() && (mode & 0o022) === 0 ? cache : undefined;
}

function homeOf(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'];
  return home !== undefined && isAbsolute(home) ? home : homedir();
}

function removeUnused(all: string): void {
  for (const name of readdirSync(all)) {
    const path = join(all, name);
    if (Date.now() - statSync(path).mtimeMs > UNUSED_MS) rmSync(path, { recursive: true, force: true });
  }
}

function keepHere(loader: Loader, directory: string, cache: string): void {
  const fresh: Fresh[] = [];
  const usual = loader._extensions['.js'];
  const outside = Module.createRequire(join(directory, 'main.js'));
  const load = (filename: string): unknown => {
    const known = loader._cache[filename];
    if (known !== undefined) return known.exports;
    const chunk = new loader(filename);
    chunk.filename = filename;
    loader._cache[filename] = chunk;
    run(chunk, filename);
    chunk.loaded = true;
    return chunk.exports;
  };
  // By name alone: no look for what else the name could mean, nor for links.
  const require = (id: string): unknown =>
    id.startsWith('./') ? load(`${directory}/${id.slice(2)}`) : outside(id);
  const run = (chunk: Chunk, filename: string): void => {
    const code = readFileSync(filename, 'utf8');
    // What comes out of the cache can not load ES modules (Node 20: "A dynamic import callback was not specified").
    if (code.includes('import("./')) {
      usual(chunk, filename);
      return;
    }
    const file = `${cache}${filename.slice(directory.length)}.bin`;
    const script = compile(loader.wrap(code), filename, read(file));
    if (script.cachedDataRejected !== false) fresh.push({ script, file });
    const body = script.runInThisContext() as (...values: readonly unknown[]) => void;
    body.call(chunk.exports, chunk.exports, require, chunk, filename, directory);
  };
  loader._extensions['.js'] = (chunk, filename) => {
    if (filename.startsWith(`${directory}/`)) run(chunk, filename);
    else usual(chunk, filename);
  };
  process.on('exit', () => {
    write(fresh);
  });
}

function compile(code: string, filename: string, cachedData: Buffer | undefined): Script {
  return new Script(code, { filename, ...(cachedData === undefined ? {} : { cachedData }) });
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** With what was compiled while it ran; whole or not at all. */
function write(fresh: readonly Fresh[]): void {
  for (const { script, file } of fresh) {
    const temporary = `${file}.${String(process.pid)}.tmp`;
    try {
      writeFileSync(temporary, script.createCachedData(), { mode: 0o600 });
      renameSync(temporary, file);
    } catch {
      rmSync(temporary, { force: true });
      return;
    }
  }
}
