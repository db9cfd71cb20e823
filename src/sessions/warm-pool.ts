/** Filling and emptying what is kept ready for the next starts. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineName } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { hideParaFiles } from '../git/exclude.ts';
import { settleNewIndex } from '../git/fresh-index.ts';
import { resolveBase } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { maskGit } from '../git/sealed.ts';
import { addDetached } from '../git/worktree-lock.ts';
import { placeHere } from '../git/worktrees.ts';
import type { Step } from '../pipeline/step.ts';
import {
  decideContainer,
  trustCommand,
  type ContainerPlan,
  type DecideContext,
} from './container-decision.ts';
import type { Settings } from './container-plan.ts';
import { committedDockerFile } from './docker-file.ts';
import { prepareInside } from './inside.ts';
import type { SessionName } from './name.ts';
import { networkLabels, sharedName } from './network-made.ts';
import { lockRepository, requireOwnPlaces, type Places } from './store.ts';
import { discardSlot, discardUseless } from './warm-discard.ts';
import { newSlotId, slotDir, slotLinks, turnLink } from './warm-links.ts';
import { listSlots, lockPool, saveSlot, uselessSlots, type Slot } from './warm-slots.ts';
import { canBeKept, kindOf, slotSpec, type Where } from './warm-spec.ts';
import { isSame, readWishes, saveWish, type FillRequest } from './warm-wishes.ts';

/** What filling needs of the App. */
export interface FillContext extends DecideContext {
  repository(): Promise<Repository>;
  places(): Promise<Places>;
  config(): Promise<Settings>;
  newId(): string;
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** Everything decided; nothing changed yet. */
export interface FillPlan {
  readonly repo: Repository;
  readonly places: Places;
  readonly request: FillRequest;
  readonly container: ContainerPlan;
  readonly base: string;
  readonly kind: string;
  /** How many are to be made. */
  readonly missing: number;
  /** How many of the kind are there. */
  readonly there: number;
  readonly useless: readonly Slot[];
}

/** Of every kind together; each has a worktree's worth of disk. */
const MOST = 16;

/** Reads all there is to know and decides. @throws USAGE when no pool is wanted, REFUSED for what is not kept ready */
export async function planFill(context: FillContext, request: FillRequest): Promise<FillPlan> {
  const [repo, places, settings] = await Promise.all([
    context.repository(),
    context.places(),
    context.config(),
  ]);
  const wanted = settings.own.docker.warm_pool;
  if (wanted === 0)
    throw new ParaError('USAGE', 'your settings want no container kept ready', {
      hint: 'para config set docker.warm_pool 2',
    });
  await requireOwnPlaces(places);
  const asked = await decideKept(context, { repo, places, settings }, request);
  const ready = (await listSlots(places)).filter(({ state }) => state === 'ready');
  const old = await oldSlots(context, { repo, places, settings }, { request, asked, ready });
  const kept = ready.filter((slot) => !old.includes(slot));
  const there = kept.filter((slot) => slot.kind === asked.kind).length;
  const missing = Math.max(0, Math.min(wanted - there, MOST - kept.length));
  const useless = [...(await uselessSlots(places, false)), ...old];
  return { repo, places, request, ...asked, missing, there, useless };
}

/** Where it is decided, and by which settings. */
type Deciding = Where & { readonly settings: Settings };

type Kept = Pick<FillPlan, 'container' | 'base' | 'kind'>;

/** The container that a start with these would make now. @throws REFUSED for what is not kept ready */
async function decideKept(
  context: FillContext,
  where: Deciding,
  { flags, base: ref }: FillRequest,
): Promise<Kept> {
  const { repo } = where;
  // Who watches for long has a HEAD in mind that may have moved.
  const now = ref ?? (repo.headCommit === undefined ? undefined : 'HEAD');
  const base = await resolveBase(repo, now, await placeHere(repo));
  const container = await decideContainer(context, {
    ...{ ...where, base, operation: context.newId(), flags },
    // No session's: it has the name of none.
    session: 'warm' as SessionName,
    dockerFile: () => committedDockerFile(repo, base),
    trust: trustCommand(ref),
  });
  if (!canBeKept(container))
    throw new ParaError(
      'REFUSED',
      'such a container is not kept ready: ports, a restricted network, the ssh agent, --pin and docker.git "off" are for its session alone',
      { hint: 'Leave them out; a start with them makes its container itself.' },
    );
  return { container, base, kind: await kindOf(where, container) };
}

/**
 * Those that no start will take any more: of another image by now, or made as nothing that was asked for would be. In doubt,
 * as when what was asked for can not be decided now, one stays.
 */
async function oldSlots(
  context: FillContext,
  where: Deciding,
  { request, asked, ready }: { request: FillRequest; asked: Kept; ready: readonly Slot[] },
): Promise<readonly Slot[]> {
  const engine = asked.container.engine.driver.name;
  const slots = ready.filter((slot) => slot.engine === engine);
  if (slots.length === 0) return [];
  const others = (await readWishes(where.places)).filter((wish) => !isSame(wish, request));
  const decided = await Promise.all(
    others.map((wish) => decideKept(context, where, wish).catch(unlessKnown)),
  );
  const images = new Map<string, string | undefined>();
  for (const one of [asked, ...decided])
    if (one !== undefined)
      images.set(one.kind, await one.container.service.imageId(one.container.wish.image));
  const isSure = !decided.includes(undefined);
  return slots.filter(({ kind, image }) =>
    images.has(kind) ? ![undefined, image].includes(images.get(kind)) : isSure,
  );
}

/** @throws what is no error of para's */
function unlessKnown(error: unknown): undefined {
  if (!(error instanceof ParaError)) throw error;
}

/** Runs `work` while nobody else makes or removes any. @throws BUSY */
export async function withPool<T>(
  { repo, places }: Pick<FillPlan, 'repo' | 'places'>,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  // First of all: even the lock is a file that the user's git would show.
  await hideParaFiles(repo);
  return lockPool(places, what, work);
}

/** What is removed, and what is made. */
export interface FillState {
  readonly made: string[];
  readonly removed: string[];
}

/** Every step, in order. The caller holds the pool's lock. */
export function fillSteps(
  context: Pick<FillContext, 'dockerFor'>,
  plan: FillPlan,
): readonly Step<FillState>[] {
  return [
    rememberWish(plan),
    ...discardSteps(context, plan, plan.useless),
    ...(plan.missing === 0 ? [] : [prepareEngine(plan)]),
    ...Array.from({ length: plan.missing }, () => makeOne(plan)),
  ];
}

/** Only here: what is drained, or never filled, is not made ready by who watches. */
function rememberWish({ places, request, kind }: FillPlan): Step<FillState> {
  return {
    title: 'Noting what is to be ready',
    run: () => saveWish(places, { ...request, kind }),
  };
}

/** A step for each of them. */
export function discardSteps(
  context: Pick<FillContext, 'dockerFor'>,
  where: Pick<FillPlan, 'repo' | 'places'>,
  slots: readonly Slot[],
): readonly Step<FillState>[] {
  return slots.map((slot) => ({
    title: 'Removing one that was kept ready',
    run: async ({ removed }, note) => {
      note(slot.id);
      if (await discardUseless(where, await context.dockerFor(slot.engine), slot.id)) removed.push(slot.id);
    },
  }));
}

function prepareEngine({ places, container: { service, wish } }: FillPlan): Step<FillState> {
  return {
    title: 'Getting image and network',
    run: async (_state, note) => {
      note(wish.image);
      await service.ensureImage(wish.image, note);
      const name = sharedName(wish.network);
      if (name === '' || name === 'bridge') return;
      await lockRepository(places, 'creates the network', () =>
        service.ensureNetwork(name, networkLabels(wish.repoId)),
      );
    },
  };
}

function makeOne(plan: FillPlan): Step<FillState> {
  const id = newSlotId();
  const { repo, places, container, base } = plan;
  return {
    title: 'Making one ready',
    run: async ({ made }, note) => {
      note(id);
      const { engine, service, wish } = container;
      const image = (await service.imageId(wish.image)) ?? '';
      const slot = { id, engine: engine.driver.name, kind: plan.kind, image, base };
      // First of all: whatever is made, somebody knows of it.
      await saveSlot(places, slot, 'making');
      const path = places.worktree(id);
      await lockRepository(places, 'creates a worktree', () =>
        addDetached({ repo, path, base }, 'para keeps it ready for a session'),
      );
      await prepareLinks(plan, id);
      await service.createContainer(await slotSpec(plan, container, id));
      // Here nobody waits for it; a start would, and each look at the session after.
      await settleNewIndex({ repo, worktreePath: path });
      await saveSlot(places, slot, 'ready');
      made.push(id);
    },
    undo: () => discardSlot(plan, container.service, { id, state: 'making', base }),
    leftover: () => 'para docker cleanup',
  };
}

/** An engine makes no container of what is not there; a session has its own. */
async function prepareLinks({ places }: FillPlan, id: string): Promise<void> {
  const { tree, box } = slotLinks(places.state, id);
  const empty = join(slotDir(places.state, id), 'empty');
  await prepareInside(empty);
  await mkdir(join(empty, 'git'), { recursive: true });
  await maskGit(join(empty, 'git'));
  await turnLink(box, empty);
  await turnLink(tree, places.worktree(id));
}
