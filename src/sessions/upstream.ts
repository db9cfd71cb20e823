/** The session files of the Rust para, which keeps them in the same place under the same name. */
import type { SessionRecord } from './store.ts';

/** What is taken over from such a file. */
export interface UpstreamSession {
  readonly branch: string;
  readonly created_at: string;
  readonly status: Extract<SessionRecord['status'], 'active' | 'review'>;
  /** The branch that it was started from. */
  readonly parent: string | undefined;
}

/** Its words for what a session is; a cancelled one is no session any more. */
const STATUS: Readonly<Record<string, UpstreamSession['status']>> = {
  Active: 'active',
  Review: 'review',
  Finished: 'review',
};

/** The session, or undefined when `data` is no such file. */
export function fromUpstream(data: unknown, session: string): UpstreamSession | undefined {
  if (typeof data !== 'object' || data === null || 'schema' in data) return undefined;
  const old = data as Readonly<Record<string, unknown>>;
  const text = (key: string): string | undefined => {
    const value = old[key];
    return typeof value === 'string' && value !== '' && value.length <= 250 ? value : undefined;
  };
  const branch = text('branch');
  const status = STATUS[text('status') ?? ''];
  if (text('name') !== session || branch === undefined || status === undefined) return undefined;
  const created = new Date(text('created_at') ?? 0);
  const created_at = (Number.isNaN(created.getTime()) ? new Date(0) : created).toISOString();
  return { branch, status, created_at, parent: text('parent_branch') };
}
