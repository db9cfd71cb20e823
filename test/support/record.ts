/** Session records for tests. */
import { placesOf, type SessionRecord } from '../../src/sessions/store.ts';

/** An active session without a container. */
export function sessionRecord(
  root: string,
  name: string,
  change: Partial<SessionRecord> = {},
): SessionRecord {
  return {
    schema: 1,
    uuid: '00000000-0000-4000-8000-000000000000',
    name,
    branch: `para/${name}`,
    base: '0123456789012345678901234567890123456789',
    base_ref: 'main',
    worktree_path: placesOf(root).worktree(name),
    created_at: '2026-01-01T00:00:00.000Z',
    status: 'active',
    operation: null,
    container: null,
    ...change,
  };
}
