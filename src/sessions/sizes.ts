/** What sessions take on the disk. Reads only; slow, so only when it is asked for. */
import { join } from 'node:path';
import type { ContainerSize, EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { diskUse, sumOfUse, type DiskUse } from '../sys/disk-use.ts';
import { findPlaces, type FindContext } from './find.ts';
import { enginesOf } from './list-engines.ts';
import { listRecords, type Places, type SessionRecord } from './store.ts';

/** What it needs of the App. */
export interface SizesContext extends FindContext {
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** Why there is no number; or, beside one, that it is not all. */
export type SizeWord = 'none' | 'not available' | 'in part';

/** Bytes; null where `unknown` has a word. */
export interface Sizes {
  readonly worktree_bytes: number | null;
  /** The host's side of the container: its git directory, its home, its queue. */
  readonly state_bytes: number | null;
  /** What the container has written outside its mounts. */
  readonly layer_bytes: number | null;
  /** Volumes that the image asks for; directories of yours that are mounted are not the session's. */
  readonly volumes_bytes: number | null;
  /** What its programs have printed. */
  readonly logs_bytes: number | null;
  readonly unknown: Readonly<Partial<Record<SizeKey, SizeWord>>>;
}

/** The parts, in the order of a table. */
export const SIZE_KEYS = [
  'worktree_bytes',
  'state_bytes',
  'layer_bytes',
  'volumes_bytes',
  'logs_bytes',
] as const;
export type SizeKey = (typeof SIZE_KEYS)[number];

/** How they are asked for. */
export interface SizesWish {
  /** False: no engine is asked. */
  readonly containers: boolean;
  readonly signal?: AbortSignal;
}

/** By session. An engine that does not answer leaves its part out. @throws INTERRUPTED */
export async function sizesOfSessions(
  context: SizesContext,
  { containers: asks, signal }: SizesWish,
): Promise<ReadonlyMap<string, Sizes>> {
  const places = await findPlaces(context);
  const { records } = await listRecords(places);
  const containers = asks ? await containerSizes(context, records) : new Map<string, ContainerSize>();
  const use: Use = (path, leaveOut = []) => diskUse(path, { leaveOut, signal });
  const sizes = records.map(async (record): Promise<readonly [string, Sizes]> => {
    const found = containers.get(record.container?.name ?? '');
    return [record.name, await sizesOf(use, places, record, found)];
  });
  return new Map(await Promise.all(sizes));
}

/** By the container's name; one call for each engine in use. */
async function containerSizes(
  context: SizesContext,
  records: readonly SessionRecord[],
): Promise<ReadonlyMap<string, ContainerSize>> {
  const asked = enginesOf(records).map(async (engine) => {
    const names = records.flatMap(({ container }) => (container?.engine === engine ? [container.name] : []));
    try {
      return await (await context.dockerFor(engine)).sizes(names);
    } catch (error) {
      if (error instanceof ParaError) return [];
      throw error;
    }
  });
  return new Map((await Promise.all(asked)).flat().map((size) => [size.name, size]));
}

type Told = DiskUse | Exclude<SizeWord, 'in part'>;

/** What a directory takes, but for some paths in it. */
type Use = (path: string, leaveOut?: readonly string[]) => Promise<DiskUse | undefined>;

async function sizesOf(
  use: Use,
  places: Places,
  record: SessionRecord,
  container: ContainerSize | undefined,
): Promise<Sizes> {
  const dir = places.docker(record.name);
  const logs = join(dir, 'logs');
  const hasNone = record.container === null;
  const inside = (told: Told | undefined): Told => (hasNone ? 'none' : (told ?? 'not available'));
  return apart({
    worktree_bytes: (await use(record.worktree_path)) ?? 'none',
    state_bytes: (await use(dir, [logs])) ?? 'none',
    layer_bytes: inside(
      container?.layerBytes === undefined ? undefined : { bytes: container.layerBytes, isWhole: true },
    ),
    volumes_bytes: inside(container === undefined ? undefined : await usedBy(use, container.volumes)),
    logs_bytes: await logsOf(use, logs, hasNone ? null : container),
  });
}

/** Volumes are the engine's own: who is not root may not look into a rootful one's. */
async function usedBy(use: Use, volumes: readonly string[]): Promise<Told> {
  if (volumes.length === 0) return 'none';
  const used = await Promise.all(volumes.map((volume) => use(volume)));
  return used.includes(undefined) ? 'not available' : (sumOfUse(used) ?? 'none');
}

/** para's own files, and the engine's of the main process, which may be nobody's to read. */
async function logsOf(use: Use, dir: string, container: ContainerSize | undefined | null): Promise<Told> {
  const own = await use(dir);
  if (container === null) return own ?? 'none';
  const engines = container?.logFile === undefined ? undefined : await use(container.logFile);
  const sum = sumOfUse([own, engines]);
  return sum === undefined ? 'not available' : { ...sum, isWhole: sum.isWhole && engines !== undefined };
}

function apart(told: Readonly<Record<SizeKey, Told>>): Sizes {
  const numbers = SIZE_KEYS.map((key) => {
    const one = told[key];
    return [key, typeof one === 'string' ? null : one.bytes];
  });
  const words = SIZE_KEYS.flatMap((key) => {
    const one = told[key];
    if (typeof one === 'string') return [[key, one]];
    return one.isWhole ? [] : [[key, 'in part']];
  });
  return {
    ...(Object.fromEntries(numbers) as Omit<Sizes, 'unknown'>),
    unknown: Object.fromEntries(words) as Sizes['unknown'],
  };
}
