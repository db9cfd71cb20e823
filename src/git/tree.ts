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

/** A file that a commit has, and another one has not or has otherwise. */
export interface ChangedFile {
  readonly path: string;
  readonly isExecutable: boolean;
  /** The other commit has it too. */
  readonly isOld: boolean;
}

/** Most bytes of the names and modes that are read. */
const MOST_CHANGES = 64 * 1024 * 1024;

/** What is new or otherwise in `after`; renamed is new. @throws GIT_FAILED, ENGINE_OUTPUT_UNREADABLE for too much */
export async function changedFiles(
  repo: Repository,
  before: string,
  after: string,
): Promise<readonly ChangedFile[]> {
  const listed = await repo.git.bytes({
    args: ['diff-tree', '-r', '-z', '--raw', '--no-renames', before, after],
    place: place(repo),
    read: true,
    maxBuffer: MOST_CHANGES,
  });
  const fields = listed.toString('utf8').split('\0');
  const found: ChangedFile[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    // `:100644 100755 <oid> <oid> M`, then the path.
    const [was = '', mode = ''] = (fields[i] ?? '').split(' ');
    if (mode !== '000000')
      found.push({ path: fields[i + 1] ?? '', isExecutable: mode === '100755', isOld: was !== ':000000' });
  }
  return found;
}
