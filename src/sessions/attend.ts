/** Looks at one container that is watched, and mends it where that is due. What is in the way is remarked on. */
import type { DockerService } from '../docker/service.ts';
import type { EngineName } from '../docker/driver.ts';
import type { Cancellation } from '../sys/cancel.ts';
import { knownError } from '../sys/files.ts';
import type { Checks } from './checks.ts';
import type { FindContext } from './find.ts';
import { changeHealth, clocks, readHealth } from './health-file.ts';
import { healthNow, healthOfStarted, toFields } from './health-now.ts';
import type { Heard, HealthFields, HealthNow } from './health-now.ts';
import type { Health } from './health.ts';
import { heardOf, type Asked } from './list-engines.ts';
import { afterLook, decide, recentRestarts, type Policy, type Verdict } from './recovery.ts';
import { asRegistered, type Registered } from './registry.ts';
import { giveUp, restartContainer, type Look, type Means } from './restart.ts';
import { mirrorStatus } from './status-file.ts';
import type { Places, SessionRecord } from './store.ts';
import type { VaultContext } from './vault.ts';
import type { EngineWatch } from './watch-engines.ts';

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

/** What a look at many has in common, and what is kept from one to the next. */
export interface Guard {
  readonly context: SuperviseContext;
  readonly places: Places;
  readonly policy: Policy;
  readonly checks: Checks;
  /** The health that was told last, by session. */
  readonly told: Map<string, string>;
  readonly engines: Pick<EngineWatch, 'restarted'>;
  readonly asked: readonly Asked[];
  /** What could not be told or done, in words. */
  readonly remarks: string[];
}

/** One of them as it was seen, and what happened. */
export interface Seen {
  readonly watched: Watched;
  readonly events: readonly WatchEvent[];
  /** Of one that was restarted, which its engine's list does not have yet. */
  readonly entry: Registered | undefined;
}

/**
 * What is in the way of one is remarked on, and holds up no other.
 * @throws only what ends the watch: a signal, a bug
 */
export async function attempt<T>(
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

/** Begins its health check, if para has to run that and it is due. */
export async function beginCheck(
  { context, places, checks, asked }: Guard,
  record: SessionRecord,
): Promise<void> {
  const { container } = record;
  if (container?.made_with?.health_check === undefined) return;
  if (heardOf(record, asked).container === 'running')
    await checks.begin(await context.dockerFor(container.engine), { places, record });
}

/** Says how it is, and does what is due. */
export async function lookAt(guard: Guard, record: SessionRecord): Promise<Seen> {
  const { context, places, asked, policy } = guard;
  const { name: session } = record;
  const heard = heardOf(record, asked);
  await attempt(guard, session, () => mirrorStatus(places, session));
  const now = context.now();
  const { health, seen } = await findHealth(places, record, { heard, now });
  const verdict = decide({ ...heard, health }, seen, policy, now);
  const told = news(guard, session, health);
  const done = await attempt(guard, session, () => act(guard, record, { health, heard, verdict }));
  const after = done === undefined ? { health, seen } : await afterwards(guard, record, { health, done });
  return {
    watched: {
      ...{ session, container: (done?.now?.heard ?? heard).container, ...toFields(after) },
      restarts: recentRestarts(after.seen, policy, now).length,
      next_restart: verdict.act === 'wait' ? verdict.until.toISOString() : null,
    },
    events: done === undefined ? told : [...told, done.event],
    entry: done?.now && asRegistered(record, done.now.info),
  };
}

/** Its health, once what is to be remembered of it is written down. */
async function findHealth(
  places: Places,
  record: SessionRecord,
  { heard, now }: { readonly heard: Heard; readonly now: Date },
): Promise<HealthNow> {
  const { health, seen } = await healthNow(places, record, heard, clocks(now));
  if (afterLook(seen, health, now) === seen) return { health, seen };
  return { health, seen: await changeHealth(places, record.name, (file) => afterLook(file, health, now)) };
}

/** How one was found. */
interface Finding {
  readonly health: Health | null;
  readonly heard: Heard;
  readonly verdict: Verdict;
}

/** What was done. */
interface Done {
  readonly event: WatchEvent;
  /** As it runs now, when it was restarted. */
  readonly now?: Look | undefined;
}

async function act(
  { context, engines, places, policy }: Guard,
  record: SessionRecord,
  { health, heard, verdict }: Finding,
): Promise<Done | undefined> {
  if (record.container === null || health === null) return undefined;
  if (verdict.act !== 'restart' && verdict.act !== 'give up') return undefined;
  const service = await context.dockerFor(record.container.engine);
  const { cancellation } = context;
  const means: Means = { service, policy, cancellation, secrets: context, now: () => context.now() };
  const { name: session } = record;
  const happened = (what: WatchEvent['what'], text: string): WatchEvent => ({
    ...{ at: context.now().toISOString(), session, what, text },
  });
  if (verdict.act === 'give up') {
    const reason = await giveUp(means, { places, record }, { health, heard });
    return { event: happened('given up', `given up: ${reason}; to go on: para docker start ${session}`) };
  }
  const done = await restartContainer(means, { places, record });
  if (done === undefined) return undefined;
  const { now, text } = done;
  if (now !== undefined) engines.restarted(now.info.id);
  return { event: happened(now === undefined ? 'restart failed' : 'restarted', text), now };
}

/** How it is once something was done. */
async function afterwards(
  { places }: Guard,
  record: SessionRecord,
  { health, done: { now } }: { readonly health: Health | null; readonly done: Done },
): Promise<HealthNow> {
  const seen = await readHealth(places.docker(record.name));
  return { health: now === undefined ? health : healthOfStarted(now.heard), seen };
}

/** A change of health; what is well from the beginning is no news. */
function news({ context, told }: Guard, session: string, health: Health | null): readonly WatchEvent[] {
  const state = health?.state ?? 'none';
  const before = told.get(session);
  told.set(session, state);
  const isNews = before === undefined ? !WELL.has(state) : before !== state;
  const text = health === null ? 'not running' : `${state}: ${health.reason}`;
  return isNews ? [{ at: context.now().toISOString(), session, what: 'health', text }] : [];
}

const WELL: ReadonlySet<string> = new Set(['healthy', 'starting', 'none']);
