/** A session whose record is gone or damaged, put together from what git and the file system still say of it. */
import { randomUUID } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { checkSessionRecord } from '../config/records.ts';
import { mergeBase } from '../git/ancestry.ts';
import { readMetas, writeMeta } from '../git/meta.ts';
import { branchExists } from '../git/refs.ts';
import { worktreesDir, type Repository } from '../git/repository.ts';
import { listWorktrees } from '../git/worktrees.ts';
import { isSessionName } from './name.ts';
import { readRecordFile } from './record-file.ts';
import { loadRecord, placesOf, saysNewer, type SessionRecord } from './store.ts';
import { fromUpstream } from './upstream.ts';
import { slotOf } from './warm-links.ts';

/** Makes git remember what the session is, so that it outlives its record; `common` as in writeMeta. */
export async function rememberSession(
  repo: Repository,
  record: SessionRecord,
  common?: string,
): Promise<void> {
  // Values of variables stay out of git: a ref may be pushed. JSON leaves out what is undefined.
  const known = { ...record.container, made_with: undefined };
  const about = JSON.stringify({
    ...record,
    container: record.container === null ? null : known,
    status: 'active',
    operation: null,
  });
  await writeMeta(repo, { session: record.name, about: `${about}\n` }, { base: record.base, common });
}

/**
 * The session without a readable record, if there is anything of it left: from the record of the Rust para, from its
 * ref, or from its worktree. A finished or cancelled one has left nothing to go by.
 */
export async function rebuildRecord(repo: Repository, session: string): Promise<SessionRecord | undefined> {
  return (
    (await takenOver(repo, session)) ??
    (await withSlot(repo, await fromMeta(repo, session))) ??
    (await fromWorktree(repo, session))
  );
}

/** True for a record that came here from another repository: git remembers another session of that name. */
export async function isForeign(repo: Repository, record: SessionRecord): Promise<boolean> {
  if (record.worktree_path === placesOf(repo.root).worktree(record.name)) return false;
  const own = await fromMeta(repo, record.name);
  return own !== undefined && own.uuid !== record.uuid;
}

/**
 * Sessions that git or the worktrees know, and that are not among `known`. One call of git when there is none; none when
 * it is said what git remembers (`remembered`).
 */
export async function rebuildOthers(
  repo: Repository,
  known: ReadonlySet<string>,
  { broken, remembered }: { readonly broken: readonly string[]; readonly remembered?: readonly string[] },
): Promise<readonly SessionRecord[]> {
  const metas = remembered ?? (await readMetas(repo)).map(({ session }) => session);
  const worktrees = await readdir(worktreesDir(repo)).catch(() => []);
  const names = [...new Set([...broken, ...metas, ...worktrees])].filter((name) => !known.has(name)).sort();
  const rebuilt: SessionRecord[] = [];
  for (const name of names) {
    if (!isSessionName(name) || (await hasRecord(repo, name))) continue;
    const record = await rebuildRecord(repo, name);
    if (record !== undefined) rebuilt.push(record);
  }
  return rebuilt;
}

/** Of this para, written meanwhile, or of a newer one. */
async function hasRecord(repo: Repository, session: string): Promise<boolean> {
  const places = placesOf(repo.root);
  const found = await loadRecord(places, session).catch(saysNewer);
  return found !== undefined && found !== false;
}

async function takenOver(repo: Repository, session: string): Promise<SessionRecord | undefined> {
  const places = placesOf(repo.root);
  const file = await readRecordFile(places.record(session), session);
  if (file === undefined || !('why' in file) || file.newer) return undefined;
  const old = fromUpstream(file.data, session);
  if (old === undefined || !(await branchExists(repo, old.branch))) return undefined;
  const base = await mergeBase(repo, `refs/heads/${old.branch}`, old.parent ?? repo.headBranch ?? 'HEAD');
  const { parent, ...facts } = old;
  return newRecord(repo, session, { ...facts, base, base_ref: parent ?? repo.headBranch ?? 'HEAD' });
}

async function fromMeta(repo: Repository, session: string): Promise<SessionRecord | undefined> {
  const about = (await readMetas(repo, session)).find((meta) => meta.session === session)?.about ?? '';
  let data: unknown;
  try {
    data = JSON.parse(about);
  } catch {
    return undefined;
  }
  if (checkSessionRecord(data) !== undefined) return undefined;
  const record = data as SessionRecord;
  return record.name === session ? record : undefined;
}

/** What git remembers is from before a container that was kept ready was taken. */
async function withSlot(
  repo: Repository,
  record: SessionRecord | undefined,
): Promise<SessionRecord | undefined> {
  if (record === undefined || record.container === null) return record;
  const warm = await slotOf(placesOf(repo.root).state, record.name);
  return warm === undefined ? record : { ...record, container: { ...record.container, warm } };
}

async function fromWorktree(repo: Repository, session: string): Promise<SessionRecord | undefined> {
  const path = placesOf(repo.root).worktree(session);
  const branch = (await listWorktrees(repo)).find((worktree) => worktree.path === path)?.branch;
  if (branch === undefined || !(await branchExists(repo, branch))) return undefined;
  const base = await mergeBase(repo, `refs/heads/${branch}`, repo.headBranch ?? 'HEAD');
  const made = (await stat(path).catch(() => undefined))?.birthtime ?? new Date(0);
  return newRecord(repo, session, {
    branch,
    base,
    base_ref: repo.headBranch ?? 'HEAD',
    created_at: made.toISOString(),
    status: 'active',
  });
}

type Facts = Pick<SessionRecord, 'branch' | 'base' | 'base_ref' | 'created_at' | 'status'>;

function newRecord(repo: Repository, name: string, facts: Facts): SessionRecord {
  return {
    schema: 1,
    uuid: randomUUID(),
    name,
    worktree_path: placesOf(repo.root).worktree(name),
    operation: null,
    // Nobody knows: what is in the worktree is not taken for the user's own work.
    contained: true,
    container: null,
    ...facts,
  };
}
