/** What a container that is kept ready is made of: all of a start's, but what only its session knows. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ContainerInfo, ContainerSpec, Engine } from '../docker/driver.ts';
import { resolveSpec, type ContainerWish } from '../docker/spec.ts';
import type { Repository } from '../git/repository.ts';
import { sealedMounts } from '../git/sealed.ts';
import type { Places } from './store.ts';
import { slotLinks } from './warm-links.ts';

/** Whose it would be. */
export interface Where {
  readonly repo: Repository;
  readonly places: Places;
}

/** What is decided of the container. */
interface Kept {
  readonly wish: ContainerWish;
  readonly engine: Engine;
}

interface Closing {
  readonly git: 'sealed' | 'off';
  readonly pin: boolean;
}

/** True when nothing of the container is its session's alone. In doubt it is made when its session starts. */
export function canBeKept({ wish, git, pin }: Pick<Kept, 'wish'> & Closing): boolean {
  const { network, ports, sshAgent } = wish;
  return (
    git === 'sealed' && !pin && network.mode !== 'restricted' && ports.length === 0 && sshAgent === undefined
  );
}

/** The whole of it, under the name it has until a session takes it. @throws MOUNT_* */
export async function slotSpec(
  { repo, places }: Where,
  { wish, engine }: Kept,
  id: string,
): Promise<ContainerSpec> {
  const { tree, box } = slotLinks(places.state, id);
  const mountContext = { ...wish.mountContext, worktree: tree };
  const kept = { ...wish, session: id, operation: id, stateDir: box, mountContext };
  return resolveSpec(kept, engine, await sealedMounts(repo, join(box, 'git')));
}

/** The same for all that are made alike: of the create line, but for the name that is all through it. */
export async function kindOf(where: Where, plan: Kept): Promise<string> {
  const { driver, binary, endpoint } = plan.engine;
  const id = 'warm--00000000';
  const { args } = driver.create(await slotSpec(where, plan, id));
  return createHash('sha256')
    .update(JSON.stringify([binary, endpoint, args]))
    .digest('hex')
    .slice(0, 16);
}

/** True for one that was made and never started, by what its engine says. */
export function neverRan({ state, startedAt, pid }: ContainerInfo): boolean {
  return state === 'created' && startedAt === undefined && pid === 0;
}
