/** Counts how many lines each session differs by, now and then: git has to read a worktree for it. */
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import { countLines, type LineCount } from '../git/line-count.ts';
import type { Repository } from '../git/repository.ts';
import { adminDirOf } from '../git/worktrees.ts';
import { markOf } from './file-memory.ts';
import { everContained, type Places, type SessionRecord } from './store.ts';

/** Where the sessions are. */
export interface Where {
  readonly repo: Repository;
  readonly places: Places;
}

/** The last count of each session. */
export interface LineCounts {
  of(record: SessionRecord): LineCount | null;
  /** Counts again where it is time to, in at most `most` sessions. */
  refresh(where: Where, records: readonly SessionRecord[], most: number): Promise<void>;
}

/** A file edited in place changes nothing that is cheap to look at, so a count is not kept for longer. */
const MAX_AGE_MS = 300_000;
/** Where much happens, counting does not go on all the time, nor for more than a small share of it. */
const MIN_AGE_MS = 10_000;
const REST = 50;

interface Counted {
  readonly count: LineCount | null;
  /** What the files that tell of a change looked like. */
  readonly mark: string;
  readonly at: number;
  readonly tookMs: number;
}

interface Due {
  readonly record: SessionRecord;
  readonly mark: string;
  readonly age: number;
}

/** `now` in milliseconds. */
export function createLineCounts(now: () => number): LineCounts {
  const known = new Map<string, Counted>();
  const dueOf = async (where: Where, record: SessionRecord): Promise<readonly Due[]> => {
    const found = known.get(keyOf(record));
    const age = now() - (found?.at ?? -Infinity);
    if (found !== undefined && age < Math.max(MIN_AGE_MS, REST * found.tookMs)) return [];
    const mark = await markOf(await tellTales(where, record));
    return found?.mark === mark && age < MAX_AGE_MS ? [] : [{ record, mark, age }];
  };
  return {
    of: (record) => known.get(keyOf(record))?.count ?? null,
    async refresh(where, records, most) {
      const named = new Set(records.map(keyOf));
      for (const key of known.keys()) if (!named.has(key)) known.delete(key);
      const counted = records.filter(({ status }) => status !== 'review');
      const due = (await Promise.all(counted.map((record) => dueOf(where, record)))).flat();
      const next = due.toSorted((a, b) => (b.age === a.age ? 0 : b.age - a.age)).slice(0, most);
      await Promise.all(
        next.map(async ({ record, mark }) => {
          const at = now();
          const count = await countOf(where, record);
          known.set(keyOf(record), { count, mark, at: now(), tookMs: now() - at });
        }),
      );
    },
  };
}

/** A name can be given again. */
function keyOf({ name, base, created_at }: SessionRecord): string {
  return `${name} ${base} ${created_at}`;
}

/** git's index and HEAD on both sides, the top of the worktree, and what the session says of itself. */
async function tellTales({ repo, places }: Where, record: SessionRecord): Promise<readonly string[]> {
  const { name, worktree_path: worktree } = record;
  const dirs = [...(await adminDirs(repo, record)), join(places.docker(name), 'git')];
  const told = ['status.json', join('out', 'status.json')].map((file) => join(places.docker(name), file));
  return [worktree, ...told, ...dirs.flatMap((dir) => [join(dir, 'index'), join(dir, 'HEAD')])];
}

/** Where git keeps what is of the session's worktree alone; one that was kept ready was called otherwise. */
export async function adminDirs(repo: Repository, record: SessionRecord): Promise<readonly string[]> {
  const { worktree_path: path, container } = record;
  const found = await adminDirOf(repo, path, container?.warm);
  return found === undefined ? [] : [found];
}

async function countOf({ repo }: Where, record: SessionRecord): Promise<LineCount | null> {
  const { worktree_path: worktreePath, base } = record;
  const [adminDir] = await adminDirs(repo, record);
  if (adminDir === undefined) return null;
  const filters = everContained(record) ? 'off' : 'user';
  try {
    return await countLines({ repo, adminDir, worktreePath, base, filters });
  } catch (error) {
    // What git can not read has no count; what is wrong with it is told by the session's status.
    if (error instanceof ParaError && error.code !== 'INTERRUPTED') return null;
    throw error;
  }
}
