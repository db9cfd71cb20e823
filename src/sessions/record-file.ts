/** The file of one session record: what is in it, or why it can not be read. */
import { checkSessionRecord } from '../config/records.ts';
import type { SessionRecord } from '../config/generated/types.ts';
import { readOwnFile } from '../sys/files.ts';

/** Why a file is no record of a session. */
export interface Unreadable {
  readonly why: string;
  /** A newer para wrote it: not damaged, and not this para's to change. */
  readonly newer: boolean;
  /** What the file holds, when it is JSON. */
  readonly data: unknown;
}

const SCHEMA = 1;
// A command line's longest word is 128 KiB (execve(2)), and can be a finish's message.
const MAX_RECORD = 1024 * 1024;

/** The record, undefined when there is no such file, or what is wrong with it. */
export async function readRecordFile(
  path: string,
  session: string,
): Promise<SessionRecord | Unreadable | undefined> {
  let text: string | undefined;
  try {
    text = await readOwnFile(path, MAX_RECORD);
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error));
  }
  if (text === undefined) return undefined;
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return unreadable('not JSON');
  }
  const { schema } = (data ?? {}) as { readonly schema?: unknown };
  if (typeof schema === 'number' && schema > SCHEMA)
    return { why: `a newer para wrote it (version ${String(schema)})`, newer: true, data };
  const problem = checkSessionRecord(data);
  if (problem !== undefined) return unreadable(problem, data);
  const record = data as SessionRecord;
  if (record.name === session) return record;
  return unreadable(`it is about the session ${JSON.stringify(record.name)}`, data);
}

function unreadable(why: string, data?: unknown): Unreadable {
  return { why, newer: false, data };
}
