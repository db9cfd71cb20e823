/** How a container is: one word, and why. Pure: what is known goes in, nothing is asked. */
import type { CheckState } from './health-check.ts';
import { memoryOf, OOM_KILLED } from './limit-hit.ts';

/** `stale`: it runs, but its runner is silent. `dead`: it should run, and does not. */
export type HealthState = 'starting' | 'healthy' | 'unhealthy' | 'stale' | 'dead';

/** How a container is. */
export interface Health {
  readonly state: HealthState;
  /** In words, for people. */
  readonly reason: string;
}

/** All that tells of it. */
export interface Signs {
  /** The engine's word, or `missing`, `network missing`, `proxy missing`, `proxy down` or `oom-killed`; null without one. */
  readonly container: string | null;
  /** The engine's own text, such as `Up 5 minutes (healthy)` or `Exited (137) 2 hours ago`; untrusted. */
  readonly status: string;
  /** The limit that an `oom-killed` one has come to; undefined when that is not known. */
  readonly memoryBytes?: number | undefined;
  /** What para was last told to make of it. */
  readonly wanted: 'running' | 'stopped';
  /** A restart of it has begun, and nobody saw its end. */
  readonly restarting: boolean;
  /** The last check that para ran itself, when it is not too old to count. */
  readonly check: CheckState | undefined;
  /** The runner's last sign of life. */
  readonly sign: { readonly ageMs: number; readonly beaten: boolean } | undefined;
}

/** It beats every 4 to 6 seconds; three may be missed. */
export const STALE_MS = 15_000;

const SILENT = `its runner has been silent for more than ${String(STALE_MS / 1000)} s`;

/** Null: there is nothing to say, as of one that is stopped or paused, or that no engine was asked about. */
export function healthOf(signs: Signs): Health | null {
  const { container } = signs;
  const broken = container === OOM_KILLED ? outOfMemory(signs) : BROKEN.get(container);
  if (broken !== undefined) return signs.wanted === 'stopped' ? null : broken;
  if (container === 'exited' || container === 'dead') return ended(signs);
  return container === 'running' || container === 'restarting' ? alive(signs) : null;
}

const BROKEN: ReadonlyMap<string | null, Health> = new Map<string, Health>([
  ['missing', { state: 'dead', reason: 'its engine has no such container' }],
  ['network missing', { state: 'dead', reason: 'its network is gone' }],
  // It runs, and reaches nothing.
  ['proxy missing', { state: 'unhealthy', reason: 'its proxy is gone' }],
  ['proxy down', { state: 'unhealthy', reason: 'its proxy does not run' }],
]);

function outOfMemory({ memoryBytes = 0 }: Signs): Health {
  return { state: 'dead', reason: `it had used up ${memoryOf({ memoryBytes })}` };
}

/** With exit code 0 it was told to end: by the engine's own `stop`, or when the machine went down in order. */
function ended({ wanted, status, restarting }: Signs): Health | null {
  const code = /^Exited \((-?\d{1,5})\)/.exec(status)?.[1];
  if (wanted === 'stopped') return null;
  if (restarting) return { state: 'dead', reason: 'its restart was cut short' };
  if (code === '0') return null;
  return { state: 'dead', reason: code === undefined ? 'it ended' : `it ended with exit code ${code}` };
}

function alive({ check, status, sign }: Signs): Health {
  const engine = /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(status)?.[1];
  const checked = (check?.state ?? engine) as CheckState['state'] | undefined;
  if (checked === 'unhealthy') return { state: checked, reason: failing(check) };
  if (sign !== undefined && sign.ageMs > STALE_MS) return { state: 'stale', reason: SILENT };
  if (checked === 'starting') return { state: checked, reason: 'its health check has not passed yet' };
  if (checked === 'healthy') return { state: checked, reason: 'its health check passes' };
  if (sign?.beaten === true) return { state: 'healthy', reason: 'its runner answers' };
  return { state: 'starting', reason: 'its runner has not been heard of yet' };
}

function failing(check: CheckState | undefined): string {
  if (check === undefined) return 'its health check fails';
  const output = check.output.replaceAll(/\s+/g, ' ').slice(0, 200);
  const times = check.failures === 1 ? 'once' : `${String(check.failures)} times`;
  return `its health check failed ${times}${output === '' ? '' : `: ${output}`}`;
}
