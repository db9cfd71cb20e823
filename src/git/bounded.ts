/** A tree may name itself a million times in a few bytes; what reads all of it would take all memory there is. */
import { hasCode, ParaError } from '../errors.ts';
import { type Repository, place } from './repository.ts';

/** Bytes of the names of all files; some million files. */
const MOST_NAMES = 128 * 1024 * 1024;

/**
 * Looks how much there is to a commit before an index is made of it.
 * @throws GIT_REFUSED when there are more files than any index holds, GIT_FAILED
 */
export async function requireBounded(repo: Repository, commit: string): Promise<void> {
  // Prints as it goes, and keeps nothing; a comparison of two trees is all in memory first.
  const args = ['ls-tree', '-r', '-z', '--name-only', '--full-tree', commit];
  try {
    await repo.git.bytes({ args, place: place(repo), read: true, maxBuffer: MOST_NAMES });
  } catch (error) {
    if (!hasCode(error, 'ENGINE_OUTPUT_UNREADABLE')) throw error;
    throw new ParaError('GIT_REFUSED', 'the commits made in the container hold too many files to be taken', {
      hint: `nothing of the branch was changed; the commit is ${commit}`,
      details: { commit },
    });
  }
}
