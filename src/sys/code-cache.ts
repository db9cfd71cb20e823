/**
 * Loads para's own code, and keeps what V8 makes of it from one run to the next: compiling costs a third of a short
 * command. Node has this since 22.1 (`module.enableCompileCache`); before it, the same is done here for each command,
 * with just the functions that it called. Any doubt about a file means: compile.
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

/** The file that holds all chunks, what it was made of, and which part of it is meant to be used. */
interface Bundle {
  readonly file: string;
  readonly build: string;
  readonly part: string;
}

/** Gives a chunk by its name, such as `./para.js`, or a module of Node's. */
type Load = (name: string) => unknown;

/** What a bundle exports: as of Node's own modules, and the way to those that can be no CommonJS. */
type Chunks = Readonly<
  Record<
    string,
    (
      exports: object,
      require: Load,
      module: { exports: object },
      importModule: (name: string) => Promise<unknown>,
    ) => void
  >
>;

/** Of Node's own loader of CommonJS, what matters here. */
interface Loader {
  wrap(code: string): string;
  readonly enableCompileCache?: (directory: string) => unknown;
}

/** Caches of builds that nobody has used for so long are removed, when a new one is made. */
const UNUSED_MS = 30 * 24 * 3_600_000;

/** Begins to use the bundle, with what was kept of it. */
export function openBundle({ file, build, part }: Bundle, env: NodeJS.ProcessEnv): Load {
  const loader = Module as unknown as Loader;
  const outside = Module.createRequire(file);
  const used = new Map<string, { exports: object }>();
  const chunks = readBundle();
  return load;

  function readBundle(): Chunks {
    try {
      const cache = openCache(env, `${build}-${process.version}-${process.arch}`);
      if (cache !== undefined && loader.enableCompileCache === undefined)
        return runKept(file, join(cache, `${part}.bin`), () => [...used.keys()]);
      if (cache !== undefined) loader.enableCompileCache?.(cache);
    } catch {
      // A cache that can not be used makes para slower, and nothing else.
    }
    return outside(file) as Chunks;
  }

  function load(name: string): unknown {
    const chunk = chunks[name];
    if (chunk === undefined) return outside(name);
    const known = used.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    used.set(name, module);
    chunk(module.exports, load, module, (path) => import(path));
    return module.exports;
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

/** Before the last line of a kept file, which names the chunks that were used when it was made. */
const LAST_LINE = 10;

/** Runs the bundle with what `kept` has of it; what it did not have is kept when the process ends. */
function runKept(file: string, kept: string, used: () => readonly string[]): Chunks {
  const code = Module.wrap(readFileSync(file, 'latin1'));
  const found = read(kept);
  const end = found?.lastIndexOf(LAST_LINE) ?? -1;
  const cachedData = end === -1 ? undefined : found?.subarray(0, end);
  const script = new Script(code, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
  const isKept = cachedData !== undefined && script.cachedDataRejected === false;
  const known = new Set(isKept ? found?.toString('latin1', end + 1).split(' ') : []);
  process.on('exit', () => {
    const now = used();
    if (now.every((name) => known.has(name))) return;
    const names = Buffer.from(`\n${[...new Set([...known, ...now])].join(' ')}`);
    write(kept, Buffer.concat([script.createCachedData(), names]));
  });
  const module = { exports: {} };
  const body = script.runInThisContext() as (...values: readonly unknown[]) => void;
  body.call(module.exports, module.exports, undefined, module, file);
  return module.exports;
}

function read(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Whole or not at all. */
function write(file: string, content: Buffer): void {
  const temporary = `${file}.${String(process.pid)}.tmp`;
  try {
    writeFileSync(temporary, content, { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    rmSync(temporary, { force: true });
  }
}
