/** Mending a session that exists and was changed by hand: its record, branch, worktree and container. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../docker/driver.ts';
import { containerName } from '../docker/spec.ts';
import type { DockerService } from '../docker/service.ts';
import { hasCode, ParaError } from '../errors.ts';
import { commitOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { containerAgain, type Again, type AgainContext } from './container-again.ts';
import { damageOf, type Damaged } from './damage.ts';
import type { FindContext } from './find.ts';
import { lostProxy, type LostProxy } from './mend-proxy.ts';
import { parseSessionName } from './name.ts';
import { isNetworkGone } from './network.ts';
import { loadOrRebuild } from './load-record.ts';
import { isForeign, rebuildRecord } from './rebuild.ts';
import {
  loadRecord,
  lockSession,
  placesOf,
  requireOwnPlaces,
  setRecordAside,
  type Places,
  type SessionRecord,
} from './store.ts';
import { slotOf } from './warm-links.ts';

/** What mending needs of the App. */
export interface MendContext extends FindContext, AgainContext {
  places(): Promise<Places>;
  engine(): Promise<Engine>;
}

/** Everything decided; nothing changed yet. */
export interface MendPlan {
  readonly repo: Repository;
  readonly places: Places;
  /** As it is now; its places may be old ones. */
  readonly record: SessionRecord;
  /** What is wrong, in words. */
  readonly wrong: readonly string[];
  readonly damage: Damaged | undefined;
  /** The repository it comes from is there still: worktree and container of its record are that one's. */
  readonly copied: boolean;
  readonly branchGone: boolean;
  /** The record's engine, when it has a container. */
  readonly service: DockerService | undefined;
  /** The old one still runs: it has to start anew to see the worktree that was made again. */
  readonly running: boolean;
  /** An earlier mending that was cut short has made it, and no more. */
  readonly unstarted: boolean;
  /** A container that is nobody's once the session has a new one. */
  readonly obsolete: string | undefined;
  /** So the old one can not be started again. */
  readonly networkGone: boolean;
  readonly proxy: LostProxy | undefined;
  readonly again: Again | undefined;
  readonly secrets: MendContext;
}

/**
 * What is wrong with a session, or undefined when there is no such session or another verb has to come to its end.
 * Nothing wrong: `wrong` is empty. @throws CONFIG_UNREADABLE of a newer para
 */
export async function planMend(context: MendContext, name: string): Promise<MendPlan | undefined> {
  const session = parseSessionName(name);
  const [repo, places] = await Promise.all([context.repository(), context.places()]);
  const { there, found, lost } = await readOrRebuild(repo, places, session);
  if (found === undefined) return undefined;
  const moved = found.worktree_path !== places.worktree(session);
  if (found.status !== 'active' && there !== undefined && !moved) return undefined;
  const record = there ?? (await adopt(context, repo, found));
  const branchGone = (await commitOf(repo, `refs/heads/${record.branch}`)) === undefined;
  const damage = record.status === 'active' ? await damageOf(repo, record, !branchGone) : movedOrWhole(moved);
  const copied = moved && existsSync(record.worktree_path);
  const container = await mendContainer(context, { repo, places, record, damage, copied });
  const wrong = [
    ...lost,
    ...(damage === undefined ? [] : [damage.damage]),
    ...(container.unstarted ? ['container never started'] : []),
    ...(container.networkGone ? ['network missing'] : []),
    ...(container.proxy === undefined ? [] : [container.proxy.wrong]),
  ];
  return {
    ...{ repo, places, record, damage, copied, branchGone, secrets: context },
    ...container,
    wrong,
  };
}

/**
 * Puts a record aside that can not be read, and that nothing is left of to make it anew.
 * @returns where it is now; undefined: there is none such. @throws BUSY
 */
export async function setHopelessAside(context: MendContext, name: string): Promise<string | undefined> {
  const places = await context.places();
  const session = parseSessionName(name);
  const isReadable = await loadRecord(places, session).then(
    () => true,
    () => false,
  );
  if (isReadable || !(await isHopeless(context, session))) return undefined;
  return lockSession(places, session, 'puts a record aside', async () =>
    (await isHopeless(context, session)) ? setRecordAside(places, session) : undefined,
  );
}

async function isHopeless(context: MendContext, session: string): Promise<boolean> {
  const root = (await context.repository()).root;
  try {
    await loadOrRebuild(() => context.repository(), root, session);
    return false;
  } catch (error) {
    if (!hasCode(error, 'CONFIG_UNREADABLE')) throw error;
    return error.details?.['newer'] !== true;
  }
}

