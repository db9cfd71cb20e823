/** What is in a worktree that git does not know yet. */
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { succeeded } from '../sys/run.ts';
import { gitFailed, type Git, type GitCall } from './git.ts';
import { splitPaths } from './stage-paths.ts';

/**
 * Untracked paths that git does not ignore; a nested repository has a trailing slash.
 * @throws REFUSED when git passes over a directory that it can not open, with a warning only: what is in there would be
 * in no commit, and be lost with the worktree. GIT_FAILED
 */
export async function listOthers(
  git: Git,
  call: Pick<GitCall, 'place' | 'filters' | 'timeoutMs'>,
): Promise<readonly Buffer[]> {
  const args = ['ls-files', '-z', '-o', '--exclude-standard'];
  const answer = await git.attempt({ ...call, args, contents: true, read: true });
  if (!succeeded(answer)) throw gitFailed(args, answer);
  // git cuts its own words off after 4096 bytes.
  const closed = [...answer.stderr.matchAll(/^warning: could not open directory '(.*?)(?:': (.*))?$/gm)];
  if (closed[0] !== undefined) throw notOpened(call.place?.workTree ?? '', closed);
  return splitPaths(Buffer.from(answer.stdoutBytes));
}

function notOpened(workTree: string, closed: readonly (readonly (string | undefined)[])[]): ParaError {
  const [, first = '', why = 'its path is too long'] = closed[0] ?? [];
  const more = closed.length > 1 ? `, and ${String(closed.length - 1)} more` : '';
  // A path too long to be opened is too long to be read, too.
  const shown = first.length > 200 ? `${first.slice(0, 199)}…` : first;
  const top = shellQuote(`${workTree}/${first.split('/')[0] ?? ''}`);
  return new ParaError('REFUSED', `git can not look into ${JSON.stringify(shown)}${more}: ${why}`, {
    hint: `What is in there would be lost. Open it:\nchmod -R u+rwX ${top}\nor let it go:\nrm -rf ${top}`,
    details: { directories: closed.slice(0, 20).map(([, path]) => path) },
  });
}
