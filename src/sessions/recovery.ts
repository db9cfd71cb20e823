/** Whether a container that is not well is restarted, and when. Pure: the time and what was seen go in. */
import type { Config } from '../config/defaults.ts';
import type { HealthFile } from '../config/generated/types.ts';
import type { Health } from './health.ts';
import { OOM_KILLED } from './limit-hit.ts';

/** How hard it is tried: `docker.auto_recovery`. */
export type Policy = Config['docker']['auto_recovery'];

/** What is to be done now. */
export type Verdict =
  | { readonly act: 'nothing' }
  | { readonly act: 'wait'; readonly until: Date }
  | { readonly act: 'restart'; readonly nth: number }
  | { readonly act: 'give up' };

/** A machine that was asleep, or overloaded, is given this long to be heard of again. */
const SILENCE_MS = 10_000;

/** A container as it is: the engine's word for its state, and its health. */
export interface Patient {
  readonly container: string | null;
  readonly health: Health | null;
}

/** What is to be done about it. One that is gone, or lost its network or its proxy, a restart does not mend. */
export function decide(patient: Patient, seen: HealthFile, policy: Policy, now: Date): Verdict {
  const nothing = { act: 'nothing' } as const;
  if (!policy.enabled || seen.given_up !== null || !isRestartable(patient)) return nothing;
  const silent = patient.health?.state === 'stale' ? silentUntil(seen, now) : now;
  const recent = recentRestarts(seen, policy, now);
  const last = recent.at(-1);
  if (silent > now) return { act: 'wait', until: silent };
  if (last === undefined) return { act: 'restart', nth: 1 };
  if (recent.length >= policy.max_restarts) return { act: 'give up' };
  const until = new Date(last.getTime() + pauseAfter(recent.length, policy));
  return until > now ? { act: 'wait', until } : { act: 'restart', nth: recent.length + 1 };
}

/**
 * Milliseconds from the nth restart to the next. All of them together take at most half of the window: longer ones would
 * let the first restarts leave it before the last is reached, and nobody would ever give up.
 */
function pauseAfter(nth: number, { backoff, max_restarts: most, window_seconds: window }: Policy): number {
  return 1000 * Math.min(backoff * 2 ** (nth - 1), window / (2 * most));
}

/** One that can be started again. */
const ENDED: ReadonlySet<string | null> = new Set(['exited', 'dead', OOM_KILLED]);

function isRestartable({ container, health }: Patient): boolean {
  if (container === 'proxy missing') return false;
  if (health?.state === 'dead') return ENDED.has(container);
  return health?.state === 'unhealthy' || health?.state === 'stale';
}

function silentUntil({ stale_since: since }: HealthFile, now: Date): Date {
  const from = since === null ? now.getTime() : Math.min(Date.parse(since), now.getTime());
  return new Date(from + SILENCE_MS);
}

/**
 * Those that count, the oldest first: all within the window, and before it those after which it was never healthy, however
 * slowly it dies. One that a clock put into the future by more than the window does not.
 */
export function recentRestarts(
  { restarts, unwell_since: since }: HealthFile,
  policy: Policy,
  now: Date,
): readonly Date[] {
  const vain = since === undefined ? Infinity : Date.parse(since);
  return restarts
    .map(({ at }) => new Date(at))
    .filter((at) => {
      const age = now.getTime() - at.getTime();
      return Math.abs(age) < policy.window_seconds * 1000 || (age > 0 && at.getTime() >= vain);
    });
}

/** What is to be remembered of this look. The same object when nothing is new. */
export function afterLook(seen: HealthFile, health: Health | null, now: Date): HealthFile {
  const kept = health?.state === 'healthy' ? withoutTroubles(seen) : seen;
  const stale_since = health?.state === 'stale' ? (seen.stale_since ?? now.toISOString()) : null;
  const runs = health !== null && health.state !== 'dead';
  const restarting = seen.restarting === true && !runs;
  const isSame = stale_since === seen.stale_since && restarting === (seen.restarting ?? false);
  return isSame && kept === seen ? seen : { ...kept, stale_since, restarting };
}

function withoutTroubles(seen: HealthFile): HealthFile {
  const { unwell_since, ...rest } = seen;
  return unwell_since === undefined && seen.given_up === null ? seen : { ...rest, given_up: null };
}

/** What is remembered of a restart, before it is done; the checks start anew. */
export function withRestart(
  seen: HealthFile,
  reason: string,
  { policy, now }: { readonly policy: Policy; readonly now: Date },
): HealthFile {
  const known = recentRestarts(seen, policy, now).map((at) => at.toISOString());
  const before = seen.restarts.filter(({ at }) => known.includes(new Date(at).toISOString()));
  const at = now.toISOString();
  const one = { at, reason: reason.slice(0, 512) };
  const restarts = [...before, one];
  const unwell_since = seen.unwell_since !== undefined && seen.unwell_since < at ? seen.unwell_since : at;
  return { ...seen, ...{ check: null, stale_since: null, restarting: true, unwell_since, restarts } };
}
