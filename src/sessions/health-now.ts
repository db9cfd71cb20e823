/** How a session's container is now, from its record, its files and what its engine was heard to say. Reads only. */
import type { HealthFile } from '../config/generated/types.ts';
import { healthOf, type Health, type Signs } from './health.ts';
import { lastSign, readHealth, type Clocks } from './health-file.ts';
import type { Places, SessionRecord } from './store.ts';

/** What an engine says of a container: the state as `list` has it, and the engine's own text. */
export type Heard = Pick<Signs, 'container' | 'status' | 'memoryBytes'>;

/** How it is, and what watching has told of it. */
export interface HealthNow {
  readonly health: Health | null;
  readonly seen: HealthFile;
}

/** Reads three small files, of a session that has a container. */
export async function healthNow(
  places: Places,
  record: SessionRecord,
  heard: Heard,
  clocks: Clocks,
): Promise<HealthNow> {
  const stateDir = places.docker(record.name);
  const seen = await readHealth(stateDir);
  const runs = heard.container === 'running' || heard.container === 'restarting';
  const health = healthOf({
    ...heard,
    wanted: record.container?.wanted ?? 'running',
    restarting: seen.restarting === true,
    check: isFresh(record, seen, clocks.now) ? (seen.check ?? undefined) : undefined,
    sign: runs ? await lastSign(stateDir, clocks) : undefined,
  });
  return { health, seen };
}

/** How one is that was started just now: what its runner and its checks have said is of before. */
export function healthOfStarted(heard: Heard): Health | null {
  return healthOf({ ...heard, wanted: 'running', restarting: false, check: undefined, sign: undefined });
}

/** A check that nobody runs any more tells nothing. */
function isFresh({ container }: SessionRecord, { check }: HealthFile, now: Date): boolean {
  const made = container?.made_with?.health_check;
  if (made === undefined || check === null) return false;
  const most = (3 * made.interval_seconds + made.timeout_seconds) * 1000;
  return Math.abs(now.getTime() - Date.parse(check.at)) <= most;
}

/** What lists show of it. `null` where there is nothing to say. */
export interface HealthFields {
  /** starting, healthy, unhealthy, stale or dead (health.ts). */
  readonly health: Health['state'] | null;
  /** Why, in words. */
  readonly health_reason: string | null;
  /** Why whoever watched it does not restart it any more; null when nobody has given it up. */
  readonly given_up: HealthFile['given_up'];
}

/** Of a session without a container. */
export const NO_HEALTH: HealthFields = { health: null, health_reason: null, given_up: null };

/** The same for a list. */
export async function tellHealth(
  places: Places,
  record: SessionRecord,
  heard: Heard,
  clocks: Clocks,
): Promise<HealthFields> {
  if (heard.container === null) return NO_HEALTH;
  return toFields(await healthNow(places, record, heard, clocks));
}

/** As lists show it. */
export function toFields(now: HealthNow): HealthFields {
  return {
    health: now.health?.state ?? null,
    health_reason: now.health?.reason ?? null,
    given_up: gaveUp(now),
  };
}

/** Why it is not restarted any more; null while it is well, or somebody still tries. */
export function gaveUp({ health, seen }: HealthNow): HealthFile['given_up'] {
  if (health === null || health.state === 'healthy' || health.state === 'starting') return null;
  return seen.given_up;
}
