/** Which sessions are shown, and in what order. */
import type { OverviewRow } from '../../sessions/overview.ts';

/** What the rows can be ordered by. */
export const SORTS = ['name', 'state', 'progress', 'lines', 'age'] as const;
export type Sort = (typeof SORTS)[number];

/** Those that hold the text somewhere, in order; those alike stay as they are. */
export function shownRows(rows: readonly OverviewRow[], filter: string, sort: Sort): readonly OverviewRow[] {
  const wanted = filter.toLowerCase();
  const found = rows.filter((row) => textOf(row).toLowerCase().includes(wanted));
  const key = KEYS[sort];
  return key === undefined ? found : found.toSorted((a, b) => key(a) - key(b));
}

function textOf({ name, branch, status, container, says }: OverviewRow): string {
  return [name, branch, status, container ?? '', says?.phase ?? '', says?.status ?? ''].join('\n');
}

/** What needs somebody comes first; names are in order already. */
const KEYS: Readonly<Record<Sort, ((row: OverviewRow) => number) | undefined>> = {
  name: undefined,
  state: urgency,
  progress: ({ says }) => -((says?.progress?.current ?? -1) / (says?.progress?.total || 1)),
  lines: ({ lines }) => -(lines === null ? -1 : lines.added + lines.removed),
  age: ({ created_at }) => -Date.parse(created_at),
};

const ILL: ReadonlySet<OverviewRow['health']> = new Set(['unhealthy', 'stale', 'dead']);

function urgency(row: OverviewRow): number {
  if (row.settle !== null || row.given_up !== null || ILL.has(row.health)) return 0;
  if (row.says?.blocked === true || row.says?.tests === 'failed') return 1;
  if (row.status === 'review') return 4;
  return row.container === 'running' || row.agent?.state === 'running' ? 2 : 3;
}

/** The window of `height` rows that shows the one selected, moved no further than needed. */
export function windowOf(count: number, selected: number, height: number, top: number): number {
  const last = Math.max(0, count - height);
  const least = Math.max(0, selected - height + 1);
  return Math.min(last, Math.max(least, Math.min(top, Math.max(0, selected))));
}
