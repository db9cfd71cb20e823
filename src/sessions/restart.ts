/** Restarting a container that is not well, and giving it up. Its files, commits and home stay: it is the same container. */
import type { ContainerInfo } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import type { HealthFile } from '../config/generated/types.ts';
import { hasCode, ParaError } from '../errors.ts';
import type { Cancellation } from '../sys/cancel.ts';
import { isThere, knownError } from '../sys/files.ts';
import { withoutWaiting } from '../sys/lock.ts';
import { requireContainer } from './containers.ts';
import type { Found } from './find.ts';
import { changeHealth, clocks, readHealth } from './health-file.ts';
import { healthNow, type Heard } from './health-now.ts';
import type { Health } from './health.ts';
import { requireWakeable, wakeInside } from './inside.ts';
import { PROXY_DOWN, withoutProxy } from './list-engines.ts';
import { diedOfMemory, moreMemory, OOM_KILLED } from './limit-hit.ts';
import { halfDoneVerb } from './operation.ts';
import { proxyName } from './proxy-spec.ts';
import { decide, recentRestarts, withRestart, type Policy } from './recovery.ts';
import { asRegistered, registerContainer } from './registry.ts';
import { loadRecord, lockSession, type SessionRecord } from './store.ts';
import { vaultOfRecord, type VaultContext } from './vault.ts';

/** What mending needs. */
export interface Means {
  readonly service: DockerService;
  readonly policy: Policy;
  readonly cancellation: Pick<Cancellation, 'shield'>;
  readonly secrets: VaultContext;
  now(): Date;
}

/** A container as its engine tells it at length, and as a list would. */
export interface Look {
  readonly info: ContainerInfo;
  readonly heard: Heard;
}

/** What came of it, in words. */
export interface Restarted {
  readonly text: string;
  /** As it runs now; undefined when the engine refused. */
  readonly now: Look | undefined;
}

/** Seconds to end in order: a runner that is silent does not see to that any more. */
const GRACE = { unhealthy: 10, stale: 2 } as const;
/** Milliseconds for a restart that Ctrl-C came into: half of one would be a container that is down. */
const RESTART_MS = 120_000;

/**
 * Restarts it under the session's lock, if it is still as it was seen. Undefined: nothing was to be done, or somebody
 * else is at work on the session, who is not waited for.
 */
export async function restartContainer(means: Means, found: Found): Promise<Restarted | undefined> {
  const { places, record } = found;
  const work = (): Promise<Restarted | undefined> =>
    lockSession(places, record.name, 'restarts its container', () =>
      means.cancellation.shield(RESTART_MS, () => restartLocked(means, found)),
    );
  return withoutWaiting(work).catch((error: unknown) => {
    if (hasCode(error, 'BUSY')) return undefined;
    throw error;
  });
}

async function restartLocked(
  means: Means,
  { places, record: before }: Found,
): Promise<Restarted | undefined> {
  const { service, policy } = means;
  const record = await loadRecord(places, before.name);
  if (record === undefined || !isWatched(record) || !(await isThere(record.worktree_path))) return undefined;
  const container = requireContainer(record);
  const { name } = container;
  const look = await lookAt(service, container);
  if (look === undefined) return undefined;
  const { info, heard } = look;
  const now = means.now();
  const { health, seen } = await healthNow(places, record, heard, clocks(now));
  const verdict = decide({ ...heard, health }, seen, policy, now);
  if (verdict.act !== 'restart' || health === null) return undefined;
  const nth = `${String(verdict.nth)} of ${String(policy.max_restarts)}`;
  await changeHealth(places, record.name, (old) => withRestart(old, health.reason, { policy, now }));
  try {
    const vault = await vaultOfRecord(means.secrets, record.container);
    const sleeper = { container, session: record.name, places, context: means.secrets };
    // Before it is stopped: what can not be told, or is gone, would leave it down.
    await requireWakeable(vault, sleeper);
    const ended = info.state === 'exited' || info.state === 'dead';
    // Where only its proxy is down, what runs in it goes on.
    if (!ended && heard.container !== PROXY_DOWN) await service.stopContainer(name, graceOf(health));
    const woken = await wakeInside(vault, service, sleeper);
    await registerContainer(places.state, asRegistered(record, woken));
    await changeHealth(places, record.name, (old) => ({ ...old, restarting: false }));
    const text = `restarted (${nth}): ${health.reason}`;
    return { text, now: { info: woken, heard: asHeard(woken, undefined) } };
  } catch (error) {
    const known = knownError(error);
    if (known === undefined) throw error;
    return { text: `could not be restarted (${nth}): ${known.message}`, now: undefined };
  }
}

