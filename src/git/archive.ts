/**
 * Archives: a session that was cancelled, as one commit under `refs/para/archive/<session>/<time>`. Its parents are
 * everything the session had (branch, snapshots, commits still in the inbox), so nothing of it can be collected as
 * garbage; its tree holds `session.json`, what is needed to bring the session back.
 */
import { ParaError } from '../errors.ts';
import { PARA_IDENTITY } from './identity.ts';
import { dropRef, swapRef } from './refs.ts';
import { type Repository, place } from './repository.ts';

/** What an archive is made of. */
export interface NewArchive {
  readonly repo: Repository;
  readonly session: string;
  /** Such as `20260102T030405Z`; one session can be archived more than once. */
  readonly time: string;
  /** Commits to keep: the branch's tip first. */
  readonly commits: readonly string[];
  /** Text of `session.json`. */
  readonly about: string;
}

/** An archive, as listed. */
export interface Archive {
  readonly session: string;
  readonly time: string;
  readonly ref: string;
  readonly commit: string;
}

const PREFIX = 'refs/para/archive/';
const FILE = 'session.json';

/** The ref of an archive. */
export function archiveRef(session: string, time: string): string {
  return `${PREFIX}${session}/${time}`;
}

/**
 * Makes the archive. One of that name (`before`), which a cancel made that was cut short, stays in it.
 * @throws GIT_FAILED when there is another one by now
 */
export async function createArchive(archive: NewArchive, before: string | undefined): Promise<string> {
  const { repo, session, time } = archive;
  const ref = archiveRef(session, time);
  const run = (args: readonly string[], input?: string): Promise<string> =>
    repo.git.text({ args, input, place: place(repo), env: PARA_IDENTITY });
  const blob = await run(['hash-object', '-w', '--stdin'], archive.about);
  const tree = await run(['mktree'], `100644 blob ${blob}\t${FILE}\n`);
  const kept = before === undefined ? archive.commits : [...archive.commits, before];
  const parents = [...new Set(kept)].flatMap((commit) => ['-p', commit]);
  const commit = await run(['commit-tree', tree, ...parents, '-m', `para: archive of ${session}`]);
  await swapRef(repo, ref, { before, after: commit });
  return commit;
}

/** All archives, or those of a session; the newest first. @throws GIT_FAILED */
export async function listArchives(repo: Repository, session?: string): Promise<readonly Archive[]> {
  const pattern = session === undefined ? PREFIX : `${PREFIX}${session}/`;
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', pattern];
  const listed = await repo.git.text({ args, place: place(repo), read: true });
  return listed
    .split('\n')
    .flatMap((line) => {
      const [, commit = '', ref = '', name = '', time = ''] =
        /^(\S+) (refs\/para\/archive\/([^/]+)\/([^/]+))$/.exec(line) ?? [];
      return commit === '' ? [] : [{ session: name, time, ref, commit }];
    })
    .sort((a, b) => b.time.localeCompare(a.time) || a.session.localeCompare(b.session));
}

/** The text of an archive's `session.json`. @throws GIT_FAILED when it has none */
export async function readArchive(repo: Repository, { commit, ref }: Archive): Promise<string> {
  const args = ['cat-file', 'blob', `${commit}:${FILE}`];
  const answer = await repo.git.attempt({ args, place: place(repo), read: true });
  if (answer.exitCode === 0) return Buffer.from(answer.stdoutBytes).toString('utf8');
  throw new ParaError('GIT_FAILED', `${ref} is no archive of para's`, { hint: `git show ${ref}` });
}

/** The latest date of the archive's commit and of those that it holds. @throws GIT_FAILED */
export async function latestDate(repo: Repository, { commit }: Archive): Promise<Date> {
  const args = ['log', '--no-walk', '--format=%ct', commit, `${commit}^@`];
  const dates = await repo.git.text({ args, place: place(repo), read: true });
  return new Date(Math.max(...dates.split('\n').map(Number)) * 1000);
}

/** Forgets an archive: what only it held can be collected as garbage from now on. Safe to repeat. */
export async function dropArchive(repo: Repository, { ref, commit }: Archive): Promise<void> {
  await dropRef(repo, ref, commit);
}
