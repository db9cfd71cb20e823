/**
 * What the containers of sessions use, once or as a stream. Reads only.
 *
 * The stream asks again and again, with one short process for each engine: that costs the engine no more than its own
 * stream (facts/performance.md §5), ends at once, knows containers that came meanwhile, and prints no terminal codes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { readHeld } from '../docker/cgroup.ts';
import type { ContainerInfo, EngineName, UsageSample } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { hasCode, ParaError } from '../errors.ts';
import { requireContainer, type ContainerContext } from './containers.ts';
import { findPlaces, findSession } from './find.ts';
import { toFigures, type ContainerStats } from './stats-figures.ts';
import { listRecords, type SessionRecord } from './store.ts';

/** What it needs of the App. */
export interface StatsContext extends ContainerContext {
  engine(): Promise<{ readonly driver: { readonly name: EngineName } }>;
}

/** Whose figures. */
export interface StatsWish {
  /** None: every session of this repository that has a container. */
  readonly sessions: readonly string[];
  /** Of every repository, on the engine in force. */
  readonly all: boolean;
}

/** One look at all of them. */
export interface StatsRound {
  readonly rows: readonly ContainerStats[];
  /** What an engine did not tell, when another one did. */
  readonly remarks: readonly string[];
}

/** The figures now: CPU as it is, not as it was since the start. @throws SESSION_NOT_FOUND, DAEMON_NOT_AVAILABLE … */
export async function readStats(
  context: StatsContext,
  wish: StatsWish,
  { meter = createMeter(), signal }: { readonly meter?: Meter; readonly signal?: AbortSignal } = {},
): Promise<StatsRound> {
  const groups = await whoseFigures(context, wish);
  const asked = await Promise.all(
    groups.map(async (group) => askEngine(context, group, { meter, signal }).catch(asParaError)),
  );
  const failed = asked.filter((answer) => answer instanceof ParaError);
  const rows = asked.flatMap((answer) => (answer instanceof ParaError ? [] : answer));
  if (failed[0] !== undefined && failed.length === asked.length) throw failed[0];
  return {
    rows: [...rows].sort((a, b) => (a.container < b.container ? -1 : 1)),
    remarks: failed.map(({ message }) => `${message}; its containers are not shown`),
  };
}

/** How a stream goes on. */
export interface StatsPace {
  /** Ends it, and what is being asked. */
  readonly signal: AbortSignal;
  /** Milliseconds from one look to the next; docker takes two seconds for one. */
  readonly everyMs: number;
}

/** The latest figures, again and again. Nothing runs while its reader does not wait for more. */
export async function* watchStats(
  context: StatsContext,
  wish: StatsWish,
  { signal, everyMs }: StatsPace,
): AsyncGenerator<StatsRound, void> {
  const meter = createMeter();
  while (!signal.aborted) {
    const next = performance.now() + everyMs;
    const round = await readStats(context, wish, { meter, signal }).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (round === undefined) return;
    yield round;
    await sleep(Math.max(0, next - performance.now()), undefined, { signal }).catch(() => undefined);
  }
}

function asParaError(error: unknown): ParaError {
  if (error instanceof ParaError) return error;
  throw error;
}

/** Containers of one engine, each with its session; `names` undefined: all that para has made there. */
interface Group {
  readonly engine: EngineName;
  readonly owners: ReadonlyMap<string, string> | undefined;
}

async function whoseFigures(context: StatsContext, wish: StatsWish): Promise<readonly Group[]> {
  if (wish.all) return [{ engine: (await context.engine()).driver.name, owners: undefined }];
  const records = await whichRecords(context, wish.sessions);
  const engines = new Map<EngineName, Map<string, string>>();
  for (const { name, container } of records) {
    if (container === null) continue;
    const owners = engines.get(container.engine) ?? new Map<string, string>();
    engines.set(container.engine, owners.set(container.name, name));
  }
  return [...engines].map(([engine, owners]) => ({ engine, owners }));
}