/** Whoever is at work on a session sees to its container. */
export function isWatched(record: SessionRecord): boolean {
  return record.container !== null && record.status === 'active' && halfDoneVerb(record) === undefined;
}

function graceOf({ state }: Health): number {
  return state === 'stale' ? GRACE.stale : GRACE.unhealthy;
}

async function lookAt(
  service: DockerService,
  container: NonNullable<SessionRecord['container']>,
): Promise<Look | undefined> {
  const { name, restricted } = container;
  if (restricted === undefined) {
    const info = await service.status(name);
    return info && { info, heard: asHeard(info, undefined) };
  }
  const infos = await service.inspect([name, proxyName(container)]);
  const info = infos.find((one) => one.name === name);
  return info && { info, heard: asHeard(info, withoutProxy(container, info.state, infos)) };
}

/** What an inspection says, as a list would. */
function asHeard(info: ContainerInfo, proxy: string | undefined): Heard {
  const { state, health, exitCode } = info;
  const ended = state === 'exited' || state === 'dead';
  const status = ended ? `Exited (${String(exitCode)})` : `Up (${health})`;
  if (diedOfMemory(info)) return { container: OOM_KILLED, status, memoryBytes: info.memoryBytes };
  return { container: proxy ?? state, status };
}

/** Seconds in which the last ones were: the window, or longer when nothing between them did it good. */
function spanOf(seen: HealthFile, policy: Policy, now: Date): number {
  const first = recentRestarts(seen, policy, now).at(-policy.max_restarts) ?? now;
  return Math.max(policy.window_seconds, Math.ceil((now.getTime() - first.getTime()) / 1000));
}

/** What a person can do about it besides starting it again; '' when para does not know. */
function wayOut(session: string, { container, memoryBytes = 0 }: Heard): string {
  if (container !== OOM_KILLED || memoryBytes === 0) return '';
  return ` (to let it have more: ${moreMemory(session, { memoryBytes })})`;
}

const LINES = 10;
const MOST_LINE = 400;

/** Notes that it is not tried any more, and why; with the last that it had printed. @returns why */
export async function giveUp(
  { service, policy, ...means }: Means,
  { places, record }: Found,
  { health, heard }: { readonly health: Health; readonly heard: Heard },
): Promise<string> {
  const container = record.container?.name ?? '';
  const now = means.now();
  const seen = await readHealth(places.docker(record.name));
  const times = `restarted ${String(policy.max_restarts)} times within ${String(spanOf(seen, policy, now))} s`;
  const reason = `${health.reason}, and it was ${times}${wayOut(record.name, heard)}`.slice(0, 1024);
  const request = { container, follow: false, tail: LINES, timestamps: false };
  const text = await service.logs(request).catch((error: unknown) => {
    if (error instanceof ParaError) return '';
    throw error;
  });
  const log = text
    .split('\n')
    .map((line) => line.slice(0, MOST_LINE).trimEnd())
    .filter((line) => line !== '')
    .slice(-LINES);
  await changeHealth(places, record.name, (seen) => ({
    ...seen,
    given_up: { at: now.toISOString(), reason, log },
  }));
  return reason;
}
