/** Reads what a commit holds, without a checkout. */
import { succeeded } from '../sys/run.ts';
import { type Repository, place } from './repository.ts';

/** Names at the top of a commit's tree. @throws GIT_FAILED */
export async function topLevelNames(repo: Repository, commit: string): Promise<readonly string[]> {
  const listed = await repo.git.bytes({
    args: ['ls-tree', '-z', '--name-only', commit],
    place: place(repo),
    read: true,
  });
  return listed
    .toString('utf8')
    .split('\0')
    .filter((name) => name !== '');
}

/** A file of a commit as bytes, or undefined when the commit has no such file. */
export async function readCommitted(
  repo: Repository,
  commit: string,
  path: string,
): Promise<Buffer | undefined> {
  const answer = await repo.git.attempt({
    args: ['cat-file', 'blob', `${commit}:${path}`],
    place: place(repo),
    read: true,
  });
  return succeeded(answer) ? Buffer.from(answer.stdoutBytes) : undefined;
}