async function whichRecords(
  context: StatsContext,
  sessions: readonly string[],
): Promise<readonly SessionRecord[]> {
  if (sessions.length === 0) return (await listRecords(await findPlaces(context))).records;
  return Promise.all(
    [...new Set(sessions)].map(async (session) => {
      const { record } = await findSession(context, session, 'containers');
      requireContainer(record);
      return record;
    }),
  );
}

interface Asking {
  readonly meter: Meter;
  readonly signal: AbortSignal | undefined;
}

async function askEngine(
  context: StatsContext,
  { engine, owners }: Group,
  asking: Asking,
): Promise<readonly ContainerStats[]> {
  const service = await context.dockerFor(engine);
  const names =
    owners === undefined
      ? (await service.list({ 'para.role': 'dev' })).map(({ name }) => name)
      : [...owners.keys()];
  const { infos, samples } = await measure(service, names, asking);
  const can = service.engine.capabilities;
  return Promise.all(
    names.map(async (container) => {
      const info = infos.find(({ name }) => name === container);
      const sample = samples.find(({ id }) => id !== '' && info?.id.startsWith(id) === true);
      const cpuPercent = sample === undefined ? undefined : asking.meter.percent(sample);
      const session = owners?.get(container) ?? info?.labels['para.session'] ?? null;
      const held = info === undefined ? {} : await readHeld(info);
      const figures = toFigures({ can, info, sample, cpuPercent, held });
      return { session, container, engine, state: info?.state ?? 'missing', ...figures };
    }),
  );
}

interface Measured {
  readonly infos: readonly ContainerInfo[];
  readonly samples: readonly UsageSample[];
}

/** Long enough to tell what a container is at. */
const BETWEEN_MS = 300;

async function measure(
  service: DockerService,
  names: readonly string[],
  { meter, signal }: Asking,
): Promise<Measured> {
  const first = await look(service, names, signal);
  if (!meter.lacks(first.samples)) return first;
  meter.note(first.samples);
  await sleep(BETWEEN_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  return look(service, names, signal);
}

/** The engines tell nothing of any container when one of them is gone: then once more, of those that are there. */
async function look(
  service: DockerService,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Measured> {
  for (let tries = 2; ; tries -= 1) {
    const infos = await service.inspect(names);
    const running = infos.filter(({ state }) => state === 'running').map(({ id }) => id);
    try {
      return { infos, samples: await service.stats(running, { signal }) };
    } catch (error) {
      const isGone = hasCode(error, 'CONTAINER_NOT_FOUND') || hasCode(error, 'CONTAINER_NOT_RUNNING');
      if (tries <= 1 || !isGone) throw error;
    }
  }
}

/** Makes of CPU time the share of a CPU between two looks. */
export interface Meter {
  /** True when one of them can not be told without a second look. */
  lacks(samples: readonly UsageSample[]): boolean;
  note(samples: readonly UsageSample[]): void;
  /** And notes it, for the next look. */
  percent(sample: UsageSample): number | undefined;
}

/** `clock` in milliseconds. */
export function createMeter(clock: () => number = () => performance.now()): Meter {
  const before = new Map<string, { readonly nanos: number; readonly at: number }>();
  const note = ({ id, cpuNanos }: UsageSample): void => {
    if (cpuNanos !== undefined) before.set(id, { nanos: cpuNanos, at: clock() });
  };
  return {
    lacks: (samples) => samples.some(({ id, cpuNanos }) => cpuNanos !== undefined && !before.has(id)),
    note: (samples) => {
      samples.forEach(note);
    },
    percent: (sample) => {
      const last = before.get(sample.id);
      const elapsed = last === undefined ? 0 : clock() - last.at;
      note(sample);
      // One that was started again has less than before.
      if (sample.cpuNanos === undefined || last === undefined || sample.cpuNanos < last.nanos || elapsed <= 0)
        return sample.cpuPercent;
      return Math.round((sample.cpuNanos - last.nanos) / (elapsed * 100)) / 100;
    },
  };
}
