/** Changes what the container of a session may use, while it runs; and the record, so that it is made again so. */
import type { ContainerInfo, Limits } from '../docker/driver.ts';
import { enforcedLimits } from '../docker/limits.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { settleDomains, type DomainsContext } from './allowed-domains.ts';
import { requireContainer } from './containers.ts';
import { findSession } from './find.ts';
import { newOperation, wishOf } from './operation.ts';
import { loadRecord, lockSession, saveRecord, type Places, type SessionRecord } from './store.ts';
import { requireActive } from './sync.ts';

/** What was asked for; at least one of them. */
export type LimitsWish = Limits;

/** What a change of limits needs of the App. */
export type UpdateContext = DomainsContext;

/** What holds now. */
export interface LimitsNow {
  readonly record: SessionRecord;
  readonly limits: Readonly<Record<keyof Limits, number>>;
  /** False: the engine has forgotten it when the container is started again. */
  readonly isKept: boolean;
}

/**
 * Believes what `inspect` or the kernel confirms. Repeating it does no harm: the record follows the container.
 * @throws RESOURCE_LIMIT_EXCEEDED, ENGINE_USAGE when the engine can not, CONTAINER_NOT_FOUND, BUSY
 */
export async function updateSession(
  context: UpdateContext,
  session: string | undefined,
  wish: LimitsWish,
): Promise<LimitsNow> {
  const { places, record: found } = await findSession(context, session, 'containers');
  requireActive(found);
  const { engine } = requireContainer(found);
  const service = await context.dockerFor(engine);
  requireEnforced(service, wish);
  return lockSession(places, found.name, 'changes limits', async () => {
    const record = { ...((await loadRecord(places, found.name)) ?? found), operation: null };
    requireActive(record);
    const intent = { id: context.newId(), at: context.now(), wish: inRecord(wish) };
    await saveRecord(places, { ...record, operation: await newOperation('docker update', intent) });
    return change({ service, places, record, wish });
  });
}

async function change({ service, places, record, wish }: Change): Promise<LimitsNow> {
  const { name, made_with: made, ...container } = requireContainer(record);
  try {
    const { limits, isKept } = await service.updateLimits(name, wish);
    // A record of before has nothing to be made again with but the settings.
    const after =
      made === undefined
        ? record
        : { ...record, container: { ...container, name, made_with: { ...made, ...inRecord(wish) } } };
    await saveRecord(places, after);
    return { record: after, limits, isKept };
  } catch (error) {
    // One that was cut off may have been done all the same: the next para asks for it again.
    if (isRefusal(error)) await saveRecord(places, record);
    return explain({ service, record, wish }, error);
  }
}

/** What the engine answers by not doing it. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof ParaError &&
    ['COMMAND_FAILED', 'CONTAINER_NOT_FOUND', 'ENGINE_USAGE', 'RESOURCE_LIMIT_EXCEEDED'].includes(error.code)
  );
}

/**
 * Asks once more for what a para that died was asked for.
 * @returns how it ended, in words
 * @throws as updateSession, but not when the engine will not: then all is as it was
 */
export async function settleUpdate(context: UpdateContext, half: SessionRecord): Promise<string> {
  const { memory_bytes: memoryBytes, cpus, pids, allowed_domains: domains } = wishOf(half, 'docker update');
  if (domains !== undefined) return settleDomains(context, half, domains);
  try {
    await updateSession(context, half.name, { memoryBytes, cpus, pids });
    return 'has come to its end; the limits are as they were asked for';
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return 'is taken back; the limits are as they were';
  }
}

/** Only what was asked for: the rest may be what an engine makes of no limit. */
function inRecord({ memoryBytes, cpus, pids }: LimitsWish): Record<string, number> {
  return {
    ...(memoryBytes === undefined ? {} : { memory_bytes: memoryBytes }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pids === undefined ? {} : { pids }),
  };
}

/** A limit that nobody holds the container to is no limit. @throws RESOURCE_LIMIT_EXCEEDED */
function requireEnforced({ engine }: DockerService, wish: LimitsWish): void {
  const asked = { memory: wish.memoryBytes, cpu: wish.cpus, pids: wish.pids };
  const missing = enforcedLimits(engine.capabilities)
    .filter(([name, isEnforced]) => !isEnforced && asked[name as keyof typeof asked] !== undefined)
    .map(([name]) => name);
  if (missing.length === 0) return;
  throw new ParaError(
    'RESOURCE_LIMIT_EXCEEDED',
    `this engine does not enforce limits on ${missing.join(', ')}: there is nothing to change`,
    { hint: 'para doctor\nor use an engine that does:  --engine docker' },
  );
}

interface Failed {
  readonly service: DockerService;
  readonly record: SessionRecord;
  readonly wish: LimitsWish;
}

interface Change extends Failed {
  readonly places: Places;
}

/** What can be done about it. */
async function explain({ service, record, wish }: Failed, error: unknown): Promise<never> {
  if (!(error instanceof ParaError)) throw error;
  const { name } = record;
  if (error.code === 'CONTAINER_NOT_FOUND')
    throw again(error, `the container of ${name} is gone`, `para recover ${name}`);
  if (error.code === 'ENGINE_USAGE') throw again(error, cannot(service), anew(name, wish));
  const used = /current usage: (\d+)/.exec(String(error.details?.['stderr']))?.[1];
  if (used !== undefined)
    throw again(error, `${tooLittle(name)}: it uses ${inMiB(used)} MiB now`, `para docker stats ${name}`);
  // The engine's own failure, not para's disbelief.
  if (error.code !== 'COMMAND_FAILED' || error.details === undefined) throw error;
  const info = await service.status(requireContainer(record).name);
  if (info === undefined || info.state === 'running') throw error;
  throw again(error, notWhileStopped(service, info), `para docker start ${name}`);
}

function tooLittle(session: string): string {
  return `the container of ${session} can not have so little memory`;
}

function inMiB(bytes: string): string {
  return String(Math.ceil(Number(bytes) / 2 ** 20));
}

function again({ code, details }: ParaError, message: string, hint: string): ParaError {
  return new ParaError(code, message, { hint, details });
}

function cannot({ engine }: DockerService): string {
  return `${engine.driver.name} ${engine.version} can not change this of a container that is there`;
}

function notWhileStopped({ engine }: DockerService, { state }: ContainerInfo): string {
  return `${engine.driver.name} ${engine.version} changes limits only of a container that runs (${state})`;
}

function anew(session: string, { memoryBytes, cpus, pids }: LimitsWish): string {
  const set = 'para config set docker.default_resource_limits';
  return [
    'Set it for new containers, and make this one anew, with all its commits:',
    ...(memoryBytes === undefined ? [] : [`${set}.memory_limit ${String(memoryBytes)}`]),
    ...(cpus === undefined ? [] : [`${set}.cpu_limit ${String(cpus)}`]),
    ...(pids === undefined ? [] : [`${set}.pids_limit ${String(pids)}`]),
    `para docker stop ${session} --remove`,
    `para docker start ${session}`,
  ].join('\n');
}
