/** Containers and networks that no session owns any more: found by their labels, judged one by one. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/defaults.ts';
import type { ContainerInfo, EngineName, NetworkRow } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { containerName, INSIDE } from '../docker/spec.ts';
import { endStrays, findStrays } from '../docker/strays.ts';
import { ParaError } from '../errors.ts';
import { objectsOf } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { worktreeChanges } from '../git/status.ts';
import { readSealedRefs } from '../git/untrusted.ts';
import { adminDirOf } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import { sharedNetwork } from './network.ts';
import { besideNobody, sessionOf, unusedImages } from './orphans-beside.ts';
import { isSessionBusy, listRecords, lockRepository, lockSession, type Places } from './store.ts';
import { isThere } from '../sys/files.ts';
import { discardUseless } from './warm-discard.ts';
import { hasSlots, listSlots, uselessSlots, type Slot } from './warm-slots.ts';

/** What looking for orphans needs of the App. */
export interface OrphanContext {
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  wantedEngine(): Promise<'auto' | EngineName>;
  dockerFor(engine: EngineName): Promise<DockerService>;
  config(): Promise<{ readonly own: Config }>;
}

/** Something that can go. */
export interface Orphan {
  readonly kind: 'container' | 'network' | 'image' | 'process';
  readonly name: string;
  readonly session: string | null;
  readonly engine: EngineName;
  readonly why: string;
  /** Its name among those that are kept ready, when it is such a one. */
  readonly warm?: string;
}

/** Something that nobody owns and that stays all the same. */
export interface KeptOrphan extends Orphan {
  /** The command that goes on with it. */
  readonly next: string;
}

/** Everything decided; nothing changed yet. */
export interface CleanupPlan {
  readonly repo: Repository;
  readonly places: Places;
  readonly services: ReadonlyMap<EngineName, DockerService>;
  readonly orphans: readonly Orphan[];
  readonly kept: readonly KeptOrphan[];
  /** Engines that were not asked, and why. */
  readonly silent: readonly string[];
}

/** Asks every engine that is wanted and answers. @throws when none does */
export async function planCleanup(context: OrphanContext, allRepos: boolean): Promise<CleanupPlan> {
  const [repo, places, { own }] = await Promise.all([
    context.repository(),
    context.places(),
    context.config(),
  ]);
  const useless = await uselessSlots(places, own.docker.warm_pool === 0);
  const wanted = await context.wantedEngine();
  const services = new Map<EngineName, DockerService>();
  const failed: ParaError[] = [];
  const found: (Orphan | KeptOrphan)[] = [];
  for (const engine of wanted === 'auto' ? (['docker', 'podman'] as const) : [wanted]) {
    try {
      const service = await context.dockerFor(engine);
      found.push(
        ...(await orphansOf(service, { repo, places, allRepos })),
        ...asOrphans(repo, engine, useless),
      );
      services.set(engine, service);
    } catch (error) {
      if (!(error instanceof ParaError)) throw error;
      failed.push(error);
    }
  }
  const [first] = failed;
  if (services.size === 0 && first !== undefined) throw first;
  const kept = found.filter((one): one is KeptOrphan => 'next' in one);
  const orphans = found.filter((one) => !('next' in one));
  return { repo, places, services, orphans, kept, silent: failed.map(({ message }) => message) };
}

interface Where {
  readonly repo: Repository;
  readonly places: Places;
  readonly allRepos: boolean;
}

async function orphansOf(service: DockerService, where: Where): Promise<readonly (Orphan | KeptOrphan)[]> {
  const mine = { 'para.repo': where.allRepos ? '' : where.repo.id };
  const rows = await service.list(mine);
  const all = await service.inspect(rows.map(({ name }) => name));
  const containers = all.filter(({ labels }) => labels['para.role'] === 'dev');
  const engine = service.engine.driver.name;
  const judged: (Orphan | KeptOrphan)[] = [];
  const owners = await listRecords(where.places);
  const warm = new Set((await listSlots(where.places)).map(({ id }) => containerName(where.repo.id, id)));
  const goneRepos = new Set<string>();
  for (const container of containers) {
    const isMine = container.labels['para.repo'] === where.repo.id;
    if (isMine && warm.has(container.name)) continue;
    const verdict = isMine ? await judgeMine(container, where, owners) : await judgeOther(container);
    if (verdict === undefined) continue;
    const { name } = container;
    judged.push({ kind: 'container', name, engine, session: sessionOf(container), ...verdict });
    if (!isMine && !('next' in verdict)) goneRepos.add(container.labels['para.repo'] ?? '');
  }
  const keptSessions = new Set(judged.flatMap((one) => ('next' in one ? [one.session] : [])));
  const left = await besideNobody(all, where, { keptSessions, goneRepos });
  const networks = await service.networks({ ...mine, 'para.role': 'network' });
  const free = await freeNetworks(networks, where, {
    inUse: judged.some((one) => 'next' in one),
    goneRepos,
  });
  return [
    ...judged,
    ...left.map((one) => ({ kind: 'container' as const, engine, ...one })),
    ...free.map((one) => ({ kind: 'network' as const, engine, session: null, ...one })),
    ...(await unusedImages(service, left)).map((one) => ({
      kind: 'image' as const,
      engine,
      session: null,
      ...one,
    })),
    ...(await straysOf(service, where)),
  ];
}

/** Those that are kept ready, for nobody. */
function asOrphans(
  { id: repoId }: Repository,
  engine: EngineName,
  slots: readonly Slot[],
): readonly Orphan[] {
  return slots
    .filter((slot) => slot.engine === engine)
    .map(({ id, state }) => ({
      ...{ kind: 'container', name: containerName(repoId, id), session: null, engine, warm: id },
      why: state === 'ready' ? 'it is kept ready, and your settings want none' : 'it was to be kept ready',
    }));
}