/** The session's own record, and what it is by that or by all else; `lost` says in words what is wrong with it. */
async function readOrRebuild(
  repo: Repository,
  places: Places,
  session: string,
): Promise<{
  readonly there: SessionRecord | undefined;
  readonly found: SessionRecord | undefined;
  readonly lost: readonly string[];
}> {
  const there = await loadRecord(places, session).catch(() => undefined);
  if (there !== undefined && (await isForeign(repo, there)))
    return {
      there: undefined,
      found: await rebuildRecord(repo, session),
      lost: ['record of another repository'],
    };
  if (there !== undefined) return { there, found: there, lost: [] };
  const found = await loadOrRebuild(() => Promise.resolve(repo), repo.root, session);
  return { there, found, lost: ['record missing or unreadable'] };
}

/** All that is looked at of a session that is half done: the verb that is to end it looks at the rest. */
function movedOrWhole(moved: boolean): Damaged | undefined {
  return moved ? { damage: 'repository moved' } : undefined;
}

/** Hands `work` the plan while it holds the session's lock. @throws BUSY */
export async function withMendPlan<T>(
  context: MendContext,
  name: string,
  work: (plan: MendPlan | undefined) => Promise<T>,
): Promise<T> {
  const places = await context.places();
  await requireOwnPlaces(places);
  const lock = 'mends the session';
  return lockSession(places, parseSessionName(name), lock, async () => work(await planMend(context, name)));
}

/** True when there is nothing to mend. */
export function isWhole({ wrong, again }: MendPlan): boolean {
  return wrong.length === 0 && again === undefined;
}

type ContainerPart = Pick<
  MendPlan,
  'service' | 'running' | 'unstarted' | 'obsolete' | 'networkGone' | 'proxy' | 'again'
>;

async function mendContainer(
  context: MendContext,
  session: Pick<MendPlan, 'repo' | 'places' | 'record' | 'damage' | 'copied'>,
): Promise<ContainerPart> {
  const { repo, places, record, damage } = session;
  if (record.container === null || record.status !== 'active') return NO_CONTAINER;
  const service = await context.dockerFor(record.container.engine);
  const state = (await service.status(record.container.name))?.state;
  const useless = state !== undefined && (await isUseless(service, session, state));
  const placed = { ...record, worktree_path: places.worktree(record.name) };
  const kept = useless ? undefined : state;
  return {
    service,
    running: kept === 'running',
    unstarted: kept === 'created',
    // A copy leaves the original its own.
    obsolete: useless && !session.copied ? record.container.name : undefined,
    networkGone: useless && damage === undefined,
    proxy: await lostProxy(context, service, { repo, places, record, state: kept }),
    again: kept === undefined ? await containerAgain(context, { repo, places, record: placed }) : undefined,
  };
}

const NO_CONTAINER: ContainerPart = {
  ...{ service: undefined, running: false, unstarted: false },
  ...{ obsolete: undefined, networkGone: false, proxy: undefined, again: undefined },
};

/** That of another place; or one that can not be started again, as an engine finds its network by an id, and its mounts. */
async function isUseless(
  service: DockerService,
  { places, record, damage }: Pick<MendPlan, 'places' | 'record' | 'damage'>,
  state: string,
): Promise<boolean> {
  const { container, name } = record;
  if (container === null) return false;
  if (damage?.damage === 'repository moved') return true;
  if (damage?.damage === 'container files missing' && container.git === 'sealed')
    return !existsSync(join(places.docker(name), 'git', 'HEAD'));
  return state !== 'running' && state !== 'paused' && (await isNetworkGone(service, container));
}

/** Looks for the container of a session whose record was lost, and did not name one. */
async function adopt(context: MendContext, repo: Repository, record: SessionRecord): Promise<SessionRecord> {
  if (record.container !== null || record.status !== 'active') return record;
  try {
    const engine = await context.engine();
    const service = await context.dockerFor(engine.driver.name);
    const name = containerName(repo.id, record.name);
    // By its name: the labels of one that was kept ready say no session.
    const rows = await service.list({ 'para.repo': repo.id });
    const row = rows.find((one) => one.name === name);
    if (row === undefined) return record;
    const sealed = existsSync(`${repo.root}/.para/state/docker/${record.name}/git/HEAD`);
    const known = { name, engine: engine.driver.name, binary: engine.binary, endpoint: engine.endpoint };
    const warm = await slotOf(placesOf(repo.root).state, record.name);
    const asked = { image: row.image, image_source: 'its container', network: 'none' };
    return {
      ...record,
      container: {
        ...known,
        ...asked,
        ...(warm !== undefined && { warm }),
        hardening: 'default',
        git: sealed ? 'sealed' : 'off',
      },
    };
  } catch (error) {
    // No engine, no container: the worktree is there all the same.
    if (error instanceof ParaError) return record;
    throw error;
  }
}
