/** Rows of an overview for tests. */
import type { OverviewRow } from '../../src/sessions/overview.ts';

/** An active session that says nothing. */
export function overviewRow(name: string, change: Partial<OverviewRow> = {}): OverviewRow {
  return {
    ...{ name, status: 'active', branch: `para/${name}`, base_ref: 'main', worktree: `/r/${name}` },
    created_at: '2026-01-01T00:00:00.000Z',
    ...{
      lines: null,
      container: null,
      box: null,
      health: null,
      health_reason: null,
      given_up: null,
      ports: [],
      agent: null,
      settle: null,
    },
    ...{ says: null, said_at: null, defect: null, usage: null },
    ...change,
  };
}
