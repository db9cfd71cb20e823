/** What an archive says of the session that it was: the text of its `session.json`. */
import { checkSessionRecord } from '../config/records.ts';
import { ParaError } from '../errors.ts';
import { listArchives, readArchive, type Archive } from '../git/archive.ts';
import type { Repository } from '../git/repository.ts';
import type { SessionRecord } from './store.ts';

/** A session as it was when it was archived. */
export interface Archived {
  readonly archive: Archive;
  readonly record: SessionRecord;
  /** Tip of its branch. */
  readonly tip: string;
  /** Its uncommitted work. */
  readonly snapshot: string | undefined;
}

/** `20260102T030405123Z` of a time; sorts as text. */
export function archiveTime(at: string): string {
  return at.replaceAll(/[-:.]/g, '');
}

/** The opposite of archiveTime; the beginning of all time when it is none. */
export function archiveDate(time: string): Date {
  const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/, '$1-$2-$3T$4:$5:$6.$7Z');
  return new Date(Date.parse(iso) || 0);
}

/** The text to keep. */
export function describeArchive(what: Omit<Archived, 'archive'>): string {
  return `${JSON.stringify({ schema: 1, ...what, snapshot: what.snapshot ?? null }, undefined, 2)}\n`;
}

/** Every readable archive, the newest first, and the refs of those that are not. */
export async function listArchived(
  repo: Repository,
  session?: string,
): Promise<{ readonly archived: readonly Archived[]; readonly broken: readonly string[] }> {
  const archived: Archived[] = [];
  const broken: string[] = [];
  for (const archive of await listArchives(repo, session)) {
    try {
      archived.push({ archive, ...parseArchive(archive, await readArchive(repo, archive)) });
    } catch (error) {
      if (!(error instanceof ParaError)) throw error;
      broken.push(archive.ref);
    }
  }
  return { archived, broken };
}

function parseArchive(archive: Archive, text: string): Omit<Archived, 'archive'> {
  const unreadable = (why: string): ParaError =>
    new ParaError('CONFIG_UNREADABLE', `${archive.ref} can not be read: ${why}`, {
      hint: `git show ${archive.ref}`,
    });
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw unreadable('not JSON');
  }
  const { schema, record, tip, snapshot } = data as Readonly<Record<string, unknown>>;
  if (schema !== 1) throw unreadable('it is of another version of para');
  const problem = checkSessionRecord(record);
  if (problem !== undefined) throw unreadable(problem);
  const isCommit = (value: unknown): value is string =>
    typeof value === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value);
  if (!isCommit(tip) || (snapshot !== null && !isCommit(snapshot))) throw unreadable('it names no commit');
  return { record: record as SessionRecord, tip, snapshot: snapshot ?? undefined };
}
