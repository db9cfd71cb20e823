/**
 * Watches the containers of a repository and mends what falls over: one engine call a look, and whatever a container
 * that is not well needs. For whoever watches: `docker supervise`, `monitor`.
 */
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import type { Cancellation } from '../sys/cancel.ts';
import { createChecks, type Checks } from './checks.ts';
import type { FindContext } from './find.ts';
import { changeHealth, clocks } from './health-file.ts';
import { gaveUp, healthNow, type HealthFields, type HealthNow } from './health-now.ts';
import { heardOf, rowOf, type Asked } from './list-engines.ts';
import { afterLook, decide, recentRestarts, type Policy } from './recovery.ts';
import { giveUp, isWatched, restartContainer, type Means } from './restart.ts';
import { writeMetrics } from './metrics.ts';
import { asRegistered, replaceRegistry } from './registry.ts';
import { knownError } from '../sys/files.ts';
import { mirrorStatus } from './status-file.ts';
import { listRecords, placesOf, type Places, type SessionRecord } from './store.ts';
import type { VaultContext } from './vault.ts';
import { watchEngines } from './watch-engines.ts';

/** What watching needs of the App. */
export interface SuperviseContext extends FindContext, VaultContext {
  readonly cancellation: Pick<Cancellation, 'shield' | 'requested'>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  now(): Date;
}

/** A container as it is watched. */
export interface Watched extends HealthFields {
  readonly session: string;
  /** The engine's word; `not asked` when the engine did not answer. */
  readonly container: string | null;
  /** Restarts that still count. */
  readonly restarts: number;
  /** When it is restarted next, unless it is well by then; null when nothing is to be done. */
  readonly next_restart: string | null;
}

/** Something that happened. */
export interface WatchEvent {
  readonly at: string;
  readonly session: string;
  readonly what: 'health' | 'restarted' | 'restart failed' | 'given up';
  /** In words, without the session's name. */
  readonly text: string;
}

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

/** What is kept from one look to the next. */
interface Guard {
  readonly context: SuperviseContext;
  readonly places: Places;
  readonly policy: Policy;
  readonly checks: Checks;
  /** The health that was told last, by session. */
  readonly told: Map<string, string>;
  readonly asked: readonly Asked[];
  /** Every session of the repository is looked at. */
  readonly isWhole: boolean;
  /** What could not be told or done, in words. */
  readonly remarks: string[];
}

/** Watches every session of the repository that has a container, or only one. @returns a look at them, one at a time */
export function superviseSessions(
  context: SuperviseContext,
  only?: string,
): (effort: WatchEffort) => Promise<Watch> {
  const engines = watchEngines(context);
  const checks = createChecks(() => context.now());
  const told = new Map<string, string>();
  // As it was in the beginning: a settings file that is broken meanwhile leaves nobody unwatched.
  let policy: Policy | undefined;
  return async ({ patienceMs, waits }) => {
    const repo = await context.repository();
    const places = placesOf(repo.root);
    policy ??= (await context.config()).config.docker.auto_recovery;
    const records = (await listRecords(places)).records.filter(
      (record) => isWatched(record) && (only === undefined || record.name === only),
    );
    const { asked, remarks } = await engines.ask(repo, records, patienceMs);
    const guard: Guard = {
      ...{ context, places, policy, checks, told, asked, remarks: [...remarks] },
      isWhole: only === undefined,
    };
    await Promise.all(records.map((record) => attempt(guard, record.name, () => beginCheck(guard, record))));
    if (waits) await attempt(guard, 'health checks', () => checks.settled());
    const seen: Seen[] = [];
    // One after the other: a restart takes the session's lock, and never waits for one.
    for (const record of records) {
      const one = await attempt(guard, record.name, () => lookAt(guard, record));
      if (one !== undefined) seen.push(one);
    }
    await mirror(
      guard,
      records,
      seen.map(({ watched }) => watched),
    );
    return {
      sessions: seen.map(({ watched }) => watched),
      events: seen.flatMap(({ events }) => events),
      remarks: guard.remarks,
    };
  };
}

/** Of one session. */
interface Seen {
  readonly watched: Watched;
  readonly events: readonly WatchEvent[];
}

