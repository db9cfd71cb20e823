/**
 * Loads para's own code, and keeps what V8 makes of it from one run to the next: compiling costs a third of a short
 * command. Node has this since 22.1 (`module.enableCompileCache`); before it, the same is done here for each command,
 * with just the functions that it called. Any doubt about a file means: compile.
 */
import type { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { Script } from 'node:vm';
import { makePrivate } from './private-dir.ts';

/** The files that hold the chunks, those needed most often first; what they were made of; which command is meant. */
interface Bundle {
  readonly directory: string;
  readonly files: readonly string[];
  readonly build: string;
  readonly part: string;
}

/** Gives a chunk by its name, such as `./para.js`, or a module of Node's. */
type Load = (name: string) => unknown;

/** As of Node's own modules, and with the way to those that can be no CommonJS. */
type Chunk = (
  exports: object,
  require: Load,
  module: { exports: object },
  importModule: (name: string) => Promise<unknown>,
) => void;

/** What a file of the bundle exports. */
type Chunks = Readonly<Record<string, Chunk | undefined>>;

/** Of Node's own loader of CommonJS, what matters here. */
interface Loader {
  readonly enableCompileCache?: (directory: string) => unknown;
}

/** What a file of the bundle has to do with the rest: the chunks that were used, and Node's own modules. */
interface Opened {
  readonly used: ReadonlyMap<string, unknown>;
  readonly load: Load;
}

/** Caches of builds that nobody has used for so long are removed, when a new one is made. */
const UNUSED_MS = 30 * 24 * 3_600_000;

/** Begins to use the bundle, with what was kept of it. */
export function openBundle({ directory, files, build, part }: Bundle, env: NodeJS.ProcessEnv): Load {
  const cache = beginCache(env, `${build}-${process.version}-${process.arch}`);
  const outside = Module.createRequire(join(directory, 'main.js'));
  const used = new Map<string, { exports: object }>();
  const opened: Chunks[] = [];
  const open = (file: string): Chunks => {
    const path = join(directory, file);
    const kept = cache === undefined ? undefined : join(cache, `${part}.${file}.bin`);
    return (
      (kept === undefined ? undefined : runKept(path, kept, { used, load: outside })) ??
      (outside(path) as Chunks)
    );
  };
  const find = (name: string): Chunk | undefined => {
    for (const [i, file] of files.entries()) {
      const chunk = (opened[i] ??= open(file))[name];
      if (chunk !== undefined) return chunk;
    }
    return undefined;
  };
  const load = (name: string): unknown => {
    const known = used.get(name);
    if (known !== undefined) return known.exports;
    const chunk = name.startsWith('./') ? find(name) : undefined;
    if (chunk === undefined) return outside(name);
    const module = { exports: {} };
    used.set(name, module);
    chunk(module.exports, load, module, (path) => import(path));
    return module.exports;
  };
  return load;
}

/** Where to keep what is compiled; undefined where nothing can be kept, or Node does it. */
function beginCache(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const { enableCompileCache } = Module as unknown as Loader;
  try {
    const cache = openCache(env, name);
    if (enableCompileCache === undefined || cache === undefined) return cache;
    enableCompileCache(cache);
  } catch {
    // A cache that can not be used makes para slower, and nothing else.
  }
  return undefined;
}

/** The directory, made when it is not there; undefined when somebody else could write to it, or its owner can not. */
function openCache(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const base = env['XDG_CACHE_HOME'];
  const all = join(
    base !== undefined && isAbsolute(base) ? base : join(homeOf(env), '.cache'),
    'para',
    'code',
  );
  const cache = join(all, name);
  if (statSync(cache, { throwIfNoEntry: false }) === undefined) {
    makePrivate(cache);
    chmodSync(cache, 0o700);
    removeUnused(all);
  }
  const { uid, mode } = statSync(cache);
  return uid === process.geteuid?.() && (mode & 0o722) === 0o700 ? cache : undefined;
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

/** What was kept of a file of the bundle: the data of V8, and the chunks that were used when it was made. */
interface Kept {
  readonly data: Buffer;
  readonly names: readonly string[];
}

/** Before the last line of a kept file, which names the chunks and ends with the SHA-256 of all before it. */
const LAST_LINE = 10;
const SUM_CHARACTERS = 64;

/** Runs a file with what `kept` has of it; what that did not have is kept when the process ends. Undefined: can not. */
function runKept(file: string, kept: string, bundle: Opened): Chunks | undefined {
  try {
    const code = Module.wrap(readFileSync(file, 'latin1'));
    const found = readKept(kept, bundle.load);
    const script = new Script(code, { filename: file, ...(found && { cachedData: found.data }) });
    const known = new Set(script.cachedDataRejected === false ? found?.names : []);
    const module: { exports: Chunks } = { exports: {} };
    const body = script.runInThisContext() as (...values: readonly unknown[]) => void;
    body.call(module.exports, module.exports, undefined, module, file);
    process.on('exit', () => {
      const now = [...bundle.used.keys()].filter((name) => name in module.exports);
      if (now.every((name) => known.has(name))) return;
      const names = [...new Set([...known, ...now])];
      writeKept(kept, { data: script.createCachedData(), names }, bundle.load);
    });
    return module.exports;
  } catch {
    return undefined;
  }
}

/** As it was written, to the last bit: V8 looks at none of it, and follows what is damaged to the end of the process. */
function readKept(file: string, load: Load): Kept | undefined {
  try {
    const found = readFileSync(file);
    const end = Math.max(0, found.length - SUM_CHARACTERS);
    const content = found.subarray(0, end);
    if (found.toString('latin1', end) === sumOf(content, load)) {
      const line = content.lastIndexOf(LAST_LINE);
      const names = content
        .toString('latin1', line + 1)
        .trimEnd()
        .split(' ');
      return { data: content.subarray(0, line), names };
    }
    rmSync(file, { force: true });
  } catch {
    // None, or one that can not be read.
  }
  return undefined;
}

/** Whole or not at all. */
function writeKept(file: string, { data, names }: Kept, load: Load): void {
  const temporary = `${file}.${String(process.pid)}.tmp`;
  try {
    const content = Buffer.concat([data, Buffer.from(`\n${names.join(' ')} `)]);
    writeFileSync(temporary, Buffer.concat([content, Buffer.from(sumOf(content, load))]), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    removeIfPossible(temporary);
  }
}

function removeIfPossible(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Nothing can be made or removed there.
  }
}

/** Nearly every command loads what computes it, so it costs 1 ms for 600 KB; `--version` does not, and has no use for it. */
function sumOf(content: Buffer, load: Load): string {
  const crypto = load('node:crypto') as { readonly createHash: typeof createHash };
  return crypto.createHash('sha256').update(content).digest('hex');
}
