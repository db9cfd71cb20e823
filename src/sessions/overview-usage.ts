/** What containers use, beside what else is known of their sessions. */
import type { Overview } from './overview.ts';
import type { ContainerStats } from './stats-figures.ts';

/** The same overview with these figures; a session that is not among them has none. */
export function withUsage(overview: Overview, figures: readonly ContainerStats[]): Overview {
  const bySession = new Map(figures.map((figure) => [figure.session, figure]));
  const sessions = overview.sessions.map((row) => {
    const found = bySession.get(row.name);
    if (found === undefined) return row;
    const { cpu_percent, memory_bytes, memory_limit_bytes, pids } = found;
    return { ...row, usage: { cpu_percent, memory_bytes, memory_limit_bytes, pids } };
  });
  return { ...overview, sessions };
}