/** What is in the way of one session is remarked on, and of the others none. @throws only what ends the watch: a signal, a bug */
async function attempt<T>(
  { context, remarks }: Guard,
  subject: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const known = knownError(error);
    const isEnd = known?.code === 'INTERRUPTED' && context.cancellation.requested;
    if (known === undefined || isEnd) throw error;
    remarks.push(`${subject}: ${known.message}`);
    return undefined;
  }
}

async function beginCheck({ context, places, checks, asked }: Guard, record: SessionRecord): Promise<void> {
  const { container } = record;
  if (container?.made_with?.health_check === undefined) return;
  if (heardOf(record, asked).container === 'running')
    await checks.begin(await context.dockerFor(container.engine), { places, record });
}

async function lookAt(guard: Guard, record: SessionRecord): Promise<Seen> {
  const { context, places, asked, policy } = guard;
  const heard = heardOf(record, asked);
  await attempt(guard, record.name, () => mirrorStatus(places.docker(record.name)));
  const now = context.now();
  const { health, seen: before } = await healthNow(places, record, heard, clocks(now));
  const seen =
    afterLook(before, health, now) === before
      ? before
      : await changeHealth(places, record.name, (file) => afterLook(file, health, now));
  const verdict = decide({ ...heard, health }, seen, policy, now);
  const done = (await attempt(guard, record.name, act)) ?? [];
  const events = [...news(guard, record, health?.state ?? 'none', health?.reason), ...done];
  const after: HealthNow = events.some(({ what }) => what !== 'health')
    ? await healthNow(places, record, heard, clocks(now))
    : { health, seen };
  return {
    watched: {
      ...{ session: record.name, container: heard.container },
      ...{ health: health?.state ?? null, health_reason: health?.reason ?? null, given_up: gaveUp(after) },
      restarts: recentRestarts(after.seen, policy, now).length,
      next_restart: verdict.act === 'wait' ? verdict.until.toISOString() : null,
    },
    events,
  };

  async function act(): Promise<readonly WatchEvent[]> {
    if (record.container === null || health === null) return [];
    if (verdict.act !== 'restart' && verdict.act !== 'give up') return [];
    const service = await context.dockerFor(record.container.engine);
    const { cancellation } = context;
    const means: Means = { service, policy, cancellation, secrets: context, now: () => context.now() };
    const found = { places, record };
    if (verdict.act === 'give up') {
      const reason = await giveUp(means, found, health);
      return [event('given up', `given up: ${reason}; to go on: para docker start ${record.name}`)];
    }
    const done = await restartContainer(means, found);
    return done === undefined ? [] : [event(done.worked ? 'restarted' : 'restart failed', done.text)];
  }

  function event(what: WatchEvent['what'], text: string): WatchEvent {
    return { at: context.now().toISOString(), session: record.name, what, text };
  }
}

/** For other programs: the registry of all, unless only some were looked at, and what is known of each. */
async function mirror(
  guard: Guard,
  records: readonly SessionRecord[],
  all: readonly Watched[],
): Promise<void> {
  const { asked, places, context, isWhole } = guard;
  const heard = records.flatMap((record) => {
    const row = rowOf(record, asked);
    return row === undefined ? [] : [asRegistered(record, row)];
  });
  if (isWhole && asked.every(({ error }) => error === undefined)) await replaceRegistry(places.state, heard);
  for (const watched of all) {
    const metrics = { ...watched, given_up: watched.given_up !== null };
    await writeMetrics(places.docker(watched.session), metrics, context.now());
  }
}

/** A change of health; what is well from the beginning is no news. */
function news(
  { context, told }: Guard,
  { name: session }: SessionRecord,
  state: string,
  reason: string | undefined,
): readonly WatchEvent[] {
  const before = told.get(session);
  told.set(session, state);
  const isNews = before === undefined ? !WELL.has(state) : before !== state;
  const text = reason === undefined ? 'not running' : `${state}: ${reason}`;
  return isNews ? [{ at: context.now().toISOString(), session, what: 'health', text }] : [];
}

const WELL: ReadonlySet<string> = new Set(['healthy', 'starting', 'none']);
