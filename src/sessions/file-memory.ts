/** Answers that are made anew only when one of the files that they were made of has changed, or they are old. */
import { lstat } from 'node:fs/promises';

/** Remembers answers by name. */
export interface FileMemory {
  /** `files` is what the answer depends on; directories count, what is missing too. */
  recall<T>(name: string, files: readonly string[], make: () => Promise<T>): Promise<T>;
  /** Forgets what nobody has asked for since the last time: of a session that is gone, say. */
  forgetUnused(): void;
  readonly size: number;
}

/** A change that leaves size and time of a file alone is seen when the answer is `maxAgeMs` old. */
export function createFileMemory(maxAgeMs: number, now: () => number): FileMemory {
  const known = new Map<string, { mark: string; at: number; answer: unknown }>();
  const asked = new Set<string>();
  return {
    async recall<T>(name: string, files: readonly string[], make: () => Promise<T>): Promise<T> {
      asked.add(name);
      const mark = await markOf(files);
      const found = known.get(name);
      if (found?.mark === mark && now() - found.at < maxAgeMs) return found.answer as T;
      const answer = await make();
      known.set(name, { mark, at: now(), answer });
      return answer;
    },
    forgetUnused(): void {
      for (const name of known.keys()) if (!asked.has(name)) known.delete(name);
      asked.clear();
    },
    get size(): number {
      return known.size;
    },
  };
}

/** What the files look like from outside; another one when one of them was changed. */
export async function markOf(files: readonly string[]): Promise<string> {
  const marks = files.map(async (file) => {
    const found = await lstat(file).catch(() => undefined);
    return found === undefined ? '-' : `${String(found.mtimeMs)}:${String(found.size)}:${String(found.ino)}`;
  });
  return (await Promise.all(marks)).join(' ');
}
