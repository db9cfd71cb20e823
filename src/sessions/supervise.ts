/**
 * Watches the containers of a repository and mends what falls over: one engine call a look, and whatever a container
 * that is not well needs. For whoever watches: `docker supervise`, `monitor`.
 */
import {
  attempt,
  beginCheck,
  lookAt,
  type Guard,
  type Seen,
  type SuperviseContext,
  type Watched,
  type WatchEvent,
} from './attend.ts';
import { createChecks } from './checks.ts';
import { rowOf } from './list-engines.ts';
import { writeMetrics } from './metrics.ts';
import type { Policy } from './recovery.ts';
import { asRegistered, replaceRegistry } from './registry.ts';
import { isWatched } from './restart.ts';
import { listRecords, placesOf, type SessionRecord } from './store.ts';
import { watchEngines, type EngineWatch, type Round } from './watch-engines.ts';

export type { SuperviseContext, Watched };

/** What one look saw and did. */
export interface Watch {
  readonly sessions: readonly Watched[];
  readonly events: readonly WatchEvent[];
  /** What could not be told. */
  readonly remarks: readonly string[];
}

/** How to look. */
export interface WatchEffort {
  /** Milliseconds that an engine may take before what it said last is taken. */
  readonly patienceMs: number;
  /** Wait for the health checks that are due, instead of taking them in at the next look. */
  readonly waits: boolean;
}

/** Watches every session of the repository that has a container, or only one. @returns a look at them, one at a time */
export function superviseSessions(
  context: SuperviseContext,
  only?: string,
): (effort: WatchEffort) => Promise<Watch> {
  const engines = watchEngines(context);
  const see = seeToSessions(context, { engines, isWhole: only === undefined });
  return async ({ patienceMs, waits }) => {
    const repo = await context.repository();
    const { records: all } = await listRecords(placesOf(repo.root));
    const records = all.filter((record) => isWatched(record) && (only === undefined || record.name === only));
    return see({ records, heard: await engines.ask(repo, records, patienceMs) }, waits);
  };
}

/** The same for who has asked the engines already. `isWhole`: each round has every session of the repository. */
export function seeToSessions(
  context: SuperviseContext,
  { engines, isWhole }: { readonly engines: EngineWatch; readonly isWhole: boolean },
): (round: Round, waits: boolean) => Promise<Watch> {
  const checks = createChecks(() => context.now());
  const told = new Map<string, string>();
  // As it was in the beginning: a settings file that is broken meanwhile leaves nobody unwatched.
  let policy: Policy | undefined;
  return async (round, waits) => {
    const places = placesOf((await context.repository()).root);
    policy ??= (await context.config()).config.docker.auto_recovery;
    const { asked, remarks } = round.heard;
    const kept = { context, places, policy, checks, told, engines };
    const guard: Guard = { ...kept, asked, remarks: [...remarks] };
    const records = round.records.filter(isWatched);
    await Promise.all(records.map((record) => attempt(guard, record.name, () => beginCheck(guard, record))));
    if (waits) await attempt(guard, 'health checks', () => checks.settled());
    const seen: Seen[] = [];
    // One after the other: a restart takes the session's lock, and never waits for one.
    for (const record of records) {
      const one = await attempt(guard, record.name, () => lookAt(guard, record));
      if (one !== undefined) seen.push(one);
    }
    await mirror(guard, seen, isWhole ? records : undefined);
    return {
      sessions: seen.map(({ watched }) => watched),
      events: seen.flatMap(({ events }) => events),
      remarks: guard.remarks,
    };
  };
}

/** For other programs: the registry, of `all` when those are all that there are, and what is known of each. */
async function mirror(
  { asked, places, context }: Guard,
  seen: readonly Seen[],
  all: readonly SessionRecord[] | undefined,
): Promise<void> {
  const restarted = new Map(seen.map(({ watched, entry }) => [watched.session, entry]));
  const heard = all?.flatMap((record) => {
    const row = rowOf(record, asked);
    const known = restarted.get(record.name) ?? (row && asRegistered(record, row));
    return known === undefined ? [] : [known];
  });
  if (heard !== undefined && asked.every(({ error }) => error === undefined))
    await replaceRegistry(places.state, heard);
  for (const { watched } of seen) {
    const metrics = { ...watched, given_up: watched.given_up !== null };
    await writeMetrics(places.docker(watched.session), metrics, context.now());
  }
}
