/** Whether a name can be given to a new session, and what to do when it can not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import type { Repository } from '../git/repository.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { rebuildRecord } from './rebuild.ts';
import type { Places, SessionRecord } from './store.ts';

/** The branch is free, and no commits of a session whose record is gone are left. @throws SESSION_EXISTS */
export async function requireFreeBranch(
  repo: Repository,
  places: Places,
  {
    session,
    branch,
    isTaken,
  }: { readonly session: string; readonly branch: string; readonly isTaken: boolean },
): Promise<void> {
  const left = existsSync(join(places.docker(session), 'git'));
  if (!left && !isTaken) return;
  if (left || (await rebuildRecord(repo, session)) !== undefined) throw nameTaken(session, places, undefined);
  throw branchTaken(branch, session);
}

/** The error, and the way to what has the name. */
export function nameTaken(session: string, places: Places, record: SessionRecord | undefined): ParaError {
  const worktree = places.worktree(session);
  const hint =
    existsSync(worktree) && record !== undefined ? `cd ${shellQuote(worktree)}` : `para recover ${session}`;
  if (record?.status === 'review')
    return new ParaError('SESSION_EXISTS', `the session ${session} exists already (finished, in review)`, {
      hint: `Its work is on the branch ${record.branch}; once that is merged or gone, the name is free. Until then:\npara start ${session}-2`,
    });
  if (record?.status === 'starting')
    return new ParaError('SESSION_EXISTS', `an earlier start of ${session} has not come to its end`, {
      hint: `When it is not running any more, this undoes it and starts anew:\npara start ${session}`,
    });
  return new ParaError('SESSION_EXISTS', `the session ${session} exists already`, { hint });
}

function branchTaken(branch: string, session: string): ParaError {
  return new ParaError('SESSION_EXISTS', `the branch ${branch} exists already`, {
    hint: `Choose another name:\npara start ${session}-2`,
  });
}
