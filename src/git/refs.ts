/** Branch names, base commits and the refs of the repository. */
import { ParaError } from '../errors.ts';
import { succeeded } from '../sys/run.ts';
import { gitFailed, type Place } from './git.ts';
import { type Repository, place } from './repository.ts';
import { isSafeRefName } from './untrusted.ts';

const MAX_NAME_BYTES = 200;

/** The commit a ref names, or undefined. `ref` is a full name (`refs/heads/x`) or an object id. */
export async function commitOf(
  repo: Repository,
  ref: string,
  where: Place = place(repo),
): Promise<string | undefined> {
  const args = ['rev-parse', '-q', '--verify', '--end-of-options', `${ref}^{commit}`];
  const answer = await repo.git.attempt({ args, place: where, read: true });
  return succeeded(answer) ? Buffer.from(answer.stdoutBytes).toString('utf8').trim() : undefined;
}

/**
 * The objects that names mean (refs, object ids, `…^{tree}`), asked for in one call; undefined for what is not
 * there. @throws GIT_FAILED
 */
export async function objectsOf(
  repo: Repository,
  names: readonly string[],
): Promise<readonly (string | undefined)[]> {
  if (names.length === 0) return [];
  const answer = await repo.git.text({
    args: ['cat-file', '--batch-check=%(objectname)'],
    input: names.map((name) => `${name.includes('\n') ? '' : name}\n`).join(''),
    place: place(repo),
    read: true,
    env: { GIT_NO_LAZY_FETCH: '1' },
  });
  const lines = answer.split('\n');
  return names.map((_, index) => lines[index]).map((line = '') => (OID.test(line) ? line : undefined));
}

/** Such lines end with ` missing`, or ` ambiguous`, when there is none. */
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The commit to start from: what the user typed, as git understands it in the worktree we are in (`here`), or the main
 * checkout's HEAD.
 * @throws GIT_REFUSED when there is no commit yet, NAME_INVALID for a ref that names no commit.
 */
export async function resolveBase(repo: Repository, ref?: string, here?: Place): Promise<string> {
  if (ref === undefined && repo.headCommit === undefined) {
    throw new ParaError('GIT_REFUSED', 'this repository has no commit to start from', {
      hint: 'git commit --allow-empty -m init',
    });
  }
  if (ref === undefined) return repo.headCommit ?? '';
  const commit = ref.startsWith('-') || ref === '' ? undefined : await commitOf(repo, ref, here);
  if (commit !== undefined) return commit;
  throw new ParaError('NAME_INVALID', `${JSON.stringify(ref)} names no commit`, {
    hint: 'git branch -a lists the branches',
  });
}

/** Branches, of remotes too, by name; the newest first. */
export async function listBranches(repo: Repository): Promise<readonly string[]> {
  const args = ['for-each-ref', '--sort=-committerdate', '--format=%(refname:short)'];
  const listed = await repo.git.text({
    args: [...args, 'refs/heads', 'refs/remotes'],
    place: place(repo),
    read: true,
  });
  return listed.split('\n').filter((name) => name !== '' && !name.endsWith('/HEAD'));
}

/** True when the branch exists. */
export async function branchExists(repo: Repository, branch: string): Promise<boolean> {
  return (await commitOf(repo, `refs/heads/${branch}`)) !== undefined;
}

/**
 * Checks a branch name that is to be made: git's own rules, no leading dash, at most 200 bytes, and no other
 * branch that would have to be a directory and a file at once (`para/a` and `para/a/b`).
 * @returns whether there is a branch of that name already
 * @throws NAME_INVALID
 */
export async function checkBranchName(repo: Repository, branch: string): Promise<boolean> {
  const refuse = (why: string): never => {
    throw new ParaError('NAME_INVALID', `${JSON.stringify(branch)} can not be a branch: ${why}`, {
      hint: 'Its first part is a setting:\npara config set git.branch_prefix para',
      details: { branch },
    });
  };
  if (branch.startsWith('-')) refuse('it begins with a dash');
  if (Buffer.byteLength(branch) > MAX_NAME_BYTES) refuse(`it is longer than ${String(MAX_NAME_BYTES)} bytes`);
  // One file system would take it for the same name as its other form, another one would not.
  if (branch !== branch.normalize('NFC')) refuse('it holds a character in two parts (it is not in NFC)');
  if (branch.includes('\0') || branch.startsWith('@{')) refuse('git does not allow it');
  if (branch === 'HEAD' || !(await isRefName(repo, `refs/heads/${branch}`))) refuse('git does not allow it');
  const heads = await repo.git.text({
    args: ['for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/'],
    place: place(repo),
    read: true,
  });
  const others = heads.split('\n').filter((name) => name !== '');
  for (const other of others) {
    if (branch.startsWith(`${other}/`) || other.startsWith(`${branch}/`))
      refuse(`the branch ${other} is in the way`);
  }
  return others.includes(branch);
}

/** By git's rules; git itself is asked only for what is not plain. */
async function isRefName(repo: Repository, name: string): Promise<boolean> {
  if (isSafeRefName(name)) return true;
  const args = ['check-ref-format', name];
  return succeeded(await repo.git.attempt({ args, place: place(repo), read: true }));
}

/** The refs below these prefixes (with a trailing slash) and their commits. @throws GIT_FAILED */
export async function refsUnder(
  repo: Repository,
  prefixes: readonly string[],
): Promise<readonly { readonly ref: string; readonly commit: string }[]> {
  const args = ['for-each-ref', '--sort=version:refname', '--format=%(objectname) %(refname)', ...prefixes];
  const listed = await repo.git.text({ args, place: place(repo), read: true });
  return listed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ commit: line.split(' ', 1)[0] ?? '', ref: line.slice(line.indexOf(' ') + 1) }));
}

/** Sets `ref` to `after` if it still is at `before` (undefined: it must not exist). @throws GIT_FAILED */
export async function swapRef(
  repo: Repository,
  ref: string,
  move: { before: string | undefined; after: string },
): Promise<void> {
  const zero = '0'.repeat(repo.objectFormat === 'sha256' ? 64 : 40);
  const args = ['update-ref', '-m', 'para', '--end-of-options', ref, move.after, move.before ?? zero];
  await repo.git.text({ args, place: place(repo) });
}

/** Deletes `ref` if it still is at `before`; a ref that is gone is no error. @throws GIT_FAILED when it moved */
export async function dropRef(repo: Repository, ref: string, before: string): Promise<void> {
  const args = ['update-ref', '-d', '--end-of-options', ref, before];
  const answer = await repo.git.attempt({ args, place: place(repo) });
  if (!succeeded(answer) && (await commitOf(repo, ref)) !== undefined) throw gitFailed(args, answer);
}

/** The same of several refs, as one change where all are as they were. @throws GIT_FAILED when one moved */
export async function dropRefs(
  repo: Repository,
  refs: readonly { readonly ref: string; readonly commit: string }[],
): Promise<void> {
  if (refs.length === 0) return;
  const input = refs.map(({ ref, commit }) => `delete ${ref} ${commit}\n`).join('');
  const answer = await repo.git.attempt({ args: ['update-ref', '--stdin'], input, place: place(repo) });
  if (!succeeded(answer)) for (const { ref, commit } of refs) await dropRef(repo, ref, commit);
}

/** Deletes the branch if its tip still is `tip`. @throws GIT_FAILED when it moved */
export async function deleteBranch(repo: Repository, branch: string, tip: string): Promise<void> {
  await dropRef(repo, `refs/heads/${branch}`, tip);
}
