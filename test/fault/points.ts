/**
 * The moments at which a para in this process can die: before and after each step, each process and each change of a
 * file. To be imported before anything of src is.
 */
import { afterAll } from '@jest/globals';
import { AsyncLocalStorage } from 'node:async_hooks';
import { join } from 'node:path';

const files = process.getBuiltinModule('node:fs/promises');
const real = { ...files };

/** One para, as far as its life goes. */
export interface Life {
  /** Comes to a moment at which it may die; when it does, nothing of it ever goes on. */
  point(): Promise<void>;
  /** A file is about to be changed. */
  touches(path: string): void;
}

const lives = new AsyncLocalStorage<Life>();

/** Runs `work` as one life. */
export function live<T>(life: Life, work: () => Promise<T>): Promise<T> {
  return lives.run(life, work);
}

const CHANGES = ['writeFile', 'rename', 'link', 'mkdir', 'mkdtemp', 'rm', 'chmod', 'copyFile', 'cp'] as const;
/** Of these the second argument is what is changed too. */
const TWO = new Set<string>(['rename', 'link', 'copyFile', 'cp']);

type Change = (path: string, ...rest: unknown[]) => Promise<unknown>;

function watched(name: (typeof CHANGES)[number]): Change {
  const change = real[name] as unknown as Change;
  return async (path, ...rest) => {
    const life = lives.getStore();
    if (life === undefined) return change(path, ...rest);
    const [to] = rest;
    for (const one of TWO.has(name) ? [path, to] : [path]) life.touches(String(one));
    await life.point();
    if (name === 'rm') await halfGone(life, path);
    const result = await change(path, ...rest);
    await life.point();
    return result;
  };
}

/** A directory goes one entry after another. */
async function halfGone(life: Life, path: string): Promise<void> {
  const entries = await real.readdir(path).catch(() => []);
  for (const entry of entries.slice(0, entries.length / 2))
    await real.rm(join(path, entry), { recursive: true, force: true });
  if (entries.length > 1) await life.point();
}

Object.assign(files, Object.fromEntries(CHANGES.map((name) => [name, watched(name)])));
afterAll(() => {
  Object.assign(files, real);
});
