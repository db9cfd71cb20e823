/** Is a branch's work in another branch: as it is, rebased, or squashed into one commit? */
import { succeeded } from '../sys/run.ts';
import { isAncestor } from './ancestry.ts';
import { PARA_IDENTITY } from './identity.ts';
import { type Repository, place } from './repository.ts';

/** How the work got there; undefined: it did not, or not all of it. */
export type Merged = 'merged' | 'rebased' | 'squashed' | undefined;

/**
 * Compares by merge-base, then patch by patch (git-cherry(1)), then all of it as one patch. Reads only, but for one
 * unreferenced commit object. @throws GIT_FAILED
 */
export async function howMerged(repo: Repository, tip: string, into: string): Promise<Merged> {
  if (await isAncestor(repo, tip, into)) return 'merged';
  const run = async (args: readonly string[]): Promise<string | undefined> => {
    const answer = await repo.git.attempt({ args, place: place(repo), env: PARA_IDENTITY });
    return succeeded(answer) ? Buffer.from(answer.stdoutBytes).toString('utf8').trim() : undefined;
  };
  const isIn = async (commit: string): Promise<boolean> => {
    const lines = await run(['cherry', into, commit]);
    return lines !== undefined && lines !== '' && lines.split('\n').every((line) => line.startsWith('- '));
  };
  if (await isIn(tip)) return 'rebased';
  const base = await run(['merge-base', into, tip]);
  if (base === undefined) return undefined;
  const squashed = await run(['commit-tree', `${tip}^{tree}`, '-p', base, '-m', 'squashed']);
  return squashed !== undefined && (await isIn(squashed)) ? 'squashed' : undefined;
}
