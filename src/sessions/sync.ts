/** Brings the commits of a session's container back while it goes on running. */
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { hasCode, ParaError } from '../errors.ts';
import type { BroughtBack } from '../git/bring-back.ts';
import { commitsBetween } from '../git/ancestry.ts';
import type { Repository } from '../git/repository.ts';
import { requireContainer } from './containers.ts';
import { findSession, type FindContext } from './find.ts';
import { loadRecord, lockSession, type SessionRecord } from './store.ts';
import { bringCommitsBack, type Teardown } from './teardown.ts';
import { requireNothingUnderWay } from './unsettled.ts';
import { shellQuote } from '../sys/shell-quote.ts';

/** What working on a session under its lock needs of the App. */
export interface SyncContext extends FindContext {
  repository(): Promise<Repository>;
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** What came back, and how far the host is ahead of what the container knows. */
export interface Synced {
  readonly record: SessionRecord;
  readonly back: BroughtBack;
  /** Commits of the host that the container's branch has not got. */
  readonly behind: number;
}

/**
 * Moves the session's branch to what was committed in the container. Asks no engine; safe to repeat.
 * @throws REFUSED when the branch moved on the host too, CONTAINER_NOT_FOUND, BUSY
 */
export async function syncSession(context: SyncContext, session: string | undefined): Promise<Synced> {
  const { places, record: found } = await findSession(context, session, 'containers');
  requireActive(found);
  requireContainer(found);
  const repo = await context.repository();
  return lockSession(places, found.name, 'brings commits back', async () => {
    const record = (await loadRecord(places, found.name)) ?? found;
    requireActive(record);
    requireSealed(record);
    // What is under way inside goes on there; on the host its branch would move beneath it.
    await requireNothingUnderWay({ repo, places, record: { ...record, container: null } });
    const back = await bringBackAlive({ record, places, repo, service: undefined });
    const { inside, after } = back;
    const behind = inside === undefined ? 0 : await commitsBetween(repo, inside, after);
    return { record, back, behind };
  });
}

/** git inside may be moving its objects about at that moment: then they are where they belong the second time. */
async function bringBackAlive(from: Teardown): Promise<BroughtBack> {
  try {
    return await bringCommitsBack(from);
  } catch (error) {
    if (!hasCode(error, 'GIT_FAILED')) throw error;
    return bringCommitsBack(from);
  }
}

/** A session that is neither finished nor in the middle of something. @throws REFUSED */
export function requireActive({ name, status }: SessionRecord): void {
  if (status === 'active') return;
  throw new ParaError(
    'REFUSED',
    status === 'review' ? `the session ${name} is finished` : `the session ${name} is half done (${status})`,
    { hint: 'What it needs, if anything, is said by: para list' },
  );
}

function requireSealed(record: SessionRecord): void {
  if (requireContainer(record).git === 'sealed') return;
  throw new ParaError('REFUSED', `git is off in the container of ${record.name}: it makes no commits`, {
    hint: `Commit on the host: cd ${shellQuote(record.worktree_path)}`,
  });
}