/** Said, not ended: what they watch over has left no trace by which to judge it. */
async function straysOf(service: DockerService, { repo, allRepos }: Where): Promise<readonly KeptOrphan[]> {
  const strays = await findStrays(service, allRepos ? 'para-' : `para-${repo.id}-`);
  return strays.map((stray) => ({
    kind: 'process',
    name: `${String(stray.pid)} (${stray.name})`,
    session: null,
    engine: service.engine.driver.name,
    why: 'the engine has no record of the container that it watches',
    next: endStrays([stray]),
  }));
}

async function freeNetworks(
  networks: readonly NetworkRow[],
  { repo, places }: Where,
  { inUse, goneRepos }: { readonly inUse: boolean; readonly goneRepos: ReadonlySet<string> },
): Promise<readonly Pick<Orphan, 'name' | 'why'>[]> {
  const { records, broken } = await listRecords(places);
  const keepsReady = await hasSlots(places);
  const used = (name: string): boolean =>
    inUse ||
    keepsReady ||
    broken.length > 0 ||
    records.some(
      ({ container }) => container !== null && [container.network, sharedNetwork(container)].includes(name),
    );
  return networks.flatMap(({ name, labels }) => {
    const id = labels['para.repo'] ?? '';
    if (id === repo.id) return used(name) ? [] : [{ name, why: 'no session has it' }];
    return goneRepos.has(id) ? [{ name, why: 'its repository is gone' }] : [];
  });
}

/** All sessions that there are. */
type Owners = Awaited<ReturnType<typeof listRecords>>;

type Verdict = Pick<Orphan, 'why'> | Pick<KeptOrphan, 'why' | 'next'>;

/** Undefined: a session owns it. */
async function judgeMine(
  container: ContainerInfo,
  { repo, places }: Where,
  { records, broken }: Owners,
): Promise<Verdict | undefined> {
  const session = sessionOf(container);
  if (records.some((record) => record.container?.name === container.name)) return undefined;
  if (session === null) return { why: 'no session has it' };
  const next = `para recover ${session}`;
  if (broken.includes(session)) return { why: 'the record of its session can not be read', next };
  if (await isSessionBusy(places, session))
    return { why: 'another para is at work on it', next: 'para list' };
  // It came when the para that asked for it had died.
  if (container.state === 'created') return { why: 'it never ran' };
  const work = await workOf(repo, places, session);
  return work === undefined ? { why: 'no session has it' } : { why: work, next };
}

/** What would be hard to find again once the container is gone; undefined when there is nothing. */
async function workOf(repo: Repository, places: Places, session: string): Promise<string | undefined> {
  const sealed = await readSealedRefs(
    join(places.docker(session), 'git'),
    repo.objectFormat === 'sha256' ? 64 : 40,
  );
  const head = sealed.head === undefined || sealed.head.startsWith('refs/') ? [] : [sealed.head];
  if ((await objectsOf(repo, [...sealed.refs.values(), ...head])).includes(undefined))
    return 'its git directory holds commits that were not brought back';
  const worktreePath = places.worktree(session);
  if (!(await isThere(worktreePath))) return undefined;
  const worktreeAdminDir = await adminDirOf(repo, worktreePath);
  if (worktreeAdminDir === undefined)
    return (await readdir(worktreePath)).length > 0 ? 'its worktree holds files' : undefined;
  const changes = await worktreeChanges({ repo, worktreeAdminDir, worktreePath });
  const changed = Object.values(changes).some((count: number) => count > 0);
  return changed ? 'its worktree holds uncommitted work' : undefined;
}

/** Another repository's goes only when that is gone, and its worktree with it. */
async function judgeOther(container: ContainerInfo): Promise<Verdict | undefined> {
  const worktree = container.mounts.find(({ target }) => target === INSIDE.workspace)?.source;
  // One that was kept ready mounts a link to it.
  const root = /^(\/.+)\/\.para\/(?:worktrees\/[^/]+|state\/warm\/[^/]+\/tree)$/.exec(worktree ?? '')?.[1];
  if (root === undefined || worktree === undefined) return undefined;
  if (await isThere(join(root, '.git'))) return undefined;
  if (!(await isThere(worktree))) return { why: `its repository ${root} is gone` };
  return { why: `its repository ${root} is gone, but its worktree is there`, next: `ls -la ${worktree}` };
}

/** One step for each orphan; each looks again under the session's lock. Networks come last. */
export function cleanupSteps(plan: CleanupPlan): readonly Step<Set<string>>[] {
  return plan.orphans.map((orphan) => ({
    title: `Removing the ${orphan.kind}`,
    run: async (removed, note) => {
      note(orphan.name);
      const service = plan.services.get(orphan.engine);
      if (service === undefined) return;
      if (orphan.kind === 'image') await service.removeImage(orphan.name);
      else if (orphan.kind === 'network') {
        await lockRepository(plan.places, 'removes a network', () => service.removeNetwork(orphan.name));
      } else if (orphan.warm !== undefined) await discardUseless(plan, service, orphan.warm);
      else await removeContainer(plan, service, orphan);
      removed.add(orphan.name);
    },
  }));
}

async function removeContainer(plan: CleanupPlan, service: DockerService, orphan: Orphan): Promise<void> {
  const lock = 'removes an orphan';
  await lockSession(plan.places, orphan.session ?? 'orphan', lock, async () => {
    const { records } = await listRecords(plan.places);
    if (records.some(({ container }) => container?.name === orphan.name))
      throw new ParaError('REFUSED', `${orphan.name} has got a session in the meantime`);
    await service.removeContainer(orphan.name);
  });
}
