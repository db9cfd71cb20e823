/** A directory of para's own, below a place that a person named. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes it, mode 0700, with those above it; one that is there stays as it is. Node's own `recursive` tries for ever where
 * nobody can make any, as below /proc. @throws what `mkdirSync` does
 */
export function makePrivate(path: string): void {
  const above = dirname(path);
  if (!existsSync(above)) makePrivate(above);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
